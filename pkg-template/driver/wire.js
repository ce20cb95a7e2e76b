// The bytes that cross between the driver and the wasm; the other side is src/mailbox/wire.rs.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** The version of the layout; the wasm must name the same. */
export const ABI = 2;

/** Tags of effects. */
export const FETCH = 1, SLEEP = 2, PROVIDE = 3, SPAWN = 4, EMIT = 5, ABORT = 6, DONE = 7;

/** What an operation does. */
export const GET = 1, REFRESH = 2, INVALIDATE = 3, BATCH = 4, STATUS = 5, CHECK = 6;

/** Why a fetch brought no answer. */
export const CONNECT = 0, STALE_CONNECTION = 1, INTERRUPTED = 3, TOO_LARGE = 4, REDIRECTED = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Collects fields, little-endian. */
export class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  #room(count) {
    const needed = this.#length + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes.fill(0);
      this.#bytes = larger;
    }
    const at = this.#length;
    this.#length = needed;
    return at;
  }

  u8(value) {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  u32(value) {
    const at = this.#room(4);
    new DataView(this.#bytes.buffer).setUint32(at, value, true);
    return this;
  }

  /** A number; absent is NaN. */
  f64(value) {
    const at = this.#room(8);
    new DataView(this.#bytes.buffer).setFloat64(at, value ?? NaN, true);
    return this;
  }

  bytes(value) {
    this.u32(value.length);
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** A text; absent is empty. */
  text(value) {
    return this.bytes(encoder.encode(value ?? ""));
  }

  done() {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Reads fields; throws a RangeError or TypeError where the bytes do not fit. */
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

  u8() {
    return this.#view.getUint8(this.#at++);
  }

  u32() {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  f64() {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  bytes() {
    const length = this.u32();
    if (length > this.#bytes.length - this.#at) throw new RangeError("cut off");
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  text() {
    return decoder.decode(this.bytes());
  }

  list(member) {
    return Array.from({ length: this.u32() }, member);
  }

  /** One effect. */
  effect() {
    const tag = this.u8(), id = this.u32();
    switch (tag) {
      case FETCH:
        return {
          tag, id, timeout: this.u32(), maxBody: this.u32(), method: this.text(), url: this.text(),
          headers: this.list(() => [this.text(), this.text()]), body: this.bytes(),
        };
      case SLEEP:
        return { tag, id, ms: this.u32() };
      case PROVIDE:
        return { tag, id, rejected: this.u8() === 1 };
      case EMIT:
        return { tag, kind: this.text(), secret: this.text(), durationMs: this.u32(), error: this.text() };
      case DONE:
        return { tag, result: new Reader(this.bytes()) };
      case SPAWN:
      case ABORT:
        return { tag, id };
      default:
        throw new RangeError("unknown effect");
    }
  }
}
