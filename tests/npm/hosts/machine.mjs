// A program that gives no credentials: `machine.mjs NAME ENDPOINT`. Prints what it read, and whose the credentials were.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import process from "node:process";
import { SecretClient } from "simsim";

const [name, endpoint] = globalThis.Deno?.args ?? process.argv.slice(2);
const client = new SecretClient({ endpoint, regionId: "cn-hangzhou", timeoutMs: 8000 });
const read = await client.getSecret(name).then(
  (secret) => ({ text: secret.text() }),
  ({ code, message, cause }) => ({ code, message, cause: cause && { code: cause.code, message: cause.message } }),
);
console.log(JSON.stringify({ ...read, source: client.status().credentialSource }));
client.close();
