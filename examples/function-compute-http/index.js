// A function behind an HTTP trigger of Function Compute 3.0 (ESM): whoever knows the secret `app/door` is let in.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { timingSafeEqual } from "node:crypto";
import { SecretClient } from "simsim";
import { functionCompute } from "simsim/function-compute";

// One client for the life of the instance. Region and credentials are the function's own.
const fc = functionCompute();
const client = new SecretClient({ credentials: fc });

/** The request arrives as an event, version v1, with the names of headers as they were sent. */
export const handler = fc.wrap(async (event) => {
  const { headers } = JSON.parse(event.toString());
  const [, password = ""] = Object.entries(headers).find(([name]) => name.toLowerCase() === "x-password") ?? [];
  try {
    const [said, right] = [Buffer.from(password), Buffer.from(await client.bytes("app/door"))];
    const known = said.length === right.length && timingSafeEqual(said, right);
    return known ? answer(200, "open") : answer(403, "closed");
  } catch (error) {
    // An error's text names what is wrong and what helps. It holds no value, key or token.
    return answer(503, error.message);
  }
});

const answer = (statusCode, body) => ({ statusCode, headers: { "content-type": "text/plain" }, isBase64Encoded: false, body });
