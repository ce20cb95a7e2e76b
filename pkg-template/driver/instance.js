// One wasm instance: the way into it, and what a trap makes of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";
import { mono } from "./clock.js";
import { ABI, bytes, f64, joined, Reader, u32, u8 } from "./wire.js";

/** Dead after the first throw: its memory may be anything. Answers nothing from then on. */
export class Instance {
  dead = false;
  #exports;
  #memory;
  #waiting;

  /** Opens the client that the description (the driver's own, and checked) tells of. */
  constructor({ exports, memory }, description, isolated) {
    if (exports.abi() !== ABI) throw new SimsimError("INTERNAL", "the driver and the wasm do not fit together; reinstall simsim");
    exports.open(joined(description));
    this.#exports = exports;
    this.#memory = memory;
    // What belongs to one request may not be woken by another.
    this.#waiting = isolated ? undefined : new Map();
  }

  /** Calls `wake` when that operation is over, if it can be told. Returns what forgets it again. */
  awaiting(op, wake) {
    const waiters = this.#waiting?.get(op) ?? new Set();
    this.#waiting?.set(op, waiters.add(wake));
    return () => waiters.delete(wake);
  }

  ended(op) {
    const waiters = this.#waiting?.get(op);
    this.#waiting?.delete(op);
    waiters?.forEach((wake) => wake());
  }

  /** One turn of an operation; nothing after a trap. */
  turn(want, op, effect, entropy, ...parts) {
    try {
      if (!this.dead) return new Reader(this.#exports.turn(joined([u8(want), u32(op), u32(effect), f64(Date.now()), f64(mono()), bytes(entropy), parts])));
    } catch {
      this.dead = true;
    }
  }

  wipe() {
    this.dead = true;
    new Uint8Array(this.#memory.buffer).fill(0);
  }
}
