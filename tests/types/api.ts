// The types as a caller meets them: what must compile, and behind @ts-expect-error what must not.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient, SimsimError } from "simsim";
import type {
  ClientEvent, ClientStatus, Credentials, CredentialsProvider, ErrorCode, ReadOptions, Secret, SecretClientOptions,
} from "simsim";
import { SimsimError as Same } from "simsim/errors";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | void => undefined;

const key: Credentials = { accessKeyId: "LTAI-example", accessKeySecret: "not-a-real-secret" };
const providers: CredentialsProvider[] = [
  () => key,
  async ({ signal, rejected }) => (signal.aborted || rejected ? key : { ...key, securityToken: "t", expiration: 1 }),
  { getCredentials: async () => key },
  { getCredential: async () => key },
];
const options: SecretClientOptions = {
  regionId: "cn-hangzhou", network: "vpc", endpoint: "https://kms.cn-hangzhou.aliyuncs.com", credentials: providers[0],
  cache: { ttlMs: 1, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, rotationOverlapMs: 0, maxEntries: 1, maxBytes: 1 },
  retry: { maxAttempts: 1, baseMs: 1, capMs: 1, attemptTimeoutMs: 1 },
  timeoutMs: 1, maxRequestsPerCall: 1, waitUntil: (promise) => void promise.then(), onEvent: (event: ClientEvent) => void event.kind,
  observeNames: true, dangerouslyAllowBrowser: true, ca: "pem",
};
const client = new SecretClient(options);
new SecretClient();
new SecretClient({ cache: false, retry: false });
// @ts-expect-error no such option
new SecretClient({ region: "cn-hangzhou" });
// @ts-expect-error only false turns the cache off
new SecretClient({ cache: true });
// @ts-expect-error one of two
new SecretClient({ network: "private" });
// @ts-expect-error half a key
new SecretClient({ credentials: { accessKeyId: "a" } });

export async function reads(read: ReadOptions) {
  const secret = await client.getSecret("db", read);
  is<Equal<typeof secret, Secret>>();
  is<Equal<ReturnType<typeof client.text>, Promise<string>>>();
  is<Equal<ReturnType<typeof client.bytes>, Promise<Uint8Array>>>();
  const login = await client.json<{ user: string }>("db");
  is<Equal<typeof login, { user: string }>>();
  const { db, smtp } = await client.getSecrets({ db: "db/password", smtp: "smtp/login" }, { timeoutMs: 1 });
  is<Equal<[typeof db, typeof smtp], [Secret, Secret]>>();
  // @ts-expect-error not among the names
  (await client.getSecrets({ db: "db/password" })).smtp;
  // @ts-expect-error versions are of one secret
  client.getSecrets({ db: "db" }, { versionId: "v1" });
  const settled = await client.getSecretsSettled(["a", "b"]);
  is<Equal<typeof settled, Map<string, PromiseSettledResult<Secret>>>>();
  const used = await client.withSecret("db", (s) => s.text().length, (error) => error instanceof SimsimError);
  is<Equal<typeof used, number>>();
  const status: ClientStatus = client.status();
  is<Equal<typeof status.lastError, SimsimError | undefined>>();
  await client.refresh("db", { timeoutMs: 1 });
  await client.check();
  client.invalidate();
  client.invalidate("db");
  is<Equal<ReturnType<typeof client.forPrincipal>, SecretClient>>();
  client.forPrincipal(key).close();
  SecretClient.fromConfig({ ALIBABA_CLOUD_REGION_ID: "cn-hangzhou", KV: {} });
  // @ts-expect-error a value comes from a method only
  secret.value;
  // @ts-expect-error read-only
  secret.name = "other";
}

export function failures(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Same)) return undefined;
  is<Equal<Same, SimsimError>>();
  switch (error.code) {
    case "ERR_SIMSIM_NOT_FOUND":
      return error.code;
    // @ts-expect-error the codes are a closed set
    case "ERR_SIMSIM_WHATEVER":
      return undefined;
    default:
      return error.failures?.get("db")?.code ?? (error.cause?.name === "x" ? error.code : undefined);
  }
}
// @ts-expect-error only simsim makes them
new SimsimError("x");
