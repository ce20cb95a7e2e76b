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

export interface EmulatorOptions {
  /** By name. A string or bytes are the value of a generic secret. */
  secrets?: Record<string, string | Uint8Array | EmulatedSecret>;
  /** The one key that is known. Default: a made-up session. */
  credentials?: Credentials;
  /** Goes into `clientOptions`. Default `cn-hangzhou`. */
  regionId?: string;
  /** Roles that AssumeRole may assume: `acs:ram::ACCOUNT:role/NAME`. */
  roles?: readonly (string | { arn: string; maxSessionSeconds?: number })[];
  /** Reads per second before calls are throttled. Default 450, as the service documents. */
  quotaPerSecond?: number;
}

/** Which requests a fault meets, and how often. All that are given must fit. */
export interface FaultFilter {
  /** Only the next so many requests. Default: until `recover()`. */
  times?: number;
  /** Only requests for this secret. */
  secret?: string;
  /** Only this action, such as `GetSecretValue`. */
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

/** One KMS, with a memory of its own. */
export interface Emulator {
  /** Takes what `fetch` takes. Requests of any host end here, none leaves the process. May be called unbound. */
  readonly fetch: SimsimFetch & PlatformFetch;
  /** What a client needs: `new SecretClient({ ...kms.clientOptions })`. */
  readonly clientOptions: { fetch: SimsimFetch; regionId: string; credentials: Credentials };
  readonly clock: EmulatorClock;

  /** Creates a secret, or replaces it with all its versions. */
  put(name: string, secret: string | Uint8Array | EmulatedSecret): void;
  /** A new current value; the old one becomes `ACSPrevious`. Returns the new version's id. */
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
  /** Ends the session of `clientOptions`: calls get `InvalidSecurityToken.Expired`. */
  expireSession(): void;

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
