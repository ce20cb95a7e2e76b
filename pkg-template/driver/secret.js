// A secret as a caller holds it: the value only through a method call.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";
import { mono } from "./clock.js";
import { decoder } from "./wire.js";

const time = (ms) => (ms === undefined ? ms : new Date(ms));

/** Prints as `Secret(name)`; a template string or `+` throws, so that it never silently becomes text. */
export class Secret {
  #binary;
  #value;
  #extendedConfig;
  #age;
  #wall = Date.now();
  #mono = mono();

  /** Reads the secret that the wasm wrote. */
  constructor(reader) {
    this.name = reader.text();
    this.versionId = reader.text();
    this.versionStages = Object.freeze(reader.list(() => reader.text()));
    this.#binary = reader.u8() === 1;
    this.#value = reader.bytes().slice();
    this.#age = reader.u32();
    this.stale = reader.u8() === 1;
    this.type = reader.text() || undefined;
    this.createTime = time(reader.f64());
    this.#extendedConfig = reader.text() || undefined;
    this.automaticRotation = reader.text() || undefined;
    this.rotationIntervalMs = reader.u32() || undefined;
    this.lastRotationDate = time(reader.f64());
    this.nextRotationDate = time(reader.f64());
    this.requestId = reader.text() || undefined;
    Object.freeze(this);
  }

  /** The larger of what two clocks say: one stands still in a frozen machine, the other may be set. */
  get ageMs() {
    return this.#age + Math.floor(Math.max(0, mono() - this.#mono, Date.now() - this.#wall));
  }

  /** May hold what the secret's owner wrote into it: not a field, so that nothing prints it. */
  get extendedConfig() {
    return this.#extendedConfig;
  }

  text() {
    if (this.#binary) throw new SimsimError("UNSUPPORTED", "the secret is binary; read it with bytes()");
    return decoder.decode(this.#value);
  }

  bytes() {
    return this.#value.slice();
  }

  json() {
    try {
      return JSON.parse(decoder.decode(this.#value));
    } catch {
      // JSON.parse quotes its input in its message: none of it may come out.
      throw new SimsimError("PROTOCOL", "the secret's value is not valid JSON");
    }
  }

  toString() {
    return `Secret(${this.name})`;
  }

  toJSON() {
    return this.toString();
  }

  [Symbol.toPrimitive]() {
    throw new TypeError("a Secret is not a string; call text()");
  }

  /** Deno looks for it, too. */
  [Symbol.for("nodejs.util.inspect.custom")]() {
    return this.toString();
  }
}
