// A Cloudflare worker: whoever knows the secret `app/door` is let in.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";

// One client for all requests of an isolate: they share its cache. Made at the first one: only then is there an `env`.
let client;

export default {
  async fetch(request, env, ctx) {
    try {
      client ??= SecretClient.fromConfig(env);
      const right = await client.text("app/door", { waitUntil: (promise) => ctx.waitUntil(promise) });
      return same(request.headers.get("x-password") ?? "", right) ? new Response("open") : new Response("closed", { status: 403 });
    } catch (error) {
      // An error's text names what is wrong and what helps. It holds no value, key or token.
      return new Response(error.message, { status: 503 });
    }
  },
};

/** Compares without telling by its time how much was right. */
function same(said, right) {
  let different = said.length ^ right.length;
  for (let i = 0; i < right.length; i++) different |= said.charCodeAt(i) ^ right.charCodeAt(i);
  return different === 0;
}
