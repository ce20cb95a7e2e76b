// A cold start with simsim: import, client, first secret.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { timed } from "./timed.mjs";

await timed(
  async ({ endpoint, keys }) => {
    const { SecretClient } = await import("simsim");
    return new SecretClient({ regionId: "cn-hangzhou", endpoint, credentials: keys });
  },
  async (client, name) => (await client.getSecret(name)).text(),
);
