// A Bun server: whoever knows the secret `app/door` is let in.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { timingSafeEqual } from "node:crypto";
import { SecretClient } from "simsim";

// Region and credentials are those of the environment.
const client = new SecretClient();

async function answer(request) {
  try {
    const [said, right] = [Buffer.from(request.headers.get("x-password") ?? ""), await client.bytes("app/door")];
    const known = said.length === right.length && timingSafeEqual(said, right);
    return known ? new Response("open") : new Response("closed", { status: 403 });
  } catch (error) {
    // An error's text names what is wrong and what helps. It holds no value, key or token.
    return new Response(error.message, { status: 503 });
  }
}

const server = Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT ?? 8000), fetch: answer });
console.log(`listening on ${server.port}`);
