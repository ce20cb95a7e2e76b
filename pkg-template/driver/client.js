// The client as callers see it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config, SimsimError } from "../errors.js";
import { budgetOf, SOURCE } from "./call.js";
import { ClientCore } from "./client-core.js";
import { checked } from "./checks.js";
import { CHECK_OPTIONS, checkedName, CLIENT_OPTIONS, READ_OPTIONS, REFRESH_OPTIONS } from "./options.js";
import { limited } from "./limited.js";
import { fulfilled, outcome, rejected, statusFrom } from "./outcome.js";
import { Secret } from "./secret.js";
import { BATCH, CHECK, f64, GET, INVALIDATE, REFRESH, STATUS, text, u32, u8 } from "./wire.js";

/** How many names one call may ask for. */
const BATCH_SIZE = 20;

/**
 * The client class of a platform:
 *   createInstance, module   how its wasm arrives
 *   isolated                 each request is a world of its own: nothing runs behind an answer that waitUntil is not told of
 *   variables(name)          its environment, if it has one
 *   allowed(options)         throws where no client should be
 *   send, random, options    Node's own transport, randomness, and the options that these add
 */
export function clientFor(platform) {
  const shape = { __proto__: null, ...CLIENT_OPTIONS, ...platform.options };

  class SecretClient {
    #options;
    #variable;
    #core;
    #memo;

    /** Does nothing but check and keep the options: safe at module scope. */
    constructor(options) {
      this.#options = checked(options, shape);
      platform.allowed?.(this.#options);
      this.#start(platform.variables);
    }

    #start(variable) {
      this.#variable = variable;
      this.#core = new ClientCore(platform, this.#options, variable);
      this.#memo = this.#core.memo;
    }

    static fromConfig(values) {
      if (typeof values !== "object" || values === null) throw config("values", "must be an object such as a worker's env");
      const client = new SecretClient();
      client.#start((name) => (Object.hasOwn(values, name) ? values[name] : undefined));
      // What is wrong with them is said now.
      client.#core.description();
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
      return this.#read(GET, name, checked(options, READ_OPTIONS));
    }

    #read(what, name, call, refused) {
      const operation = [u8(what), text(checkedName(name)), text(call.versionStage), text(call.versionId), f64(call.maxAgeMs), text(refused)];
      return this.#core.run(operation, (result) => this.#secret(name, result), call);
    }

    async refresh(name, options) {
      return this.#read(REFRESH, name, checked(options, REFRESH_OPTIONS));
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
      const call = { __proto__: null, ...checked(options, REFRESH_OPTIONS), budget: budgetOf(this.#options) };
      const settled = new Map();
      for (const name of names) settled.set(checkedName(name), fulfilled(this.#memo.get(name)));
      const missing = () => [...settled].flatMap(([name, { status, value }]) => (status === "fulfilled" && !value ? [name] : []));
      const batches = [];
      for (const names = missing(); names.length; ) batches.push(names.splice(0, BATCH_SIZE));
      await limited(batches, (batch) => {
        const operation = [u8(BATCH), u32(batch.length), batch.map((name) => text(name))];
        const read = (result) => {
          // What the core leaves out it wants to be asked for by itself.
          while (result.more) {
            const name = batch[result.u32()];
            try {
              settled.set(name, fulfilled(this.#secret(name, result)));
            } catch (reason) {
              settled.set(name, rejected(reason));
            }
          }
        };
        return this.#core.run(operation, read, call);
      });
      await limited(missing(), async (name) => {
        settled.set(name, await this.#read(GET, name, call).then(fulfilled, rejected));
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
        newer = await this.#read(REFRESH, name, { __proto__: null }, secret.requestId);
      } catch {
        throw refused;
      }
      return use(newer);
    }

    invalidate(name) {
      const operation = [u8(INVALIDATE), text(name === undefined ? name : checkedName(name))];
      this.#memo.clear();
      if (this.#core.instance) this.#core.now(operation, outcome);
    }

    forPrincipal(credentials) {
      const client = new SecretClient({ ...this.#options, credentials: credentials ?? null });
      // The region may have been found there.
      client.#start(this.#variable);
      return client;
    }

    status() {
      if (this.#core.closed) return statusFrom();
      const status = this.#core.now([u8(STATUS)], (result) => outcome(result, statusFrom));
      return { ...status, credentialSource: this.#core.credentials[SOURCE] ?? status.credentialSource };
    }

    async check(options) {
      return this.#core.run([u8(CHECK)], outcome, checked(options, CHECK_OPTIONS));
    }

    close() {
      this.#core.close();
    }

    // TypeScript's and Node's newer versions end a `using` with it; older ones do not have the symbol.
    [Symbol.dispose ?? Symbol()]() {
      this.close();
    }
  }
  return SecretClient;
}
