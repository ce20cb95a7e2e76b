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

  /** Opens the client that the description (the driver's own, and checked) tells of. */
  constructor({ exports, memory }, description) {
    if (exports.abi() !== ABI) throw new SimsimError("INTERNAL", "the driver and the wasm do not fit together; reinstall simsim");
    exports.open(joined(description));
    this.#exports = exports;
    this.#memory = memory;
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
