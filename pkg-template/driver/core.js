// A client's core: its wasm instance, made at first use and replaced after a trap, and the operations on it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config, SimsimError } from "../errors.js";
import { kindOf, write } from "./credentials.js";
import { drive, TRAPPED } from "./drive.js";
import { credentialsFrom, placeFrom } from "./environment.js";
import { Instance } from "./instance.js";
import { INVOCATION } from "./invocation.js";
import { Memo } from "./memo.js";
import { CACHE_OPTIONS, RETRY_OPTIONS } from "./options.js";
import { errorFrom } from "./outcome.js";
import { DONE, Writer } from "./wire.js";

/** How often an operation is run at most, if each time its instance traps. */
const RUNS = 3;
/** The limit of a read where a host ends a request that takes long. */
const ISOLATED_TIMEOUT = 5000;
const NO_ENTROPY = new Uint8Array();
/** Where nothing is given: not even what someone left on `Object.prototype`. */
const NONE = { __proto__: null };
const ONE_ATTEMPT = { __proto__: null, maxAttempts: 1 };

export class Core {
  memo = new Memo();
  options;
  credentials;
  send;
  closed = false;
  #platform;
  #variable;
  #instance;

  /** `variable` is where configuration may be found that `options` leave out. */
  constructor(platform, options, variable) {
    this.#platform = platform;
    this.options = options;
    this.#variable = variable;
    this.send = platform.send;
  }

  get started() {
    return this.#instance !== undefined;
  }

  entropy() {
    const bytes = new Uint8Array(32);
    if (this.#platform.random) this.#platform.random(bytes);
    else crypto.getRandomValues(bytes);
    return bytes;
  }

  /**
   * Runs an operation to its end; after a trap again, on a new instance. `operation` writes it, with the limit of time that
   * holds where the caller names none; `read` reads its result.
   */
  async run(operation, read, { signal, waitUntil = this.options.waitUntil }) {
    const { timeoutMs: own = ISOLATED_TIMEOUT, credentials } = this.options;
    const invocation = credentials?.[INVOCATION]?.();
    const limit = invocation && Math.min(own, invocation.timeoutMs ?? own);
    const background = !(this.#platform.isolated || invocation?.background === false) || waitUntil !== undefined;
    for (let runs = 0; runs < RUNS; runs++) {
      const instance = this.#alive();
      const begin = () => instance.start(this.#told(operation, limit), background, this.entropy());
      const result = await drive(this, instance, { begin, read, signal, waitUntil });
      if (result !== TRAPPED) return result;
    }
    throw this.#trapped();
  }

  /** The same, at once, for an operation that waits for nothing. */
  now(operation, read) {
    for (let runs = 0; runs < RUNS; runs++) {
      const instance = this.#alive();
      const turn = instance.start(this.#told(operation), false, NO_ENTROPY);
      const done = turn?.effects.find(({ tag }) => tag === DONE);
      if (done) return read(done.result);
      instance.dead = true;
    }
    throw this.#trapped();
  }

  /** A refresh behind the answer: nobody waits for its result. */
  spawn(instance, op, waitUntil) {
    const task = drive(this, instance, { __proto__: null, begin: () => instance.run(op, this.entropy()), waitUntil });
    try {
      waitUntil?.(task);
    } catch {
      // The caller's own function, and the answer does not need it.
    }
  }

  /** Outside the wasm and of the loop: an observer that throws or calls back harms nobody. */
  tell({ kind, secret, durationMs, error }) {
    const { onEvent } = this.options;
    queueMicrotask(async () => {
      try {
        await onEvent({ kind, secret, durationMs, error: error ? `ERR_SIMSIM_${error}` : undefined });
      } catch {
        // An observer's failure is its own.
      }
    });
  }

  close() {
    this.closed = true;
    this.memo.clear();
    this.#instance?.wipe();
    this.#instance = undefined;
  }

  #trapped() {
    return new SimsimError("INTERNAL", "internal fault: the wasm trapped; please report it");
  }

  /** An operation with what the memo answered since the core was last told. */
  #told(operation, limit) {
    const out = new Writer();
    const hits = this.memo.told();
    out.u32(hits.length);
    for (const [name, count] of hits) out.text(name).u32(count);
    operation(out, limit);
    return out.done();
  }

  #alive() {
    if (this.closed) throw new SimsimError("CLOSED", "the client is closed: make a new client");
    if (this.#instance && !this.#instance.dead) return this.#instance;
    this.memo.clear();
    const instance = new Instance(this.#instantiate(), this.memo);
    const fault = instance.open(this.#description());
    if (fault) throw errorFrom(fault);
    return (this.#instance = instance);
  }

  #instantiate() {
    const { createInstance, module } = this.#platform;
    try {
      return createInstance(module());
    } catch (error) {
      const csp = error?.name === "CompileError" ? "; a page's Content-Security-Policy needs 'wasm-unsafe-eval'" : "";
      throw new SimsimError("UNSUPPORTED", `WebAssembly cannot be used here: ${error?.name}${csp}`);
    }
  }

  /** The options as the wasm reads them, with what the environment says where they say nothing. */
  #description() {
    const { regionId, endpoint, network, onEvent, observeNames, cache, retry, timeoutMs } = this.options;
    const variable = this.#variable;
    const place = regionId || endpoint || !variable ? NONE : placeFrom(variable);
    const given = this.options.credentials ?? (variable && credentialsFrom(variable));
    if (!given) {
      const also = variable ? ", or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET" : "";
      throw config("credentials", `none; pass \`credentials\`${also}`);
    }
    const out = new Writer().text(regionId).text(endpoint && String(endpoint)).text(place.regionId).text(place.endpoint);
    out.u8((network ?? place.network) === "vpc" ? 1 : 0);
    this.credentials = given;
    if (kindOf(given) === "fixed") write(out.u8(1), given);
    else out.u8(0);
    out.u8(onEvent ? (observeNames ? 2 : 1) : 0).u8(cache === false ? 0 : 1);
    for (const field of Object.keys(CACHE_OPTIONS)) out.f64((cache || NONE)[field]);
    for (const field of Object.keys(RETRY_OPTIONS)) out.f64((retry === false ? ONE_ATTEMPT : (retry ?? NONE))[field]);
    return out.f64(timeoutMs ?? (this.#platform.isolated ? ISOLATED_TIMEOUT : undefined)).done();
  }
}
