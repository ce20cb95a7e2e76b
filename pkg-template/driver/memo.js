// What the core answered, for as long as the core said that it is fresh: a hit costs no entry into the wasm.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { mono } from "./clock.js";
import { text, u32 } from "./wire.js";

/** Decides nothing: filled, dated and emptied as the core says. */
export class Memo {
  #answers = new Map();
  #used = [];
  #latest = 0;
  #mono = 0;
  #removals = 0;

  /** The answer to a plain read; nothing where the core is to be asked. */
  get(name) {
    const answer = this.#answers.get(name);
    if (answer === undefined) return undefined;
    const now = Date.now();
    // The wall clock went back: no age is known.
    if (now < this.#latest) return undefined;
    // One clock may be set, the other stands still in a frozen machine. It is asked once in a millisecond of the first.
    if (now > this.#latest) this.#mono = mono();
    this.#latest = now;
    if (now >= answer.until || this.#mono >= answer.monoUntil) return undefined;
    if (answer.hits++ === 0) this.#used.push(answer);
    return answer.secret;
  }

  /** Keeps what the core has just answered. */
  set(name, secret, freshFor) {
    const now = Date.now();
    if (now < this.#latest) this.clear();
    this.#latest = now;
    this.#mono = mono();
    const answer = { name, secret, until: now + freshFor, monoUntil: this.#mono + freshFor, hits: 0 };
    if (freshFor > 0) this.#answers.set(name, answer);
    else this.#answers.delete(name);
  }

  /** The core's count of what left its cache: when it changed, any answer may be one that must not be given again. */
  heed(removals) {
    if (removals !== this.#removals) this.clear();
    this.#removals = removals;
  }

  clear() {
    this.#answers.clear();
  }

  /** The hits since the core was last told, as it reads them: names and counts. */
  told() {
    const used = this.#used;
    this.#used = [];
    return [
      u32(used.length),
      used.map((answer) => {
        const { name, hits } = answer;
        answer.hits = 0;
        return [text(name), u32(hits)];
      }),
    ];
  }
}
