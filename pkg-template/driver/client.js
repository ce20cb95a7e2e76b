// The client as callers see it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config, SimsimError } from "../errors.js";
import { kindOf } from "./credentials.js";
import { Core } from "./core.js";
import { credentialsFrom, placeFrom } from "./environment.js";
import { CHECK_OPTIONS, checked, checkedName, CLIENT_OPTIONS, READ_OPTIONS, REFRESH_OPTIONS } from "./options.js";
import { limited } from "./limited.js";
import { closedStatus, fulfilled, outcome, rejected, statusFrom } from "./outcome.js";
import { Secret } from "./secret.js";
import { BATCH, CHECK, GET, INVALIDATE, REFRESH, STATUS } from "./wire.js";

/** How many names one call may ask for. */
const BATCH_SIZE = 20;

/**
 * The client class of a platform:
 *   createInstance, module   how its wasm arrives
 *   isolated                 each request is a world of its own: nothing runs behind an answer that waitUntil is not told of
 *   variables(name)          its environment, if it has one
 *   send, random, options    Node's own transport, randomness, and the options that these add
 */
export function clientFor(platform) {
  const shape = { __proto__: null, ...CLIENT_OPTIONS, ...platform.options };
  const variable = platform.variables && ((name) => {
    try {
      return platform.variables(name);
    } catch {
      // Deno without the permission to read it.
      return undefined;
    }
  });

  class SecretClient {
    #options;
    #core;
    #memo;

    /** Does nothing but check and keep the options: safe at module scope. */
    constructor(options) {
      this.#options = checked(options, shape);
      if (typeof document === "object" && typeof window === "object" && !variable && !this.#options.dangerouslyAllowBrowser) {
        throw config("dangerouslyAllowBrowser", "keys do not belong in a page that anyone can open; read secrets on a server, or set it to true");
      }
      this.#start(variable);
    }

    #start(found) {
      this.#core = new Core(platform, this.#options, found);
      this.#memo = this.#core.memo;
    }

    static fromConfig(values) {
      if (typeof values !== "object" || values === null) throw config("values", "must be an object such as a worker's env");
      const found = (name) => (Object.hasOwn(values, name) ? values[name] : undefined);
      // What is wrong with them is said now.
      placeFrom(found);
      if (!credentialsFrom(found)) throw config("ALIBABA_CLOUD_ACCESS_KEY_ID", "is not set, and neither is credentials_type");
      const client = new SecretClient();
      client.#start(found);
      return client;
    }

    getSecret(name, options) {
      if (options === undefined) {
        const secret = this.#memo.get(name);
        if (secret !== undefined) return Promise.resolve(secret);
      }
      return this.#get(name, options);
    }

    async #get(name, options) {
      const { versionId, versionStage, maxAgeMs, timeoutMs, ...call } = checked(options, READ_OPTIONS);
      checkedName(name);
      const operation = (out, limit) =>
        out.u8(GET).text(name).text(versionStage).text(versionId).f64(maxAgeMs).f64(timeoutMs ?? limit);
      return this.#core.run(operation, (result) => this.#secret(name, result), call);
    }

    async refresh(name, options) {
      return this.#refresh(name, options);
    }

    async #refresh(name, options, refused) {
      const { timeoutMs, ...call } = checked(options, REFRESH_OPTIONS);
      checkedName(name);
      const operation = (out, limit) => out.u8(REFRESH).text(name).f64(timeoutMs ?? limit).text(refused);
      return this.#core.run(operation, (result) => this.#secret(name, result), call);
    }

    /** An outcome of the wasm; the memo keeps the secret for as long as the core says. */
    #secret(name, result) {
      return outcome(result, () => {
        const secret = new Secret(result);
        const freshFor = result.f64();
        // Hits of the memo are no events: with an observer all reads go to the core.
        if (!this.#options.onEvent) this.#memo.set(name, secret, freshFor);
        return secret;
      });
    }

    async text(name, options) {
      return (await this.getSecret(name, options)).text();
    }

    async json(name, options) {
      return (await this.getSecret(name, options)).json();
    }

    async bytes(name, options) {
      return (await this.getSecret(name, options)).bytes();
    }

    async getSecrets(names, options) {
      if (typeof names !== "object" || names === null) throw config("names", "must be an object of secret names");
      const wanted = Object.entries(names);
      const settled = await this.getSecretsSettled(wanted.map(([, name]) => name), options);
      const failures = new Map();
      for (const [name, { reason }] of settled) if (reason) failures.set(name, reason);
      if (failures.size > 0) {
        const [[, first]] = failures;
        const list = [...failures].map(([name, { code }]) => `${name} (${code})`).join(", ");
        const message = `${failures.size} of ${settled.size} secrets could not be read: ${list}`;
        throw new SimsimError(first.code.slice("ERR_SIMSIM_".length), message, { failures });
      }
      return Object.fromEntries(wanted.map(([key, name]) => [key, settled.get(name).value]));
    }

    async getSecretsSettled(names, options) {
      const { timeoutMs, ...call } = checked(options, REFRESH_OPTIONS);
      const settled = new Map();
      const missing = new Set();
      for (const name of names) {
        const value = this.#memo.get(checkedName(name));
        settled.set(name, fulfilled(value));
        if (!value) missing.add(name);
      }
      const batches = [];
      for (const name of missing) {
        if (!(batches.at(-1)?.length < BATCH_SIZE)) batches.push([]);
        batches.at(-1).push(name);
      }
      await limited(batches, (batch) => {
        const operation = (out, limit) => {
          out.u8(BATCH).f64(timeoutMs ?? limit).u32(batch.length);
          for (const name of batch) out.text(name);
        };
        const read = (result) => {
          for (const name of batch) {
            try {
              settled.set(name, fulfilled(this.#secret(name, result)));
            } catch (reason) {
              settled.set(name, rejected(reason));
            }
          }
        };
        return this.#core.run(operation, read, call);
      });
      // What the core left out it wants to be asked for by itself.
      const alone = [...settled].filter(([, { status, value }]) => status === "fulfilled" && !value);
      await limited(alone, async ([name]) => {
        settled.set(name, await this.#get(name, { timeoutMs, ...call }).then(fulfilled, rejected));
      });
      return settled;
    }

    async withSecret(name, use, isAuthError) {
      const secret = await this.getSecret(name);
      let refused;
      try {
        return await use(secret);
      } catch (error) {
        if (!isAuthError(error)) throw error;
        refused = error;
      }
      let newer;
      try {
        newer = await this.#refresh(name, undefined, secret.requestId);
      } catch {
        throw refused;
      }
      return use(newer);
    }

    invalidate(name) {
      if (name !== undefined) checkedName(name);
      this.#memo.clear();
      if (this.#core.started) this.#core.now((out) => out.u8(INVALIDATE).text(name), (result) => outcome(result, () => {}));
    }

    forPrincipal(credentials) {
      if (!kindOf(credentials)) throw config("credentials", "must be those of the other principal");
      return new SecretClient({ ...this.#options, credentials });
    }

    status() {
      if (this.#core.closed) return closedStatus();
      return this.#core.now((out) => out.u8(STATUS), (result) => outcome(result, statusFrom));
    }

    async check(options) {
      return this.#core.run((out) => out.u8(CHECK), (result) => outcome(result, () => {}), checked(options, CHECK_OPTIONS));
    }

    close() {
      this.#core.close();
    }
  }

  // TypeScript's and Node's newer versions end a `using` with it; older ones do not have the symbol.
  if (Symbol.dispose) {
    Object.defineProperty(SecretClient.prototype, Symbol.dispose, { value: SecretClient.prototype.close, configurable: true, writable: true });
  }
  return SecretClient;
}
