// Deno: the embedded wasm, and its environment where that may be read.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import base64 from "./simsim.base64.js";
import { createInstance } from "./simsim.glue.js";
import { clientFor } from "./driver/client.js";
import { embedded } from "./driver/embedded.js";

export { SimsimError } from "./errors.js";

/** Nothing where Deno may not read it. */
function variables(name) {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined;
  }
}

export const SecretClient = clientFor({ createInstance, module: embedded(base64), variables });
