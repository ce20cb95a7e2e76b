// The types of simsim.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import type { ErrorCode, SimsimError } from "./errors.js";
export { SimsimError, type ErrorCode } from "./errors.js";

// The platform's own types where the project knows them: neither the DOM's nor Node's are required.
type PlatformSignal = typeof globalThis extends { AbortSignal: { prototype: infer T } } ? T : { readonly aborted: boolean };
type PlatformURL = typeof globalThis extends { URL: { prototype: infer T } } ? T : { readonly href: string };
// `using client = new SecretClient()` where the library has `Symbol.dispose`: that of ES2022 has not.
type PlatformDisposable = SymbolConstructor extends { readonly dispose: infer S extends symbol } ? { [K in S]: () => void } : {};

/** An AccessKey pair, or the triple of a session. */
export interface Credentials {
  accessKeyId: string;
  accessKeySecret: string;
  /** The session's token; without one this is a long-lived key. */
  securityToken?: string;
  /** When the session ends: a Date, an ISO 8601 text, or milliseconds since 1970. Without it a provider is asked again for each call to the service. */
  expiration?: Date | string | number;
  /** Whom they belong to, such as a role's ARN. When a provider gives those of another principal, nothing that was cached is answered any more. */
  principal?: string;
}

/** Why and for how long a provider is asked. */
export interface ProviderContext {
  /** Aborted when nobody waits for the credentials any more. */
  readonly signal: PlatformSignal;
  /** The service refused what was given before: give others, if there are any. */
  readonly rejected: boolean;
}

/** Where credentials come from: a function, or an object as Alibaba Cloud's own packages have them. The client keeps what it is given until shortly before its `expiration`, and asks once for all who wait. */
export type CredentialsProvider =
  | ((cx: ProviderContext) => Credentials | Promise<Credentials>)
  | { getCredentials(cx: ProviderContext): Promise<Credentials> }
  | { getCredential(cx: ProviderContext): Promise<Credentials> };

/** A function like the runtime's own `fetch`. (A body is bytes; what type that is differs between platforms.) */
export type SimsimFetch = (
  url: string,
  init: { method: string; headers: [string, string][]; body?: any; redirect: "manual"; cache?: "no-store"; signal?: PlatformSignal },
) => Promise<SimsimResponse>;

/** What is used of a `Response`. */
export interface SimsimResponse {
  readonly status: number;
  readonly redirected?: boolean;
  readonly type?: string;
  readonly headers: Iterable<[string, string]> & { get(name: string): string | null };
  readonly body?: unknown;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * How long values are kept. A value is fresh for `ttlMs`; then for `staleWhileRevalidateMs` it is answered while it is
 * refreshed behind the answer; then reads wait for KMS, and only if KMS cannot be asked get the old value, marked `stale`.
 */
export interface CacheOptions {
  /** How long a value counts as fresh, in milliseconds; spread by ±10 %, shorter when its next rotation is nearer. Default 600,000. */
  ttlMs?: number;
  /** For how long past its ttl a value is still answered at once, in milliseconds. Default a tenth of the ttl, at most 60,000; 0 turns it off. */
  staleWhileRevalidateMs?: number;
  /** For how long past its ttl a value is answered when KMS cannot be asked, in milliseconds. Default 86,400,000; 0 turns it off. */
  staleIfErrorMs?: number;
  /** How long after its next rotation a database or RAM secret may still be answered stale, in milliseconds. Default 600,000. */
  rotationOverlapMs?: number;
  /** How many values are kept. Default 1,000. */
  maxEntries?: number;
  /** About how many bytes are kept. Default 8 MiB. */
  maxBytes?: number;
}

/** How failed requests are sent again. */
export interface RetryOptions {
  /** How many requests one call may send. Default 4. */
  maxAttempts?: number;
  /** The ceiling of the first wait, in milliseconds; it doubles with each further one. Default 100. */
  baseMs?: number;
  /** The ceiling of every wait, in milliseconds. Default 10,000. */
  capMs?: number;
  /** How long one request may take, in milliseconds; never more than half of what is left of the call's time. Default 3,000. */
  attemptTimeoutMs?: number;
}

/** What a client is made of. An unknown option is an error. */
export interface SecretClientOptions {
  /** Such as `cn-hangzhou`. Without it: the ARN's own, else the environment's `ALIBABA_CLOUD_REGION_ID` or `FC_REGION`. */
  regionId?: string;
  /** Public or VPC hosts of the region. Default `public`. */
  network?: "public" | "vpc";
  /** A gateway's address instead of the region's: `https://host[:port]`; plain http for loopback only. */
  endpoint?: string | PlatformURL;
  /** Without them: the environment's `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET`, `…_SECURITY_TOKEN`, where the runtime has an environment. */
  credentials?: Credentials | CredentialsProvider;
  /** Default: the runtime's `fetch`, looked up for each call; in Node a keep-alive transport of `node:https`. */
  fetch?: SimsimFetch;
  /** `false`: every read asks KMS. */
  cache?: false | CacheOptions;
  /** `false`: a failed request is not sent again. */
  retry?: false | RetryOptions;
  /** The whole time of one read, retries included, in milliseconds. Default 10,000; 5,000 in workers and at the edge. */
  timeoutMs?: number;
  /**
   * How many requests one call of this client may send, retries, pages of `getSecrets` and those of simsim's own
   * credentials providers included, for platforms that count them. What would take more fails with
   * `ERR_SIMSIM_BUDGET_EXCEEDED`. Default: as many as it takes.
   */
  maxRequestsPerCall?: number;
  /** Keeps a request alive for a refresh behind the answer, as a worker's `ctx.waitUntil`. */
  waitUntil?: (promise: Promise<unknown>) => void;
  /** Is told of hits, misses, retries and the like; called outside of every read. What it throws is ignored. */
  onEvent?: (event: ClientEvent) => void;
  /** Events carry the names of secrets instead of hashes. */
  observeNames?: boolean;
  /** Allows the client in a page. Whoever opens the page can read its keys and its secrets. */
  dangerouslyAllowBrowser?: boolean;
  /** Node only: PEM certificates that the client's own transport trusts instead of Node's. */
  ca?: string;
}

/** Options of one read. */
export interface ReadOptions {
  /** This version. */
  versionId?: string;
  /** The version with this stage, such as `ACSPrevious`. Not together with `versionId`. */
  versionStage?: string;
  /** A cached value counts only up to this age, in milliseconds; 0 always asks KMS. */
  maxAgeMs?: number;
  /** The whole read's time instead of the client's, in milliseconds. */
  timeoutMs?: number;
  /** Ends this read, and no other that waits for the same secret. */
  signal?: PlatformSignal;
  /** For this read, instead of the client's. */
  waitUntil?: (promise: Promise<unknown>) => void;
}

/** Options of calls that have no choice of version. */
export type CallOptions = Pick<ReadOptions, "timeoutMs" | "signal" | "waitUntil">;

/**
 * One version of a secret. Prints as `Secret(name)`; a template string or `+` throws, so that a password never silently
 * becomes text: the value comes from a method only.
 */
export interface Secret {
  /** The plain name, as KMS answered it. */
  readonly name: string;
  readonly versionId: string;
  readonly versionStages: readonly string[];
  /** How long ago the value came from KMS, in milliseconds, at the moment of asking. */
  readonly ageMs: number;
  /** Whether the value is past its time and was answered because KMS could not be asked. */
  readonly stale: boolean;
  /** `Generic`, `Rds`, `Redis`, `PolarDB`, `RAMCredentials`, `ECS`, or a newer one. */
  readonly type?: string;
  readonly createTime?: Date;
  /** A JSON text, for managed types. */
  readonly extendedConfig?: string;
  /** `Enabled`, `Disabled` or `Invalid`. */
  readonly automaticRotation?: string;
  readonly rotationIntervalMs?: number;
  readonly lastRotationDate?: Date;
  readonly nextRotationDate?: Date;
  /** The id of the request that brought the value. */
  readonly requestId?: string;
  /** The value as text. A binary secret throws `ERR_SIMSIM_UNSUPPORTED`. */
  text(): string;
  /** A copy of the value's bytes. */
  bytes(): Uint8Array;
  /** The value parsed as JSON. What is none throws `ERR_SIMSIM_PROTOCOL`, which quotes nothing of it. */
  json<T = unknown>(): T;
}

/** What happened. */
export interface ClientEvent {
  /** `hit`, `stale`, `miss`, `coalesced` (waited for another's fetch), `refresh`; `retry` and `throttle` of a request. */
  readonly kind: "hit" | "stale" | "miss" | "coalesced" | "refresh" | "retry" | "throttle";
  /** The first 16 hex digits of the SHA-256 of the asked name; the name itself with `observeNames`. */
  readonly secret: string;
  /** How long the read took, in milliseconds; for a retry, the wait before it. */
  readonly durationMs: number;
  /** How it failed, if it did. */
  readonly error?: ErrorCode;
}

/** A client's state. Holds no secrets: fit for logs and health pages. */
export interface ClientStatus {
  readonly regionId?: string;
  /** The kind of source of the credentials, such as `static_sts` or `callback`. */
  readonly credentialSource: string;
  /** How far the service's clock is ahead of the local one, in milliseconds; 0 when within a minute. */
  readonly clockOffsetMs: number;
  /** Reads answered from the cache, with an old value after a failure, from KMS, and with another's fetch. */
  readonly hits: number;
  readonly stale: number;
  readonly misses: number;
  readonly coalesced: number;
  /** Values in the cache, and about how many bytes they take. */
  readonly entries: number;
  readonly bytes: number;
  /** The age of the oldest value that is past its time, in milliseconds. */
  readonly oldestStaleMs?: number;
  /** How the last fetch failed; absent after a success. */
  readonly lastError?: SimsimError;
  readonly closed: boolean;
}

/**
 * A KMS secret client: names in, secrets out; cached, coalesced, refreshed, served through outages. One client is one
 * principal: what it caches belongs to its credentials.
 *
 * ```js
 * import { SecretClient } from "simsim";
 *
 * const client = new SecretClient({
 *   regionId: "cn-hangzhou",
 *   credentials: { accessKeyId: "LTAI-example", accessKeySecret: "not-a-real-secret" },
 * });
 * const password = await client.text("db/password");
 * ```
 */
export class SecretClient {
  /**
   * Checks and keeps the options; sends nothing, so that it may stand at module scope.
   * Throws `ERR_SIMSIM_CONFIG` for an option that is wrong or unknown.
   */
  constructor(options?: SecretClientOptions);

  /**
   * A client from names and values, such as a worker's `env`: `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET`,
   * `…_SECURITY_TOKEN`, `ALIBABA_CLOUD_REGION_ID`, `ALIBABA_CLOUD_KMS_ENDPOINT`, or the secret client's own
   * `credentials_type` (`ak`, `token`), `credentials_access_key_id`, `credentials_access_secret`,
   * `cache_client_region_id`. Others are ignored. Throws `ERR_SIMSIM_CONFIG` that names the value at fault.
   */
  static fromConfig(values: Record<string, unknown>): SecretClient;

  /** Reads a secret by name or ARN. */
  getSecret(name: string, options?: ReadOptions): Promise<Secret>;
  /** Reads a secret's value as text. */
  text(name: string, options?: ReadOptions): Promise<string>;
  /** Reads a secret's value and parses it as JSON. */
  json<T = unknown>(name: string, options?: ReadOptions): Promise<T>;
  /** Reads a secret's value as bytes. */
  bytes(name: string, options?: ReadOptions): Promise<Uint8Array>;

  /**
   * Reads several secrets: `const { db, smtp } = await client.getSecrets({ db: "db/password", smtp: "smtp/login" })`.
   * If some fail, throws one error that lists them with their codes; its `failures` has their errors.
   */
  getSecrets<K extends string>(names: Record<K, string>, options?: CallOptions): Promise<Record<K, Secret>>;
  /** Reads several secrets, each with its own outcome, by name. */
  getSecretsSettled(names: Iterable<string>, options?: CallOptions): Promise<Map<string, PromiseSettledResult<Secret>>>;

  /**
   * Uses a secret; when `isAuthError` says that its value was refused (a rotation), fetches it anew once and uses it again.
   * Many callers that are refused at once share at most two fetches. When no new value can be had, throws the first error.
   *
   * ```js
   * const rows = await client.withSecret(
   *   "db/login",
   *   async (secret) => query(secret.json()),
   *   (error) => error.code === "ER_ACCESS_DENIED_ERROR",
   * );
   * ```
   */
  withSecret<T>(name: string, use: (secret: Secret) => T | Promise<T>, isAuthError: (error: unknown) => boolean): Promise<T>;

  /** Fetches a secret from KMS now, whatever is cached. Never joins a fetch that began before this call. */
  refresh(name: string, options?: CallOptions): Promise<Secret>;
  /** Forgets a secret in all its versions, or every secret. A fetch under way does not bring it back. */
  invalidate(name?: string): void;
  /** A client of another principal with the same options. It shares no cached value with this one. */
  forPrincipal(credentials: Credentials | CredentialsProvider): SecretClient;
  /** The client's state. */
  status(): ClientStatus;
  /** Whether the client can serve: credentials can be had and KMS was not failing within the last minute. Sends nothing to KMS; throws what stands in the way. */
  check(options?: Pick<ReadOptions, "signal">): Promise<void>;
  /** Ends the client and overwrites its memory. Calls under way end at their next step, later ones throw `ERR_SIMSIM_CLOSED`. */
  close(): void;
}
export interface SecretClient extends PlatformDisposable {}
