// The bytes that cross between the driver and the wasm; the other side is src/mailbox/wire.rs.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** The version of the layout; the wasm must name the same. */
export const ABI = 5;

/** What the driver wants of a turn. */
export const START = 0, START_WITH_BACKGROUND = 1, RUN = 2, STEP = 3, CANCEL = 4;

/** Tags of effects. */
export const FETCH = 1, WAIT = 2, PROVIDE = 3, SPAWN = 4, EMIT = 5, ABORT = 6, DONE = 7, HOST = 8;

/** What an operation does. */
export const GET = 1, REFRESH = 2, INVALIDATE = 3, BATCH = 4, STATUS = 5, CHECK = 6;

/** What an operation of a provider does. */
export const GIVE = 1, TELL = 2;

/** What an effect is answered with. */
export const ANSWERED = 1, FAILED = 2, WAITED = 3, PROVIDED = 4, NOT_PROVIDED = 5, SAID = 6;

/** Why a fetch brought no answer. */
export const CONNECT = 0, STALE_CONNECTION = 1, INTERRUPTED = 3, TOO_LARGE = 4, REDIRECTED = 5, OVER_BUDGET = 7;

export const encoder = new TextEncoder();
/** A byte order mark may be part of a value. */
export const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// A message is made of parts: bytes, and lists of parts. (Like wasm's memory, every machine of today is little-endian.)
const raw = (numbers) => new Uint8Array(numbers.buffer);
export const u8 = (value) => Uint8Array.of(value);
export const u32 = (value) => raw(Uint32Array.of(value));
/** A number; absent is NaN. */
export const f64 = (value = NaN) => raw(Float64Array.of(value));
export const bytes = (value) => [u32(value.length), value];
/** A text; absent is empty. */
export const text = (value = "") => bytes(encoder.encode(value));

/** The parts as one. */
export function joined(parts) {
  const flat = parts.flat(Infinity);
  const whole = new Uint8Array(flat.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of flat) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads fields one after another; throws at the end of the bytes. */
export class Reader {
  #bytes;
  #view;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get more() {
    return this.#at < this.#bytes.length;
  }

  #step(length) {
    return (this.#at += length) - length;
  }

  u8() {
    return this.#view.getUint8(this.#step(1));
  }

  u32() {
    return this.#view.getUint32(this.#step(4), true);
  }

  /** A number; NaN is absent. */
  f64() {
    const value = this.#view.getFloat64(this.#step(8), true);
    return Number.isNaN(value) ? undefined : value;
  }

  bytes() {
    const length = this.u32();
    const value = this.#bytes.subarray(this.#step(length), this.#at);
    if (value.length < length) throw new RangeError("cut off");
    return value;
  }

  text() {
    return decoder.decode(this.bytes());
  }

  list(member) {
    return Array.from({ length: this.u32() }, member);
  }
}
