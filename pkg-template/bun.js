// Bun: the embedded wasm, and its environment.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import base64 from "./simsim.base64.js";
import { createInstance } from "./simsim.glue.js";
import { imported } from "./driver/chain.js";
import { clientFor } from "./driver/client.js";
import { embedded } from "./driver/embedded.js";

const chain = imported(() => import("./credentials/bun.js"));
export { SimsimError } from "./errors.js";
export const SecretClient = clientFor({ createInstance, module: embedded(() => base64), variables: (name) => process.env[name], chain });
