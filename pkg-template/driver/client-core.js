// A client's core: its options as the wasm reads them, its memo, its observer.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { Core, ISOLATED_TIMEOUT } from "./core.js";
import { asking, parts } from "./credentials.js";
import { credentialsFrom, placeFrom } from "./environment.js";
import { Memo } from "./memo.js";
import { CACHE_OPTIONS, RETRY_OPTIONS } from "./options.js";
import { f64, text, u8 } from "./wire.js";

/** Where nothing is given: not even what someone left on `Object.prototype`. */
const NONE = { __proto__: null };

export class ClientCore extends Core {
  #variable;
  /** What was found where nothing was given: this client's own. */
  #chain;

  /** `variable` is where configuration may be found that `options` leave out. */
  constructor(platform, options, variable) {
    super(platform, options, new Memo());
    this.#variable = variable;
  }

  close() {
    super.close();
    this.#chain?.close();
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

  /** The options as the wasm reads them, with what the environment says where they say nothing. */
  description() {
    const { regionId, endpoint, network, onEvent, observeNames, cache, retry, timeoutMs } = this.options;
    const variable = this.#variable;
    const place = regionId || endpoint || !variable ? NONE : placeFrom(variable);
    // Of names and values that were given nothing else is looked at.
    const chain = () => variable === this.platform.variables && (this.#chain ??= this.platform.chain?.(this.options));
    const given = this.options.credentials ?? (variable && credentialsFrom(variable)) ?? chain();
    if (!given) {
      throw config("credentials", "none; pass them, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET (of a worker: fromConfig(env))");
    }
    this.credentials = given;
    this.place = { regionId: regionId ?? place.regionId, network: network ?? place.network };
    const [to, fixed] = [endpoint ?? place.endpoint, !asking(given)];
    const flags = [regionId, this.place.network === "vpc", to?.protocol === "http:", fixed, onEvent, observeNames, cache === false];
    return [
      text(this.place.regionId), text(to?.host), u8(flags.reduce((bits, flag, at) => bits | (flag ? 1 << at : 0), 0)),
      fixed ? parts(given) : [],
      Object.keys(CACHE_OPTIONS).map((field) => f64((cache || NONE)[field])),
      Object.keys(RETRY_OPTIONS).map((field) => f64((retry === false ? { __proto__: null, maxAttempts: 1 } : (retry ?? NONE))[field])),
      f64(timeoutMs ?? (this.platform.isolated ? ISOLATED_TIMEOUT : undefined)),
    ];
  }
}
