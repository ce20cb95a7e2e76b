// Cloudflare workers: the bundler brings the compiled module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import wasm from "./simsim.wasm";
import { createInstance } from "./glue.js";
import { forPlatform } from "../client.js";

export { SimsimError } from "../errors.js";
export { Secret } from "../secret.js";
export const SecretClient = forPlatform({ createInstance: () => createInstance(wasm), background: false, timeoutMs: 5000 });
