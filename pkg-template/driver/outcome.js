// What operations end with: a secret, a status, or an error.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";

/** The error that the wasm wrote. */
export function errorFrom(reader) {
  const [kind, message] = [reader.text(), reader.text()];
  return new SimsimError(kind, message, {
    serviceCode: reader.text() || undefined,
    requestId: reader.text() || undefined,
    status: reader.u32() || undefined,
    retryAfterMs: reader.u32() || undefined,
    attempts: reader.u32(),
    retryable: reader.u8() === 1,
  });
}

/** What `read` makes of a success; throws the error otherwise. */
export function outcome(reader, read) {
  if (reader.u8() === 0) return read(reader);
  throw errorFrom(reader);
}

/** A client's state. */
export function statusFrom(reader) {
  const status = { regionId: reader.text() || undefined, credentialSource: reader.text() };
  for (const field of ["clockOffsetMs", "hits", "stale", "misses", "coalesced", "entries", "bytes"]) status[field] = reader.f64();
  const oldest = reader.f64();
  status.oldestStaleMs = Number.isNaN(oldest) ? undefined : oldest;
  status.lastError = reader.u8() === 1 ? errorFrom(reader) : undefined;
  status.closed = false;
  return status;
}
