// Node: the embedded wasm, loaded at first use. Compiled into node.bundle.cjs, which is what the package has.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { createInstance } from "./simsim.glue.js";
import { clientFor } from "./driver/client.js";
import { embedded } from "./driver/embedded.js";
import { options, random, send } from "./driver/node.js";

// Beside the class, for credentials.cjs alone.
export { config, cut, SimsimError } from "./errors.js";
// For function-compute.cjs and credentials.cjs alone.
export { functionCompute } from "./function-compute.js";
export const SecretClient = clientFor({
  createInstance, module: embedded(() => require("./simsim.hex.cjs")), variables: (name) => process.env[name], options, random, send,
  chain: ({ fetch, ca }) => require("./credentials.cjs").defaultChain({ fetch, ca }),
});
