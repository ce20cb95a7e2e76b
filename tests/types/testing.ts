// The types of simsim/testing: what must compile, and behind @ts-expect-error what must not.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";
import { createEmulator } from "simsim/testing";
import type { Emulator, Fault } from "simsim/testing";

const kms: Emulator = createEmulator({
  secrets: { text: "a", bytes: new Uint8Array(1), described: { value: { any: "thing" }, type: "Rds", versionId: "v1" } },
  credentials: { accessKeyId: "LTAI-example", accessKeySecret: "not-a-real-secret" },
  regionId: "cn-hangzhou", roles: ["acs:ram::1234567890123456:role/reader"], quotaPerSecond: 10,
});
const arn = "acs:ram::1234567890123456:oidc-provider/ci";
const federated = createEmulator({
  roles: [{ arn: "acs:ram::1234567890123456:role/reader", maxSessionSeconds: 43200, trust: [arn], externalId: "tenant-7" }],
  oidcProviders: [arn, { arn, issuer: "https://ci.example", clientIds: ["team"] }],
  instanceRole: { name: "ecs-reader", sessionSeconds: 900, v2Only: true },
  credentialsUri: "/credentials",
});
const token: string = federated.oidcToken(arn) + federated.oidcToken(arn, { subject: "s", audience: "team", lifetimeSeconds: 60 });
federated.expireSession("STS.example");
// @ts-expect-error whose token?
federated.oidcToken();
// @ts-expect-error no such service
federated.fail({ kind: "hang", service: "oss" });
createEmulator();
// @ts-expect-error no such option
createEmulator({ secret: {} });
new SecretClient(kms.clientOptions);
new SecretClient({ ...kms.clientOptions, cache: false });

const faults: Fault[] = [
  { kind: "throttle", times: 2, retryAfterMs: 5 },
  { kind: "status", status: 503, code: "ServiceUnavailable", secret: "text" },
  { kind: "slowHeaders", delayMs: 100, action: "GetSecretValue" },
  { kind: "unreachable", service: "sts" },
];
faults.forEach(kms.fail);
// @ts-expect-error how late?
kms.fail({ kind: "slowBody" });
// @ts-expect-error no such fault
kms.fail({ kind: "gone" });
kms.throttle(1, { secret: "text" });
kms.clock.advance(kms.clock.now());
const id: string = kms.rotate("text", "b");
kms.put(id, { value: 5 });
const statuses: number[] = kms.log().calls.map((call) => call.status);
const count: number | undefined = kms.log().counts.GetSecretValue;
export { statuses, count, token };
