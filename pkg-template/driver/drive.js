// Drives one operation: effects out, replies in, in its caller's own context, until it is done or the instance is dead.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { cut, SimsimError } from "../errors.js";
import { perform } from "./effects.js";
import { ABORT, CANCEL, DONE, EMIT, SPAWN, STEP } from "./wire.js";

/** How an operation ends whose instance is dead. */
export const TRAPPED = Symbol("trapped");

/**
 * `begin` gives the first turn. `read` makes a value of the result, or throws a SimsimError; it runs before anything else
 * can, so that what it keeps is what the core knows. `core` performs what is not of this operation alone, and `call` is
 * whose operation it is: { signal, waitUntil, background, budget, place }.
 */
export function drive(core, instance, begin, read, call) {
  const { signal } = call;
  return new Promise((resolve, reject) => {
    const running = new Map();
    let op, cause;
    const finish = (settle, value) => {
      signal?.removeEventListener("abort", cancel);
      for (const end of running.values()) end();
      running.clear();
      settle(value);
      instance.ended(op);
    };
    const cancel = () => {
      if (op !== undefined) instance.turn(CANCEL, op, 0, []);
      finish(reject, new SimsimError("CANCELLED", "cancelled: the signal was aborted", { cause: cut(signal.reason) }));
    };
    const shown = (failure) => {
      cause = cut(failure);
      return cause.code ?? cause.name;
    };
    const scene = { core, instance, call, shown };
    const act = (turn) => {
      try {
        op = turn.u32();
        core.memo.heed(turn.u32());
        while (turn.more) {
          const [id, tag] = [turn.u32(), turn.u8()];
          // It is the last.
          if (tag === DONE) return finish(resolve, read?.(turn));
          if (tag === ABORT) {
            running.get(id)?.();
            running.delete(id);
          } else if (tag === SPAWN) core.spawn(instance, id, call);
          else if (tag === EMIT) core.tell(turn);
          else {
            const reply = (parts) => {
              running.delete(id);
              act(instance.turn(STEP, op, id, core.entropy(), parts));
            };
            running.set(id, perform(scene, tag, turn, reply));
          }
        }
        // An operation that waits for nothing would hang for ever: its memory is broken, too.
        if (!running.size) throw TRAPPED;
      } catch (error) {
        if (error instanceof SimsimError) {
          // What the transport or the provider failed with, as far as that may be shown.
          if (cause && (/TRANSPORT|CREDENTIALS_UNAVAILABLE/.test(error.code) || cause.code === error.code)) error.cause = cause;
          return finish(reject, error);
        }
        // There was no turn, or its bytes make no sense.
        instance.dead = true;
        finish(resolve, TRAPPED);
      }
    };
    if (signal?.aborted) return cancel();
    signal?.addEventListener("abort", cancel);
    act(begin());
  });
}
