// Drives one operation: effects out, replies in, in its caller's own context, until it is done or the instance is dead.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { cut, SimsimError } from "../errors.js";
import { perform } from "./effects.js";
import { ABORT, DONE, EMIT, SPAWN } from "./wire.js";

/** How an operation ends whose instance is dead. */
export const TRAPPED = Symbol("trapped");

/**
 * `begin` gives the first turn. `read` makes a value of the result, or throws a SimsimError; it runs before anything else
 * can, so that what it keeps is what the core knows. `core` performs what is not of this operation alone.
 */
export function drive(core, instance, { begin, read, signal, waitUntil }) {
  return new Promise((resolve, reject) => {
    const running = new Map();
    let op;
    let cause;
    const finish = (settle, value) => {
      signal?.removeEventListener("abort", cancel);
      for (const end of running.values()) end();
      running.clear();
      settle(value);
    };
    const cancel = () => {
      if (op !== undefined) instance.cancel(op);
      finish(reject, new SimsimError("CANCELLED", "cancelled: the caller's signal was aborted", { cause: cut(signal.reason) }));
    };
    const done = (result) => {
      try {
        return finish(resolve, read?.(result));
      } catch (error) {
        if (!(error instanceof SimsimError)) {
          instance.dead = true;
          return finish(resolve, TRAPPED);
        }
        // What the transport or the provider failed with, as far as that may be shown.
        if (cause && /TRANSPORT|CREDENTIALS_UNAVAILABLE/.test(error.code)) error.cause = cause;
        return finish(reject, error);
      }
    };
    const note = (failure) => (cause = failure);
    const act = (turn) => {
      if (!turn) return finish(resolve, TRAPPED);
      op ??= turn.op;
      for (const effect of turn.effects) {
        switch (effect.tag) {
          case DONE:
            return done(effect.result);
          case ABORT:
            running.get(effect.id)?.();
            running.delete(effect.id);
            break;
          case SPAWN:
            core.spawn(instance, effect.id, waitUntil);
            break;
          case EMIT:
            core.tell(effect);
            break;
          default: {
            const { id } = effect;
            const reply = (bytes) => {
              running.delete(id);
              act(instance.step(op, id, bytes, core.entropy()));
            };
            running.set(id, perform(core, effect, note, reply));
          }
        }
      }
      // An operation that waits for nothing would hang for ever: its memory is broken.
      if (running.size === 0) {
        instance.dead = true;
        finish(resolve, TRAPPED);
      }
    };
    if (signal?.aborted) return cancel();
    signal?.addEventListener("abort", cancel);
    act(begin());
  });
}
