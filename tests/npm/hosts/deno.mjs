// Deno, with its own server.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import * as simsim from "simsim";
import options from "../options.mjs";
import { world } from "../world/world.mjs";
import { answering } from "./answer.mjs";

const answer = answering(world(simsim, options));
Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`listening on ${port}`) },
  (request) => answer(request, () => {}),
);
