// The worker of the workerd tests: one client at module scope, used by every request.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { world } from "./world.mjs";
import { SecretClient } from "simsim";

let ask;

export default {
  async fetch(request, env, ctx) {
    ask ??= world(SecretClient, env.OPTIONS);
    const path = new URL(request.url).pathname.slice(1);
    return Response.json(await ask(path, await request.json(), (p) => ctx.waitUntil(p)));
  },
};
