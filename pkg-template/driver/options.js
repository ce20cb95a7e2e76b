// Checks what callers pass: own properties only, unknown ones refused by name, the remedy in the message.
// The wasm looks at none of it again; src/builder/ has the same checks for Rust, tests/vectors/options.json holds both to it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { asking, parts } from "./credentials.js";

// A check gives what is kept of the value, or throws what is wrong with it.
export const must = (fits, what) => (value, field) => {
  if (fits(value)) return value;
  throw config(field, `must be ${what}`);
};
const type = (name, what) => must((value) => typeof value === name, what);
// Ten years are what no one can mean by a longer time.
export const number = (least, most = 315_360_000_000) =>
  must((value) => typeof value === "number" && value >= least && value <= most, `a number from ${least} to ${most}`);

export const text = must((value) => typeof value === "string" && value !== "", "a text that is not empty");
export const callable = type("function", "a function");
export const flag = type("boolean", "true or false");
const time = number(1);
const timeOrNone = number(0);
const count = number(1, 2 ** 32 - 1);

export const region = must((value) => typeof value === "string" && /^[a-z\d-]{1,64}$/.test(value), "1 to 64 of a-z, 0-9 and '-', such as cn-hangzhou");

/** An endpoint as a URL; one that was `found` in an environment is trusted less. */
export function endpoint(value, field, found) {
  let url;
  try {
    const [, scheme = "https", authority, host] = /^(?:(https?):\/\/)?((\w[\w-]*(?:\.\w[\w-]*)*|\[[\da-f:.]+])(?::[1-9]\d*)?)\/?$/i.exec(value);
    url = new URL(`${scheme}://${authority}`);
    // What URL would rewrite (127.1) is not what was meant.
    if (url.hostname !== host.toLowerCase()) url = undefined;
  } catch {
    // Said below.
  }
  const local = /^(localhost|127(\.\d+){3}|\[::1])$/.test(url?.hostname);
  if (!url || !(local || url.protocol === "https:")) {
    throw config(field, "must be https://host[:port]; http is for loopback only");
  }
  if (found && !local && !url.hostname.endsWith(".aliyuncs.com")) {
    throw config(field, "must be loopback or end in .aliyuncs.com; set others in code");
  }
  return url;
}

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
  network: must((value) => value === "public" || value === "vpc", '"public" or "vpc"'),
  endpoint,
  // Given credentials are looked at now, those of a provider when it gives them.
  credentials: (value) => asking(value) ? value : parts(value) && value,
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

/** A copy of an object's own properties, each checked; a nested object may also be `false`, which turns it off. */
export function checked(given, shape, path = "") {
  const out = { __proto__: null };
  if (given === undefined) return out;
  if (typeof given !== "object" || given === null) throw config(path.slice(0, -1) || "options", "must be an object");
  for (const key of Object.keys(given)) {
    const [value, check] = [given[key], shape[key]];
    if (!check) throw config(path + key, `no such option; there are ${Object.keys(shape).join(", ")}`);
    if (value === undefined) continue;
    out[key] = typeof check === "function" ? check(value, path + key) : value !== false && checked(value, check, `${path + key}.`);
  }
  return out;
}

/** The name of a secret, as far as it can be checked without the core. */
export const checkedName = (name) => type("string", "a text")(name, "secret name");
