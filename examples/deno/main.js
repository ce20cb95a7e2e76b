// A Deno server: whoever knows the secret `app/door` is let in.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";

// Region and credentials are those of the environment.
const client = new SecretClient();

async function answer(request) {
  try {
    const right = await client.text("app/door");
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

const port = Number(Deno.env.get("PORT") ?? 8000);
Deno.serve({ hostname: "127.0.0.1", port, onListen: (at) => console.log(`listening on ${at.port}`) }, answer);
