// A cold start with Alibaba Cloud's own SDK: import, client, first secret.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { timed } from "./timed.mjs";

let sdk;
await timed(
  async ({ endpoint, keys }) => {
    const [kms, credentials, { $OpenApiUtil }] = await Promise.all([
      import("@alicloud/kms20160120"), import("@alicloud/credentials"), import("@alicloud/openapi-core"),
    ]);
    sdk = kms;
    // Both are CommonJS that was compiled from ES modules.
    const [Client, Credential, Config] = [kms.default.default, credentials.default.default, credentials.Config];
    const credential = new Credential(new Config({ type: "sts", ...keys }));
    const host = new URL(endpoint).host;
    return new Client(new $OpenApiUtil.Config({ credential, endpoint: host, protocol: "http", regionId: "cn-hangzhou" }));
  },
  async (client, secretName) => (await client.getSecretValue(new sdk.GetSecretValueRequest({ secretName }))).secretData,
);
