// The types of simsim/testing: an Alibaba Cloud KMS in the test's own process.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import type { Credentials, SimsimFetch } from "./index.js";

type PlatformFetch = typeof globalThis extends { fetch: infer Known } ? Known : SimsimFetch;

/** A value with what belongs to it. Give `value` (a text, or any JSON value) or `valueBase64`. */
export interface EmulatedSecret {
  value?: unknown;
  valueBase64?: string;
  /** The version before: `ACSPrevious`. */
  previousValue?: unknown;
  type?: "Generic" | "Rds" | "Redis" | "PolarDB" | "RAMCredentials" | "ECS";
  extendedConfig?: unknown;
  /** Such as `"604800s"`. */
  rotationInterval?: string;
  /** Such as `"2030-01-01T00:00:00Z"`. */
  nextRotation?: string;
  versionId?: string;
  state?: "enabled" | "disabled" | "pendingDeletion";
}

/** A role that can be assumed. */
export interface EmulatedRole {
  /** `acs:ram::ACCOUNT:role/NAME` */
  arn: string;
  /** 3600 to 43200; default 3600. */
  maxSessionSeconds?: number;
  /**
   * Who may assume it: `acs:ram::ACCOUNT:root` (every key and session of an account), `acs:ram::ACCOUNT:role/NAME`
   * (the sessions of a role), `acs:ram::ACCOUNT:oidc-provider/NAME` (the bearers of its tokens). Default: everybody.
   */
  trust?: readonly string[];
  /** The `ExternalId` without which AssumeRole is refused. */
  externalId?: string;
}

/** An OIDC provider whose tokens `oidcToken` signs (ES256), or a real issuer does. */
export interface EmulatedOidcProvider {
  /** `acs:ram::ACCOUNT:oidc-provider/NAME` */
  arn: string;
  /** Default `https://NAME.example`. */
  issuer?: string;
  /** The audiences that are taken. Default `["sts.aliyuncs.com"]`. */
  clientIds?: readonly string[];
  /** The key set that a real issuer publishes: its tokens are taken, too, by RS256 or ES256. */
  jwks?: { readonly keys: readonly object[] };
}

/** The role of the ECS instance whose metadata `fetch` finds at `http://100.100.100.200/latest/`. */
export interface EmulatedInstanceRole {
  name: string;
  account?: string;
  /** Default 21600. The same session is told until half of it is over. */
  sessionSeconds?: number;
  /** Nothing is told without a metadata token. */
  v2Only?: boolean;
}

/** The endpoint of a CredentialsURI: a path, whatever the host. */
export interface EmulatedCredentialsUri {
  path: string;
  /** Default 3600. The same session is told until half of it is over. */
  sessionSeconds?: number;
  /** Another `Code` than `Success` is told without a session. */
  code?: string;
}

export interface EmulatorOptions {
  /** By name. A string or bytes are the value of a generic secret. */
  secrets?: Record<string, string | Uint8Array | EmulatedSecret>;
  /** The one key that is known. Default: a made-up session. */
  credentials?: Credentials;
  /** Goes into `clientOptions`. Default `cn-hangzhou`. */
  regionId?: string;
  /** Roles that can be assumed; a string is the ARN of one that everybody may assume. */
  roles?: readonly (string | EmulatedRole)[];
  /** Providers for AssumeRoleWithOIDC; a string is the ARN of one with the defaults. */
  oidcProviders?: readonly (string | EmulatedOidcProvider)[];
  /** A string is the role's name. Default: no role is attached, and the metadata answer 404. */
  instanceRole?: string | EmulatedInstanceRole;
  /** A string is the path. Default: there is no such endpoint. */
  credentialsUri?: string | EmulatedCredentialsUri;
  /** Reads per second before calls are throttled. Default 450, as the service documents. */
  quotaPerSecond?: number;
}

/** Which requests a fault meets, and how often. All that are given must fit. */
export interface FaultFilter {
  /** Only the next so many requests. Default: until `recover()`. */
  times?: number;
  /** Only requests for this secret. */
  secret?: string;
  /** Only requests to this service: `fail({ kind: "unreachable", service: "sts" })` is an outage of STS alone. */
  service?: "kms" | "sts" | "metadata" | "credentialsUri";
  /**
   * Only this action, such as `GetSecretValue` or `AssumeRole`. What is no API has names too: `MetadataToken`,
   * `MetadataRole`, `MetadataCredentials`, `CredentialsUri`.
   */
  action?: string;
  /** Adds an `x-acs-retry-after` header, in milliseconds. */
  retryAfterMs?: number;
}

/**
 * What goes wrong.
 *
 * | kind | in process it means |
 * |---|---|
 * | `throttle`, `status`, `emptyBody`, `html`, `xml` | that error as the answer; a badly signed request is told so instead |
 * | `slowHeaders` | fetch resolves `delayMs` later, on the emulator's clock: `clock.advance` makes it pass at once |
 * | `slowBody` | fetch resolves at once with half of the body; the rest comes `delayMs` later, on the same clock |
 * | `hang` | fetch never settles but by its signal |
 * | `reset`, `unreachable` | fetch rejects; the cause's `code` is `ECONNRESET` or `ECONNREFUSED` |
 * | `truncated` | the body breaks off in its middle with an error |
 * | `oversized`, `malformed` | the true answer with 2 MiB of white space behind it, or as broken JSON |
 * | `redirect` | status 302 with `location`; it is not followed |
 * | `wrongDate` | the true answer with a `Date` that is `offsetMs` off |
 */
export type Fault = FaultFilter &
  (
    | { kind: "throttle" | "hang" | "reset" | "unreachable" | "truncated" | "oversized" | "malformed" }
    | { kind: "status" | "xml"; status: number; code: string }
    | { kind: "emptyBody" | "html"; status: number }
    | { kind: "slowHeaders" | "slowBody"; delayMs: number }
    | { kind: "redirect"; location: string }
    | { kind: "wrongDate"; offsetMs: number }
  );

/** A request that arrived. Values, key secrets and tokens are never in it. */
export interface LoggedCall {
  action: string;
  /** Plain name; of a batch the names, joined by commas. */
  secret: string | null;
  accessKeyId: string;
  /** The HTTP status; 0 when a fault left it without an answer. */
  status: number;
  /** The service's error code. */
  code: string | null;
  /** When it arrived, on the emulator's clock. */
  at: string;
  atMs: number;
  host: string;
}

/**
 * The emulator's time: `Date.now()` and `performance.now()`, and what was added. The clients have the platform's time;
 * a test runner's fake timers (`Date`, `performance`, `setTimeout`) move both.
 */
export interface EmulatorClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Lets time pass for the emulator: answers that are late arrive, sessions expire. A negative `ms` only sets its date. */
  advance(ms: number): void;
}

/** One KMS with its STS, metadata and accounts, and with a memory of its own. */
export interface Emulator {
  /** Takes what `fetch` takes. Requests of any host end here, none leaves the process. May be called unbound. */
  readonly fetch: SimsimFetch & PlatformFetch;
  /** What a client needs: `new SecretClient({ ...kms.clientOptions })`. */
  readonly clientOptions: { fetch: SimsimFetch; regionId: string; credentials: Credentials };
  readonly clock: EmulatorClock;

  /** Creates a secret, or replaces it with all its versions. */
  put(name: string, secret: string | Uint8Array | EmulatedSecret): void;
  /** A new current value (bytes: a binary one); the old one becomes `ACSPrevious`. Returns the new version's id. */
  rotate(name: string, value: string | Uint8Array): string;
  /** Reads get 404 `Forbidden.ResourceNotFound`. */
  remove(name: string): void;
  /** Reads get `Rejected.Disabled`, until `restore`. */
  disable(name: string): void;
  restore(name: string): void;
  /** Reads get 403 `Forbidden.NoPermission`, until `allow`. */
  deny(name: string): void;
  allow(name: string): void;
  /** The next `times` requests get 429 `Rejected.Throttling`. */
  throttle(times: number, filter?: Omit<FaultFilter, "times">): void;
  /** Queues a fault; the first that fits a request wins. */
  fail(fault: Fault): void;
  /** Removes all faults. What hangs already goes on hanging. */
  recover(): void;
  /** Ends a session, that of `clientOptions` when none is named: calls get `InvalidSecurityToken.Expired`. */
  expireSession(accessKeyId?: string): void;
  /**
   * A token of that provider's (by its ARN), which AssumeRoleWithOIDC takes: for the provider's first audience and for
   * an hour of the emulator's clock when nothing else is said. With `lifetimeSeconds: 0` it is over already.
   */
  oidcToken(provider: string, described?: { subject?: string; audience?: string; lifetimeSeconds?: number }): string;

  /** The last requests (at most 16,384), how many of each action arrived, and how many reads got a value. */
  log(): { calls: LoggedCall[]; counts: Record<string, number>; readsAnswered: number };
  /** Empties the log. */
  resetLog(): void;
}

/**
 * Makes a KMS in this process. It checks signatures as strictly as the service does, with code of its own.
 * What is wrong with an argument, of this or of any method, is a TypeError that names the field and never quotes a value.
 *
 * ```js
 * import { SecretClient } from "simsim";
 * import { createEmulator } from "simsim/testing";
 *
 * const kms = createEmulator({ secrets: { "db/password": "open sesame" } });
 * const client = new SecretClient({ ...kms.clientOptions });
 * await client.text("db/password"); // "open sesame"
 * kms.rotate("db/password", "open wheat");
 * ```
 */
export function createEmulator(options?: EmulatorOptions): Emulator;
