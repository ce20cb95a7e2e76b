// The types of simsim/credentials: what must compile, and behind @ts-expect-error what must not.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";
import type { CredentialsProvider } from "simsim";
import { assumeRole, credentialsUri, defaultChain, ecsRamRole, environment, functionCompute, oidc, profile } from "simsim/credentials";
import type { AssumeRoleOptions, Provider, ProviderStatus, SessionProvider } from "simsim/credentials";

const key = { accessKeyId: "LTAI-example", accessKeySecret: "not-a-real-secret" };
const options: AssumeRoleOptions = {
  roleArn: "acs:ram::1:role/reader", source: key, roleSessionName: "me", durationSeconds: 900, policy: "{}", externalId: "id",
  regionId: "cn-hangzhou", network: "vpc", endpoint: "https://sts.aliyuncs.com", ca: "pem",
};
const role: SessionProvider = assumeRole(options);
const chained: Provider = assumeRole({ roleArn: "acs:ram::1:role/next", source: role });
const web = { roleArn: "acs:ram::1:role/reader", oidcProviderArn: "acs:ram::1:oidc-provider/ci" };
const providers: CredentialsProvider[] = [
  role, chained, environment(), environment({ ALIBABA_CLOUD_ACCESS_KEY_ID: "a" }), functionCompute(), defaultChain(), profile({ profile: "dev" }),
  ecsRamRole({ roleName: "reader", withoutImdsV1: true }), credentialsUri("https://h.example/"), credentialsUri({ uri: "https://h.example/" }),
  oidc({ ...web, token: "text" }), oidc({ ...web, token: async ({ signal }) => (signal.aborted ? "" : "text") }), oidc({ ...web, tokenFile: "/token" }),
];
new SecretClient({ credentials: providers[0], maxRequestsPerCall: 50 });
// @ts-expect-error no source
assumeRole({ roleArn: "acs:ram::1:role/reader" });
// @ts-expect-error no token
oidc(web);
// @ts-expect-error no such option
profile({ name: "dev" });

export async function used() {
  const { accessKeyId, expiration } = await role.getCredentials();
  await role.getCredentials({ rejected: true });
  const { providerName } = await role.getCredential();
  const status: ProviderStatus = role.status();
  role.close();
  return [accessKeyId, expiration, providerName, status.source];
}
