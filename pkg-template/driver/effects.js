// Performs what an operation asks for, in the caller's own request context.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";
import { CALL } from "./call.js";
import { ANSWERED, bytes, FAILED, FETCH, NOT_PROVIDED, OVER_BUDGET, PROVIDE, text, u32, u8, WAIT, WAITED } from "./wire.js";

/** The longest wait that timers know; a longer one would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The reply to a fetch. */
async function answer(core, request, { budget }, signal, shown) {
  if (budget && budget.left-- < 1) return [u8(FAILED), u8(OVER_BUDGET), text()];
  const { status, headers, body, failed, cause } = await core.send(request, core.options, signal);
  if (failed !== undefined) return [u8(FAILED), u8(failed), text(cause && shown(cause))];
  return [u8(ANSWERED), u32(status), u32(headers.length), headers.map((pair) => pair.map(text)), bytes(body)];
}

/** The reply of the caller's credentials provider. */
async function provided(core, rejected, call, signal, shown) {
  try {
    return await core.provide({ signal, rejected, [CALL]: call });
  } catch (cause) {
    // Our own error says what it is about, behind its kind; a foreign one's message may quote anything.
    const told = cause instanceof SimsimError ? /[^:]*: (.*)|/s.exec(cause.message)[1]?.slice(0, 4000) : "";
    return [u8(NOT_PROVIDED), text(shown(cause)), text(told)];
  }
}

/**
 * Starts an effect; `reply` is called once with the parts of its reply unless it is ended before. Returns what ends it.
 * Of the scene, `call` bounds it and `shown` makes a word of a foreign failure.
 */
export function perform({ core, instance, call, shown }, tag, fields, reply) {
  if (tag === WAIT) {
    const wake = () => {
      end();
      reply(u8(WAITED));
    };
    const leader = fields.u32();
    const forget = leader && instance.awaiting(leader, wake);
    const timer = setTimeout(wake, Math.min(fields.u32(), LONGEST_TIMER));
    const end = () => {
      clearTimeout(timer);
      if (forget) forget();
    };
    return end;
  }
  // A member is evaluated where it stands: this is the order of the wire.
  const request = tag === FETCH && {
    __proto__: null, maxBody: fields.u32(), method: fields.text(), url: fields.text(),
    headers: fields.list(() => [fields.text(), fields.text()]), body: fields.bytes(),
  };
  const rejected = tag === PROVIDE && !!fields.u8();
  const abort = globalThis.AbortController && new AbortController();
  let ended;
  const started = request
    ? answer(core, request, call, abort?.signal, shown)
    : tag === PROVIDE ? provided(core, rejected, call, abort?.signal, shown) : core.other(tag, fields, abort?.signal);
  started.then((replied) => ended || reply(replied));
  return () => {
    ended = true;
    abort?.abort();
  };
}
