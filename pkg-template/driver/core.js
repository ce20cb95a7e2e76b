// A client's core: its wasm instance, made at first use and replaced after a trap, and the operations on it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config, SimsimError } from "../errors.js";
import { asking, parts } from "./credentials.js";
import { drive, TRAPPED } from "./drive.js";
import { credentialsFrom, placeFrom } from "./environment.js";
import { byFetch } from "./fetch.js";
import { Instance } from "./instance.js";
import { INVOCATION } from "./invocation.js";
import { Memo } from "./memo.js";
import { CACHE_OPTIONS, RETRY_OPTIONS } from "./options.js";
import { DONE, f64, RUN, START, text, u8 } from "./wire.js";

/** How often an operation is run at most, if each time its instance traps. */
const RUNS = 3;
/** The limit of a read where a host ends a request that takes long. */
const ISOLATED_TIMEOUT = 5000;
/** Where nothing is given: not even what someone left on `Object.prototype`. */
const NONE = { __proto__: null };

export class Core {
  memo = new Memo();
  options;
  credentials;
  send;
  closed = false;
  instance;
  #platform;
  #variable;

  /** `variable` is where configuration may be found that `options` leave out. */
  constructor(platform, options, variable) {
    this.#platform = platform;
    this.options = options;
    this.#variable = variable;
    this.send = (!options.fetch && platform.send) || byFetch;
  }

  entropy() {
    const bytes = new Uint8Array(32);
    return this.#platform.random?.(bytes) ?? crypto.getRandomValues(bytes);
  }

  /** Runs an operation to its end; after a trap again, on a new instance. `read` reads its result. */
  async run(operation, read, { signal, timeoutMs, waitUntil = this.options.waitUntil }) {
    const { timeoutMs: own = ISOLATED_TIMEOUT, credentials } = this.options;
    // A function's invocation ends with its answer, and has so much time left.
    const invocation = credentials?.[INVOCATION]?.();
    const limit = timeoutMs ?? (invocation && Math.min(own, invocation.timeoutMs ?? own));
    // START or START_WITH_BACKGROUND.
    const want = Number(!(this.#platform.isolated || invocation?.background === false) || waitUntil !== undefined);
    for (let runs = 0; runs < RUNS; runs++) {
      const instance = this.#alive();
      const begin = () => instance.turn(want, 0, 0, this.entropy(), this.memo.told(), f64(limit), operation);
      const result = await drive(this, instance, begin, read, { signal, waitUntil });
      if (result !== TRAPPED) return result;
    }
    throw this.#trapped();
  }

  /** The same, at once, for an operation that waits for nothing. */
  now(operation, read) {
    for (let runs = 0; runs < RUNS; runs++) {
      const instance = this.#alive();
      const turn = instance.turn(START, 0, 0, [], this.memo.told(), f64(), operation);
      // Operation, removals, the one effect's tag, its id and the length of its result.
      if (turn && [turn.u32(), turn.u32(), turn.u8(), turn.u32(), turn.u32()][2] === DONE) return read(turn);
      instance.dead = true;
    }
    throw this.#trapped();
  }

  /** A refresh behind the answer: nobody waits for its result. */
  spawn(instance, op, waitUntil) {
    const task = drive(this, instance, () => instance.turn(RUN, op, 0, this.entropy()), undefined, { __proto__: null, waitUntil });
    try {
      waitUntil?.(task);
    } catch {
      // The caller's own function, and the answer does not need it.
    }
  }

  /** Outside the wasm and of the loop: an observer that throws or calls back harms nobody. */
  tell(fields) {
    const [kind, secret, durationMs, error] = [fields.text(), fields.text(), fields.u32(), fields.text()];
    queueMicrotask(async () => {
      try {
        await this.options.onEvent({ kind, secret, durationMs, error: error ? `ERR_SIMSIM_${error}` : undefined });
      } catch {
        // An observer's failure is its own.
      }
    });
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
    if (this.closed) throw new SimsimError("CLOSED", "the client is closed: make a new client");
    if (!this.instance || this.instance.dead) {
      this.memo.clear();
      const description = this.description();
      this.instance = new Instance(this.#instantiate(), description);
    }
    return this.instance;
  }

  #instantiate() {
    const module = this.#platform.module();
    try {
      return this.#platform.createInstance(module);
    } catch (error) {
      throw new SimsimError("UNSUPPORTED", `WebAssembly cannot be used here: ${error?.name}`);
    }
  }

  /** The options as the wasm reads them, with what the environment says where they say nothing. */
  description() {
    const { regionId, endpoint, network, onEvent, observeNames, cache, retry, timeoutMs } = this.options;
    const variable = this.#variable;
    const place = regionId || endpoint || !variable ? NONE : placeFrom(variable);
    const given = this.options.credentials ?? (variable && credentialsFrom(variable));
    if (!given) {
      throw config("credentials", "none; pass them, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET; in a worker: fromConfig(env)");
    }
    this.credentials = given;
    const [to, fixed] = [endpoint ?? place.endpoint, !asking(given)];
    const flags = [regionId, (network ?? place.network) === "vpc", to?.protocol === "http:", fixed, onEvent, observeNames, cache === false];
    return [
      text(regionId ?? place.regionId), text(to?.host), u8(flags.reduce((bits, flag, at) => bits | (flag ? 1 << at : 0), 0)),
      fixed ? parts(given) : [],
      Object.keys(CACHE_OPTIONS).map((field) => f64((cache || NONE)[field])),
      Object.keys(RETRY_OPTIONS).map((field) => f64((retry === false ? { __proto__: null, maxAttempts: 1 } : (retry ?? NONE))[field])),
      f64(timeoutMs ?? (this.#platform.isolated ? ISOLATED_TIMEOUT : undefined)),
    ];
  }
}
