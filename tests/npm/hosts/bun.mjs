// Bun, with its own server.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import * as simsim from "simsim";
import options from "../options.mjs";
import { world } from "../world/world.mjs";
import { answering } from "./answer.mjs";

const answer = answering(world(simsim, options));
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: (request) => answer(request, () => {}) });
console.log(`listening on ${server.port}`);
