// Checks what callers pass: own properties only, unknown ones refused by name, the remedy in the message.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { kindOf } from "./credentials.js";

/** Ten years: what no one can mean by a longer time. */
const LONGEST = 315_360_000_000;

// A check gives the remedy where the value is wrong, else nothing.
const must = (fits, what) => (value) => (fits(value) ? "" : `must be ${what}`);
const type = (name, what) => must((value) => typeof value === name, what);
const number = (least, most) =>
  must((value) => typeof value === "number" && value >= least && value <= most, `a number from ${least} to ${most}`);

const text = must((value) => typeof value === "string" && value !== "", "a text that is not empty");
const callable = type("function", "a function");
const flag = type("boolean", "true or false");
const time = number(1, LONGEST);
const timeOrNone = number(0, LONGEST);
const count = number(1, 2 ** 32 - 1);
const credentials = must(
  kindOf,
  "{ accessKeyId, accessKeySecret, securityToken? }, a function that gives them, or an object with getCredentials() or getCredential()",
);

export const CHECK_OPTIONS = {
  __proto__: null,
  signal: must((value) => typeof value?.addEventListener === "function", "an AbortSignal"),
};
export const REFRESH_OPTIONS = { __proto__: null, timeoutMs: time, waitUntil: callable, ...CHECK_OPTIONS };
export const READ_OPTIONS = { __proto__: null, versionId: text, versionStage: text, maxAgeMs: timeOrNone, ...REFRESH_OPTIONS };
export const CLIENT_OPTIONS = {
  __proto__: null,
  regionId: text,
  network: must((value) => value === "public" || value === "vpc", '"public" or "vpc"'),
  endpoint: must((value) => value instanceof URL || !text(value), "a text or a URL"),
  credentials,
  fetch: callable,
  cache: {
    __proto__: null, ttlMs: time, staleWhileRevalidateMs: timeOrNone, staleIfErrorMs: timeOrNone,
    rotationOverlapMs: timeOrNone, maxEntries: count, maxBytes: count,
  },
  retry: { __proto__: null, maxAttempts: count, baseMs: time, capMs: time, attemptTimeoutMs: time },
  timeoutMs: time,
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
    if (check === undefined) throw config(path + key, `no such option; there are ${Object.keys(shape).join(", ")}`);
    if (value === undefined) continue;
    if (typeof check === "object") {
      out[key] = value !== false && checked(value, check, `${path}${key}.`);
      continue;
    }
    const remedy = check(value);
    if (remedy) throw config(path + key, remedy);
    out[key] = value;
  }
  return out;
}

/** The name of a secret, as far as it can be checked without the core. */
export function checkedName(name) {
  if (typeof name !== "string") throw config("secret name", "must be a text");
  return name;
}
