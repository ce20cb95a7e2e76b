// What operations end with: a secret, a status, or an error.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";

/** The error that the wasm wrote. */
function errorFrom(reader) {
  const [kind, message] = [reader.text(), reader.text()];
  return new SimsimError(kind, message, {
    serviceCode: reader.text() || undefined,
    requestId: reader.text() || undefined,
    status: reader.u32() || undefined,
    retryAfterMs: reader.u32() || undefined,
    attempts: reader.u32(),
    retryable: !!reader.u8(),
  });
}

/** What `read` makes of a success; throws the error otherwise. */
export function outcome(reader, read) {
  if (reader.u8()) throw errorFrom(reader);
  return read?.(reader);
}

/** A failure as a value; what is no error of the client's is thrown on. */
export function rejected(reason) {
  if (reason instanceof SimsimError) return { status: "rejected", reason };
  throw reason;
}

export const fulfilled = (value) => ({ status: "fulfilled", value });

const NUMBERS = ["clockOffsetMs", "hits", "stale", "misses", "coalesced", "entries", "bytes"];

/** A client's state; without one to be read, that of a closed client. */
export const statusFrom = (reader) => ({
  regionId: reader?.text() || undefined,
  credentialSource: reader?.text() ?? "none",
  ...Object.fromEntries(NUMBERS.map((field) => [field, reader?.f64() ?? 0])),
  oldestStaleMs: reader?.f64(),
  lastError: reader?.u8() ? errorFrom(reader) : undefined,
  closed: !reader,
});
