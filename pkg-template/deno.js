// Deno: the embedded wasm, and its environment where that may be read.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import hex from "./simsim.hex.js";
import { createInstance } from "./simsim.glue.js";
import { imported } from "./driver/chain.js";
import { clientFor } from "./driver/client.js";
import { variables } from "./driver/deno.js";
import { embedded } from "./driver/embedded.js";

const chain = imported(() => import("./credentials/deno.js"));
export { SimsimError } from "./errors.js";
export const SecretClient = clientFor({ createInstance, module: embedded(() => hex), variables, chain });
