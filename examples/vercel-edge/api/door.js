// An edge function of Vercel's: whoever knows the secret `app/door` is let in.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";

export const config = { runtime: "edge" };

// One client for all requests of an isolate: they share its cache.
let client;

export default async function door(request, context) {
  try {
    client ??= SecretClient.fromConfig(process.env);
    const right = await client.text("app/door", { waitUntil: (promise) => context.waitUntil(promise) });
    return same(request.headers.get("x-password") ?? "", right) ? new Response("open") : new Response("closed", { status: 403 });
  } catch (error) {
    // An error's text names what is wrong and what helps. It holds no value, key or token.
    return new Response(error.message, { status: 503 });
  }
}

/** Compares without telling by its time how much was right. */
function same(said, right) {
  let different = said.length ^ right.length;
  for (let i = 0; i < right.length; i++) different |= said.charCodeAt(i) ^ right.charCodeAt(i);
  return different === 0;
}
