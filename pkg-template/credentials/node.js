// simsim/credentials in Node: the embedded wasm, loaded at first use. Compiled into credentials.cjs.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { createInstance } from "../credentials.glue.js";
import { embedded } from "../driver/embedded.js";
import { options, random, send } from "../driver/node.js";
import { sourcesFor } from "../driver/sources.js";

export { functionCompute } from "../function-compute.js";
export { defaultChain, ecsRamRole, profile } from "../driver/elsewhere.js";
export const { assumeRole, oidc, credentialsUri, environment } = sourcesFor({
  createInstance, module: embedded(() => require("../credentials.base64.cjs")), variables: (name) => process.env[name], options, random, send,
});
