// The driver: one wasm instance per client, one small loop per operation, each in its caller's own context.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { credentials, perform } from "./effects.js";
import { SimsimError } from "../errors.js";
import { Secret } from "./secret.js";
import { ABI, ABORT, DONE, EMIT, Reader, SPAWN, Writer } from "./wire.js";

const GET = 1, REFRESH = 2, INVALIDATE = 3;
const TRAPPED = Symbol("trapped");

/** A clock that does not go back; where the platform has none, the wall clock held to that. */
let latest = 0;
const mono = () => (latest = Math.max(latest, globalThis.performance?.now?.() ?? Date.now()));
const entropy = () => crypto.getRandomValues(new Uint8Array(32));

/**
 * Binds the client class to a platform: how its wasm arrives, and whether each request is a world of its own there
 * (`isolated`: nothing runs behind an answer unless `waitUntil` is told of it).
 */
export function clientFor({ createInstance, module, isolated = false }) {
  const timeoutMs = isolated ? 5000 : 10000;
  return class SecretClient {
    #options;
    #host;
    #instance;
    #closed = false;

    /** Does nothing but keep the options: safe at module scope. */
    constructor(options = {}) {
      this.#options = options;
      this.#host = { fetch: options.fetch, credentials: options.credentials };
    }

    /** Reads a secret by name or ARN. */
    getSecret(name, { versionStage, versionId, maxAgeMs, timeoutMs, signal, waitUntil } = {}) {
      const operation = new Writer().u8(GET).text(name).text(versionStage).text(versionId).f64(maxAgeMs).f64(timeoutMs);
      return this.#secret(operation.done(), { signal, waitUntil });
    }

    /** Fetches a secret anew. */
    refresh(name, { signal, waitUntil } = {}) {
      return this.#secret(new Writer().u8(REFRESH).text(name).done(), { signal, waitUntil });
    }

    /** Forgets one secret, or all. */
    async invalidate(name) {
      await this.#operate(new Writer().u8(INVALIDATE).text(name).done(), {});
    }

    /** Ends the client: its memory is overwritten. */
    close() {
      this.#closed = true;
      const instance = this.#instance;
      this.#instance = undefined;
      if (instance) {
        instance.dead = true;
        new Uint8Array(instance.memory.buffer).fill(0);
      }
    }

    async #secret(operation, call) {
      const result = new Reader(await this.#operate(operation, call));
      if (result.u8() === 0) return new Secret(result);
      throw SimsimError.read(result);
    }

    /** Runs an operation to its end. After a trap the instance is replaced and the operation run once more. */
    async #operate(operation, call) {
      for (let traps = 0; traps < 3; traps++) {
        if (this.#closed) throw new SimsimError("CLOSED", "the client is closed: make a new client");
        const instance = this.#alive();
        const result = await this.#drive(instance, call, () => {
          const started = instance.exports.start(
            operation, !isolated || Boolean(call.waitUntil ?? this.#options.waitUntil), Date.now(), mono(), entropy(),
          );
          const reader = new Reader(started);
          return [reader.u32(), reader];
        });
        if (result !== TRAPPED) return result;
      }
      throw new SimsimError("INTERNAL", "internal fault: the wasm trapped; please report it");
    }

    #alive() {
      if (this.#instance && !this.#instance.dead) return this.#instance;
      const instance = { ...createInstance(module()), dead: false };
      if (instance.exports.abi() !== ABI) throw new SimsimError("INTERNAL", "the driver and the wasm do not fit together");
      const fault = instance.exports.open(this.#description());
      if (fault.length) throw SimsimError.read(new Reader(fault));
      return (this.#instance = instance);
    }

    #description() {
      const { regionId, endpoint, network, credentials: source, onEvent, cache, retry, timeoutMs: own } = this.#options;
      const out = new Writer().text(regionId).text(endpoint && String(endpoint)).u8(network === "vpc" ? 1 : 0);
      if (typeof source?.accessKeyId === "string") credentials(out.u8(1), source);
      else out.u8(0);
      return out
        .u8(onEvent ? 1 : 0)
        .f64(cache?.ttlMs)
        .f64(cache?.staleIfErrorMs)
        .f64(retry?.maxAttempts)
        .f64(retry?.attemptTimeoutMs)
        .f64(own ?? timeoutMs)
        .done();
    }

    /** One operation on one instance: effects out, replies in, until it is done, cancelled, or the instance is dead. */
    #drive(instance, { signal, waitUntil }, begin) {
      return new Promise((resolve, reject) => {
        const running = new Map();
        let op;
        const finish = (settle, value) => {
          signal?.removeEventListener("abort", cancel);
          for (const end of running.values()) end();
          running.clear();
          settle(value);
        };
        /** Every entry into the wasm: a throw is a trap, and ends the instance for everyone. */
        const enter = (call) => {
          try {
            if (instance.dead) return undefined;
            return call();
          } catch {
            instance.dead = true;
            return undefined;
          }
        };
        const step = (id, bytes) => {
          running.delete(id);
          const out = enter(() => instance.exports.step(op, id, bytes, Date.now(), mono(), entropy()));
          act(out && new Reader(out));
        };
        const act = (reader) => {
          let effects;
          try {
            effects = reader && !instance.dead ? [] : undefined;
            while (effects && reader.more) effects.push(reader.effect());
          } catch {
            // The wasm never writes malformed bytes: its memory is broken.
            instance.dead = true;
            effects = undefined;
          }
          if (!effects) return finish(resolve, TRAPPED);
          for (const effect of effects) {
            switch (effect.tag) {
              case DONE:
                return finish(resolve, effect.result);
              case ABORT:
                running.get(effect.id)?.();
                running.delete(effect.id);
                break;
              case SPAWN:
                this.#spawn(instance, effect.id, waitUntil);
                break;
              case EMIT:
                this.#tell(effect);
                break;
              default:
                running.set(effect.id, perform(this.#host, effect, (bytes) => step(effect.id, bytes)));
            }
          }
          // An operation that waits for nothing would hang for ever: its memory is broken.
          if (running.size === 0) {
            instance.dead = true;
            finish(resolve, TRAPPED);
          }
        };
        const cancel = () => {
          if (op !== undefined) enter(() => instance.exports.cancel(op));
          finish(reject, new SimsimError("CANCELLED", "cancelled: the caller's signal was aborted"));
        };
        if (signal?.aborted) return cancel();
        signal?.addEventListener("abort", cancel);
        const first = enter(begin);
        if (first) op = first[0];
        act(first?.[1]);
      });
    }

    /** A refresh behind the answer: nobody waits for its result. */
    #spawn(instance, op, waitUntil = this.#options.waitUntil) {
      const task = this.#drive(instance, {}, () => [op, new Reader(instance.exports.run(op, Date.now(), mono(), entropy()))]);
      waitUntil?.(task);
    }

    /** Outside the wasm and of the loop: an observer that throws or calls back harms nobody. */
    #tell({ kind, secret, durationMs, error }) {
      const { onEvent } = this.#options;
      queueMicrotask(() => {
        try {
          onEvent?.({ kind, secret, durationMs, error: error ? `ERR_SIMSIM_${error}` : undefined });
        } catch {
          // An observer's failure is its own.
        }
      });
    }
  };
}
