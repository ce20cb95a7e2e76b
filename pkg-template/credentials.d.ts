// The types of simsim/credentials.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import type { Credentials, CredentialsProvider, ProviderContext, SimsimFetch } from "./index.js";

export { functionCompute } from "./function-compute.js";

/** `Symbol.dispose` where the platform has it, as in index.d.ts. */
type PlatformDisposable = SymbolConstructor extends { readonly dispose: infer S extends symbol } ? { [K in S]: () => void } : {};

/** Which source a provider has. */
export interface ProviderStatus {
  /** Such as `assume_role`; of a chain the source that answered last. */
  readonly source: string;
  readonly closed: boolean;
}

/**
 * A provider of credentials, for `credentials` of one client or of many, for the `source` of another provider, and for
 * `new Credential(null, provider)` of `@alicloud/credentials`. It keeps a session until shortly before its end, asks once
 * for all who wait, and goes on using a session that is still valid while its renewal fails.
 */
export interface Provider {
  /** The credentials of now. What they could not be obtained for: a `SimsimError`. */
  getCredentials(cx?: Partial<ProviderContext>): Promise<Credentials>;
  /** The same, as `@alicloud/credentials` 2.x has it. */
  getCredential(): Promise<Credentials & { readonly type: string; readonly providerName: string }>;
  status(): ProviderStatus;
  /** Forgets the session and overwrites its memory. */
  close(): void;
}

/** A provider with a wasm instance of its own. The getters are those of `@alicloud/credentials` 2.x. */
export interface SessionProvider extends Provider, PlatformDisposable {
  getAccessKeyId(): Promise<string>;
  getAccessKeySecret(): Promise<string>;
  getSecurityToken(): Promise<string>;
  getBearerToken(): any;
  getType(): string;
  getProviderName(): string;
}

/** Options of every provider that sends requests. */
export interface TransportOptions {
  /** Default: the runtime's `fetch`, looked up for each call; in Node a keep-alive transport of `node:https`. */
  fetch?: SimsimFetch;
  /** Node only: PEM certificates that the provider's own transport trusts instead of Node's. */
  ca?: string;
}

/** Options of a role's session. */
export interface RoleOptions extends TransportOptions {
  /** `acs:ram::ACCOUNT:role/NAME` */
  roleArn: string;
  /** What the session is called in the audit log: 2 to 64 of `A-Z a-z 0-9 . @ _ -`. Default `simsim`. */
  roleSessionName?: string;
  /** How long a session lasts, from 900 to 43,200 seconds and at most what the role allows. Default 3,600. */
  durationSeconds?: number;
  /** A policy, as JSON, that takes away from what the role may do. */
  policy?: string;
  /** The region whose STS is asked. Default: the client's, else the one global STS. */
  regionId?: string;
  /** Public or VPC hosts of the region. Default: the client's. */
  network?: "public" | "vpc";
  /** An address instead of the region's: `https://host[:port]`; plain http for loopback only. */
  endpoint?: string;
}

/** Options of `assumeRole`. */
export interface AssumeRoleOptions extends RoleOptions {
  /** Who assumes the role: credentials, or a provider of them, such as another role's. */
  source: Credentials | CredentialsProvider;
  /** What the role's trust policy may ask for. */
  externalId?: string;
}

/** Options of `oidc`. */
export interface OidcOptions extends RoleOptions {
  /** `acs:ram::ACCOUNT:oidc-provider/NAME` */
  oidcProviderArn: string;
  /** The identity provider's token, or a function that gives it: asked again for each session. */
  token: string | ((cx: ProviderContext) => string | Promise<string>);
}

/** The same with the token in a file, which is read again for each session. Node, Deno and Bun. */
export interface OidcFileOptions extends Omit<OidcOptions, "token"> {
  /** Such as `ALIBABA_CLOUD_OIDC_TOKEN_FILE` of a cluster's pod names it. */
  tokenFile: string;
}

/** Options of `ecsRamRole`. */
export interface EcsRamRoleOptions extends TransportOptions {
  /** The role's name. Default: the one that is attached to the instance. */
  roleName?: string;
  /** Does without metadata that need no token (IMDSv1). */
  withoutImdsV1?: boolean;
  /** Instead of the instance's own metadata: http on loopback, for tests. */
  endpoint?: string;
}

/** Options of `profile`. */
export interface ProfileOptions extends TransportOptions {
  /** Default: `ALIBABA_CLOUD_PROFILE`, else the file's current one. */
  profile?: string;
  /** Default: `ALIBABA_CLOUD_CONFIG_FILE`, else `~/.aliyun/config.json`. */
  file?: string;
}

/** Options of `credentialsUri`. */
export interface CredentialsUriOptions extends TransportOptions {
  /** `https://host/path`, or http on loopback. */
  uri: string;
}

/**
 * Sessions of a RAM role, assumed with other credentials.
 *
 * ```js
 * const client = new SecretClient({
 *   regionId: "cn-hangzhou",
 *   credentials: assumeRole({
 *     roleArn: "acs:ram::1234567890123456:role/reader",
 *     source: { accessKeyId: "LTAI-example", accessKeySecret: "not-a-real-secret" },
 *   }),
 * });
 * ```
 */
export function assumeRole(options: AssumeRoleOptions): SessionProvider;

/**
 * Sessions of a RAM role for a token of an identity provider: Vercel's, GitHub's, Deno's, a cluster's.
 *
 * ```js
 * const credentials = oidc({
 *   roleArn: "acs:ram::1234567890123456:role/reader",
 *   oidcProviderArn: "acs:ram::1234567890123456:oidc-provider/vercel",
 *   token: () => process.env.VERCEL_OIDC_TOKEN,
 * });
 * ```
 */
export function oidc(options: OidcOptions | OidcFileOptions): SessionProvider;

/** Sessions from an address that gives them as JSON: a sidecar, a token endpoint of one's own. */
export function credentialsUri(options: string | CredentialsUriOptions): SessionProvider;

/**
 * The keys of `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET` and `…_SECURITY_TOKEN`: of these values, such as a
 * worker's `env`, or of the process's environment where the runtime has one.
 */
export function environment(values?: object): Provider;

/** The session of an ECS instance's RAM role. Node, Deno and Bun; elsewhere `ERR_SIMSIM_UNSUPPORTED`. */
export function ecsRamRole(options?: EcsRamRoleOptions): SessionProvider;

/** A profile of the Alibaba Cloud command line. Node, Deno and Bun; elsewhere `ERR_SIMSIM_UNSUPPORTED`. */
export function profile(options?: ProfileOptions): SessionProvider;

/**
 * Whatever this machine has, and what a client uses there that is given no credentials: a function's session, the
 * environment, a cluster's OIDC token, a profile, a credentials URI, an instance's role. Where none is configured, the
 * error lists each with its reason; one that is configured but broken is an error of its own. Node, Deno and Bun;
 * elsewhere `ERR_SIMSIM_UNSUPPORTED`.
 */
export function defaultChain(options?: TransportOptions): SessionProvider;
