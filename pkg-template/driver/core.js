// A core: its wasm instance, made at first use and replaced after a trap, and the operations on it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";
import { budgetOf } from "./call.js";
import { asking, parts } from "./credentials.js";
import { drive, TRAPPED } from "./drive.js";
import { byFetch } from "./fetch.js";
import { Instance } from "./instance.js";
import { INVOCATION } from "./invocation.js";
import { DONE, f64, PROVIDED, RUN, START, u8 } from "./wire.js";

/** How often an operation is run at most, if each time its instance traps. */
const RUNS = 3;
/** The limit of a read where a host ends a request that takes long. */
export const ISOLATED_TIMEOUT = 5000;

/** What a client and a provider have in common; each has a `description()` of its own, which its instances are opened with. */
export class Core {
  platform;
  options;
  memo;
  /** What is asked where the wasm has no credentials of its own. */
  credentials;
  /** The region and the network of a client, for the calls of its provider. */
  place;
  send;
  closed = false;
  instance;

  constructor(platform, options, memo) {
    this.platform = platform;
    this.options = options;
    this.memo = memo;
    this.send = (!options.fetch && platform.send) || byFetch;
  }

  entropy() {
    const bytes = new Uint8Array(32);
    return this.platform.random?.(bytes) ?? crypto.getRandomValues(bytes);
  }

  /** The reply to the wasm that asks for credentials; `cx` is what their provider is told. */
  async provide(cx) {
    return [u8(PROVIDED), parts(await asking(this.credentials)(cx))];
  }

  /** The reply to an effect that not every core knows. */
  other() {
    throw new RangeError("unknown effect");
  }

  /** Runs an operation to its end; after a trap again, on a new instance. `read` reads its result. */
  async run(operation, read, { signal, timeoutMs, waitUntil = this.options.waitUntil, background, budget = budgetOf(this.options) }) {
    const { timeoutMs: own = ISOLATED_TIMEOUT, credentials } = this.options;
    // A function's invocation ends with its answer, and has so much time left.
    const invocation = credentials?.[INVOCATION]?.();
    const limit = timeoutMs ?? (invocation && Math.min(own, invocation.timeoutMs ?? own));
    background ??= !(this.platform.isolated || invocation?.background === false) || waitUntil !== undefined;
    for (let runs = 0; runs < RUNS; runs++) {
      const instance = this.#alive();
      const call = { __proto__: null, signal, waitUntil, background, budget, place: this.place };
      // START or START_WITH_BACKGROUND.
      const begin = () => instance.turn(Number(background), 0, 0, this.entropy(), this.memo.told(), f64(limit), operation);
      const result = await drive(this, instance, begin, read, call);
      if (result !== TRAPPED) return result;
    }
    throw this.#trapped();
  }

  /** The same, at once, for an operation that waits for nothing. */
  now(operation, read) {
    for (let runs = 0; runs < RUNS; runs++) {
      const instance = this.#alive();
      const turn = instance.turn(START, 0, 0, [], this.memo.told(), f64(), operation);
      // Operation, removals, the one effect's id and its tag.
      if (turn && [turn.u32(), turn.u32(), turn.u32(), turn.u8()][3] === DONE) return read(turn);
      instance.dead = true;
    }
    throw this.#trapped();
  }

  /** A refresh behind the answer: nobody waits for its result. */
  spawn(instance, op, call) {
    const task = drive(this, instance, () => instance.turn(RUN, op, 0, this.entropy()), undefined, { __proto__: null, ...call, signal: undefined });
    try {
      call.waitUntil?.(task);
    } catch {
      // The caller's own function, and the answer does not need it.
    }
  }

  close() {
    this.closed = true;
    this.memo.clear();
    this.instance?.wipe();
    this.instance = undefined;
  }

  #trapped() {
    return new SimsimError("INTERNAL", "internal fault: the wasm trapped; report it");
  }

  #alive() {
    if (this.closed) throw new SimsimError("CLOSED", "closed: make a new one");
    if (!this.instance || this.instance.dead) {
      this.memo.clear();
      const description = this.description();
      this.instance = new Instance(this.#instantiate(), description, this.platform.isolated);
    }
    return this.instance;
  }

  #instantiate() {
    const module = this.platform.module();
    try {
      return this.platform.createInstance(module);
    } catch (error) {
      throw new SimsimError("UNSUPPORTED", `WebAssembly cannot be used here: ${error?.name}`);
    }
  }
}
