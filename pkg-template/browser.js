// Browsers: the embedded wasm.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import hex from "./simsim.hex.js";
import { createInstance } from "./simsim.glue.js";
import { clientFor } from "./driver/client.js";
import { embedded } from "./driver/embedded.js";
import { allowed } from "./driver/page.js";

export { SimsimError } from "./errors.js";
export const SecretClient = clientFor({ createInstance, module: embedded(() => hex), allowed });
