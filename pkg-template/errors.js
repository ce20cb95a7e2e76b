// The one error class.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** What a call failed with. `code` is one of a closed set: `ERR_SIMSIM_<KIND>`. */
export class SimsimError extends Error {
  constructor(kind, message, fields) {
    super(message);
    this.name = "SimsimError";
    this.code = `ERR_SIMSIM_${kind}`;
    Object.assign(this, fields);
  }

  /** Reads the error that the wasm wrote. */
  static read(reader) {
    const [kind, message] = [reader.text(), reader.text()];
    return new SimsimError(kind, message, {
      serviceCode: reader.text() || undefined,
      requestId: reader.text() || undefined,
      status: reader.u32() || undefined,
      retryAfterMs: reader.u32() || undefined,
      attempts: reader.u32(),
    });
  }
}

/** A foreign failure, cut to its name and code: its message may quote what was sent. */
export function nameOf(cause) {
  const code = cause?.code ?? cause?.cause?.code;
  return typeof code === "string" ? code : typeof cause?.name === "string" ? cause.name : "unknown";
}
