// Credentials as callers give them: an object, a function, or a provider object.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";

/** A property of an object or of its class, never one that someone left on `Object.prototype`. */
const own = (object, key) => (Object.hasOwn(object, key) || !(key in Object.prototype) ? object[key] : undefined);

const method = (object) => own(object, "getCredentials") ?? own(object, "getCredential");

/** "fixed", "function" or "provider"; nothing for anything else. */
export function kindOf(given) {
  if (typeof given === "function") return "function";
  if (typeof given !== "object" || given === null) return undefined;
  if (typeof own(given, "accessKeyId") === "string") return "fixed";
  return typeof method(given) === "function" ? "provider" : undefined;
}

/** Asks a function or a provider. */
export const ask = (given, cx) => (typeof given === "function" ? given(cx) : method(given).call(given));

/** Writes credentials as the wasm reads them. */
export function write(out, given) {
  for (const key of ["accessKeyId", "accessKeySecret", "securityToken"]) {
    const value = own(given, key) ?? "";
    if (typeof value !== "string") throw config(`credentials.${key}`, "must be a text");
    out.text(value);
  }
  const expiration = own(given, "expiration") ?? undefined;
  const at = expiration === undefined ? undefined : new Date(expiration).getTime();
  if (Number.isNaN(at)) throw config("credentials.expiration", "must be a Date, an ISO 8601 text, or milliseconds since 1970");
  return out.f64(at);
}
