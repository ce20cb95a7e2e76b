// One wasm instance: every way into it, and what a trap makes of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";
import { mono } from "./clock.js";
import { ABI, Reader } from "./wire.js";

/** Dead after the first throw: its memory may be anything. Answers nothing from then on. */
export class Instance {
  dead = false;
  #exports;
  #memory;
  #memo;

  constructor({ exports, memory }, memo) {
    this.#exports = exports;
    this.#memory = memory;
    this.#memo = memo;
    if (exports.abi() !== ABI) throw new SimsimError("INTERNAL", "the driver and the wasm do not fit together; reinstall simsim");
  }

  /** Opens the client; the error that the options deserve, or nothing. */
  open(description) {
    const fault = this.#enter((exports) => exports.open(description));
    return fault?.length ? new Reader(fault) : undefined;
  }

  /** An operation's id and first effects. */
  start(operation, background, entropy) {
    const bytes = this.#enter((exports) => exports.start(operation, background, Date.now(), mono(), entropy));
    return this.#decode(bytes);
  }

  run(op, entropy) {
    return this.#decode(this.#enter((exports) => exports.run(op, Date.now(), mono(), entropy)), op);
  }

  step(op, effect, reply, entropy) {
    return this.#decode(this.#enter((exports) => exports.step(op, effect, reply, Date.now(), mono(), entropy)), op);
  }

  cancel(op) {
    this.#enter((exports) => exports.cancel(op));
  }

  wipe() {
    this.dead = true;
    new Uint8Array(this.#memory.buffer).fill(0);
  }

  #enter(call) {
    try {
      return this.dead ? undefined : call(this.#exports);
    } catch {
      this.dead = true;
      return undefined;
    }
  }

  /** The operation's id and the effects in the bytes of a turn; those of a start name the id. Nothing after a trap. */
  #decode(bytes, known) {
    if (!bytes) return undefined;
    try {
      const reader = new Reader(bytes);
      const op = known ?? reader.u32();
      this.#memo.heed(reader.u32());
      const effects = [];
      while (reader.more) effects.push(reader.effect());
      return { op, effects };
    } catch {
      // The wasm never writes malformed bytes: its memory is broken.
      this.dead = true;
      return undefined;
    }
  }
}
