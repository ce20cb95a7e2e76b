// Cloudflare workers: the bundler or the runtime brings the compiled module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import wasm from "./simsim.wasm";
import { createInstance } from "./simsim.glue.js";
import { clientFor } from "./driver/client.js";

export { SimsimError } from "./errors.js";
export const SecretClient = clientFor({ createInstance, module: () => wasm, isolated: true });
