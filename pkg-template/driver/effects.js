// Performs what an operation asks for, in the caller's own request context.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { cut } from "../errors.js";
import { ask, write } from "./credentials.js";
import { byFetch } from "./fetch.js";
import { FETCH, SLEEP, Writer } from "./wire.js";

/** The longest wait that timers know; a longer one would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The reply to a fetch. */
function answered({ status, headers, body, failed, cause }, note) {
  if (failed !== undefined) return new Writer().u8(2).u8(failed).text(cause && note(cause)).done();
  const out = new Writer().u8(1).u32(status).u32(headers.length);
  for (const [name, value] of headers) out.text(name).text(value);
  return out.bytes(body).done();
}

/** The reply of the caller's credentials provider. */
async function provided(source, signal, note) {
  try {
    return write(new Writer().u8(4), await ask(source, { signal })).done();
  } catch (cause) {
    return new Writer().u8(5).text(note(cause)).done();
  }
}

/**
 * Starts an effect; `reply` is called with its bytes unless it is ended before. Returns what ends it.
 * `note` is told of foreign failures, cut to what may be shown.
 */
export function perform(host, effect, note, reply) {
  if (effect.tag === SLEEP) {
    const timer = setTimeout(() => reply(new Writer().u8(3).done()), Math.min(effect.ms, LONGEST_TIMER));
    return () => clearTimeout(timer);
  }
  const shown = (cause) => {
    const { name, code } = note(cut(cause));
    return code ?? name;
  };
  let [started, stop, ended] = [];
  if (effect.tag === FETCH) {
    const [exchange, end] = (host.options.fetch ? byFetch : (host.send ?? byFetch))(effect, host.options);
    [started, stop] = [exchange.then((answer) => answered(answer, shown)), end];
  } else {
    const abort = typeof AbortController === "function" ? new AbortController() : undefined;
    [started, stop] = [provided(host.credentials, abort?.signal, shown), () => abort?.abort()];
  }
  started.then((bytes) => ended || reply(bytes));
  return () => {
    ended = true;
    stop();
  };
}
