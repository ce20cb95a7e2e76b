// A cold start with another cloud's SDK against a server that answers as its service does: import, client, first secret.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { timed } from "./timed.mjs";

let sdk;
await timed(
  async ({ peer, keys: { accessKeyId, accessKeySecret, securityToken } }) => {
    sdk = await import("@aws-sdk/client-secrets-manager");
    const credentials = { accessKeyId, secretAccessKey: accessKeySecret, sessionToken: securityToken };
    return new sdk.SecretsManagerClient({ region: "eu-central-1", endpoint: peer, credentials });
  },
  async (client, SecretId) => (await client.send(new sdk.GetSecretValueCommand({ SecretId }))).SecretString,
);
