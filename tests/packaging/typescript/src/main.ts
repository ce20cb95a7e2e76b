// A consumer in TypeScript, compiled to ES modules.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient, SimsimError, type Secret, type SecretClientOptions } from "simsim";

const options: SecretClientOptions = { timeoutMs: 5000, cache: { ttlMs: 60_000 } };
const client = new SecretClient(options);
const secret: Secret = await client.getSecret(process.env.SECRET!);
const text: string = await client.text(process.env.SECRET!);
try {
  await client.json<{ user: string }>(process.env.SECRET!);
} catch (error) {
  if (!(error instanceof SimsimError) || error.code !== "ERR_SIMSIM_PROTOCOL") throw error;
  console.log(`${text.length} characters of ${secret.versionStages.join()}`);
}
