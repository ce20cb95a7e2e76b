// simsim/credentials in Node: the embedded wasm, loaded at first use. Compiled into credentials.cjs.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { createInstance } from "../credentials-host.glue.js";
import { embedded } from "../driver/embedded.js";
import { localSourcesFor } from "../driver/local.js";
import { options, random, send } from "../driver/node.js";

export { functionCompute } from "../function-compute.js";
export const { assumeRole, oidc, credentialsUri, environment, ecsRamRole, profile, defaultChain } = localSourcesFor({
  createInstance, module: embedded(() => require("../credentials-host.hex.cjs")), variables: (name) => process.env[name], options, random, send,
});
