// The one error class.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** A foreign failure, cut to its name and code: its message may quote what was sent. Our own may be seen. */
export function cut(cause) {
  if (cause instanceof SimsimError) return cause;
  const word = (value) => (typeof value === "string" && /^[\w.-]{1,64}$/.test(value) ? value : undefined);
  try {
    return { name: word(cause?.name) ?? "unknown", code: word(cause?.code ?? cause?.cause?.code) };
  } catch {
    return { name: "unknown", code: undefined };
  }
}

/** What a call failed with. `code` is one of a closed set: `ERR_SIMSIM_<KIND>`. */
export class SimsimError extends Error {
  constructor(kind, message, fields) {
    super(message);
    this.name = "SimsimError";
    this.code = `ERR_SIMSIM_${kind}`;
    this.retryable = false;
    Object.assign(this, fields);
  }
}

/** A fault in what the caller passed: the message names the field and the remedy. */
export const config = (field, remedy) => new SimsimError("CONFIG", `invalid configuration: ${field}: ${remedy}`);
