// The options of a client and of its methods, each with its check.
// The wasm looks at none of it again; src/builder/ has the same checks for Rust, tests/vectors/options.json holds both to it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { callable, credentials, endpoint, flag, must, network, number, region, text, type } from "./checks.js";

const time = number(1);
const timeOrNone = number(0);
const count = number(1, 2 ** 32 - 1);

export const CHECK_OPTIONS = {
  __proto__: null,
  signal: must((value) => typeof value?.addEventListener === "function", "an AbortSignal"),
};
export const REFRESH_OPTIONS = { __proto__: null, timeoutMs: time, waitUntil: callable, ...CHECK_OPTIONS };
export const READ_OPTIONS = { __proto__: null, versionId: text, versionStage: text, maxAgeMs: timeOrNone, ...REFRESH_OPTIONS };
/** In the order in which the wasm reads them. */
export const CACHE_OPTIONS = {
  __proto__: null, ttlMs: time, staleWhileRevalidateMs: timeOrNone, staleIfErrorMs: timeOrNone,
  rotationOverlapMs: timeOrNone, maxEntries: count, maxBytes: count,
};
/** In the order in which the wasm reads them. */
export const RETRY_OPTIONS = { __proto__: null, maxAttempts: count, baseMs: time, capMs: time, attemptTimeoutMs: time };
export const CLIENT_OPTIONS = {
  __proto__: null,
  regionId: region,
  network,
  endpoint,
  credentials,
  fetch: callable,
  cache: CACHE_OPTIONS,
  retry: RETRY_OPTIONS,
  timeoutMs: time,
  maxRequestsPerCall: count,
  waitUntil: callable,
  onEvent: callable,
  observeNames: flag,
  dangerouslyAllowBrowser: flag,
};

/** The name of a secret, as far as it can be checked without the core. */
export const checkedName = (name) => type("string", "a text")(name, "secret name");
