// Checks of what callers pass: own properties only, unknown ones refused by name, the remedy in the message.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { asking, parts } from "./credentials.js";

// A check gives what is kept of the value, or throws what is wrong with it.
export const must = (fits, what) => (value, field) => {
  if (fits(value)) return value;
  throw config(field, `must be ${what}`);
};
export const type = (name, what) => must((value) => typeof value === name, what);
// Ten years are what no one can mean by a longer time.
export const number = (least, most = 315_360_000_000) =>
  must((value) => typeof value === "number" && value >= least && value <= most, `a number from ${least} to ${most}`);

export const text = must((value) => typeof value === "string" && value !== "", "a text that is not empty");
export const callable = type("function", "a function");
export const flag = type("boolean", "true or false");

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

export const network = must((value) => value === "public" || value === "vpc", '"public" or "vpc"');

/** Given credentials are looked at now, those of a provider when it gives them. */
export const credentials = (value) => asking(value) ? value : parts(value) && value;

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
