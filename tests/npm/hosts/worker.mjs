// Cloudflare's workers (workerd, miniflare): one client at module scope, used by every request.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import * as simsim from "simsim";
import options from "../options.mjs";
import { world } from "../world/world.mjs";
import { answering } from "./answer.mjs";

const answer = answering(world(simsim, options));

export default {
  fetch: (request, env, ctx) => answer(request, (promise) => ctx.waitUntil(promise)),
};
