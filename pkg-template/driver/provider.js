// A provider of credentials as callers see it, around a wasm instance of its own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { CALL, SOURCE } from "./call.js";
import { asking } from "./credentials.js";
import { Core, ISOLATED_TIMEOUT } from "./core.js";
import { outcome } from "./outcome.js";
import { GIVE, TELL, text, u8 } from "./wire.js";

/** Nothing that a provider gave is kept here. */
const NO_MEMO = { __proto__: null, told: () => [], heed() {}, clear() {} };
const NONE = { __proto__: null };

/** `provide` and `other`, where the source needs them, are those of a core. */
class ProviderCore extends Core {
  #description;

  constructor(platform, options, description, { provide, other } = NONE) {
    super(platform, options, NO_MEMO);
    this.#description = description;
    const { source } = options;
    this.credentials = asking(source) ?? (() => source);
    if (provide) this.provide = provide;
    if (other) this.other = other;
  }

  description() {
    return this.#description;
  }
}

/** The session of one answer. */
function session(result) {
  const [accessKeyId, accessKeySecret, securityToken] = [result.text(), result.text(), result.text()];
  const [expiration, principal] = [result.f64(), result.text()];
  return {
    accessKeyId, accessKeySecret, securityToken: securityToken || undefined,
    expiration: expiration === undefined ? expiration : new Date(expiration), principal: principal || undefined,
  };
}

/** What every function of simsim/credentials returns. The getters without options are those of @alicloud/credentials. */
export class Provider {
  #core;
  #name;

  /** A provider of the source with that name, on a platform; the description is what its wasm is opened with. */
  constructor(platform, name, options, description, effects) {
    this.#name = name;
    this.#core = new ProviderCore(platform, options, description, effects);
  }

  async getCredentials(cx) {
    const { signal, rejected } = cx ?? NONE;
    const { waitUntil, background, budget, place = NONE } = cx?.[CALL] ?? NONE;
    const timeoutMs = this.#core.platform.isolated ? ISOLATED_TIMEOUT : undefined;
    const operation = [u8(GIVE), u8(rejected ? 1 : 0), text(place.regionId), u8(place.network === "vpc" ? 1 : 0)];
    return this.#core.run(operation, (result) => outcome(result, session), { signal, timeoutMs, waitUntil, background, budget });
  }

  async getCredential() {
    const { accessKeyId, accessKeySecret, securityToken, expiration } = await this.getCredentials();
    return { accessKeyId, accessKeySecret, securityToken, expiration, type: this.getType(), providerName: this.getProviderName() };
  }

  async getAccessKeyId() {
    return (await this.getCredentials()).accessKeyId;
  }

  async getAccessKeySecret() {
    return (await this.getCredentials()).accessKeySecret;
  }

  async getSecurityToken() {
    return (await this.getCredentials()).securityToken;
  }

  getBearerToken() {
    return undefined;
  }

  getType() {
    return "sts";
  }

  getProviderName() {
    return this.status().source;
  }

  get [SOURCE]() {
    return this.status().source;
  }

  status() {
    const { closed, instance } = this.#core;
    const source = closed || !instance ? this.#name : this.#core.now([u8(TELL)], (result) => outcome(result, () => result.text()));
    return { source, closed };
  }

  close() {
    this.#core.close();
  }

  // TypeScript's and Node's newer versions end a `using` with it; older ones do not have the symbol.
  [Symbol.dispose ?? Symbol()]() {
    this.close();
  }
}
