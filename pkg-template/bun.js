// Bun: the embedded wasm, and its environment.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import hex from "./simsim.hex.js";
import { createInstance } from "./simsim.glue.js";
import { imported } from "./driver/chain.js";
import { clientFor } from "./driver/client.js";
import { embedded } from "./driver/embedded.js";

const chain = imported(() => import("./credentials/bun.js"));
export { SimsimError } from "./errors.js";
export const SecretClient = clientFor({ createInstance, module: embedded(() => hex), variables: (name) => process.env[name], chain });
