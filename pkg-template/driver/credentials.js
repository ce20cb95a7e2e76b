// Credentials as callers give them: an object, a function, or a provider object.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { f64, text } from "./wire.js";

/** A property of an object or of its class, never one that someone left on `Object.prototype`. */
const own = (object, key) => (Object.hasOwn(object, key) || !(key in Object.prototype) ? object[key] : undefined);

/** What is to be asked for credentials, a function; nothing where they are given themselves. */
export function asking(given) {
  if (typeof given === "function") return given;
  const from = Object(given);
  const method = own(from, "getCredentials") ?? own(from, "getCredential");
  return typeof own(from, "accessKeyId") !== "string" && typeof method === "function" ? (cx) => method.call(given, cx) : undefined;
}

/** The parts of given credentials as the wasm reads them, each checked; the wasm looks at none of them again. */
export function parts(given) {
  const from = Object(given);
  const part = (key, pattern, length) => {
    const value = own(from, key) ?? "";
    if (typeof value !== "string" || !pattern.test(value)) {
      throw config(`credentials.${key}`, `must be ${length} letters, digits and signs; copy it again`);
    }
    return text(value);
  };
  const at = own(from, "expiration") ?? undefined;
  const expiration = at === undefined ? at : new Date(at).getTime();
  if (Number.isNaN(expiration)) throw config("credentials.expiration", "must be a Date, an ISO 8601 text, or milliseconds");
  return [
    part("accessKeyId", /^[!-~]{1,512}$/, "1 to 512"),
    part("accessKeySecret", /^[!-~]{1,512}$/, "1 to 512"),
    part("securityToken", /^[!-~]{0,65536}$/, "at most 65536"),
    f64(expiration),
    part("principal", /^[!-~]{0,512}$/, "at most 512"),
  ];
}
