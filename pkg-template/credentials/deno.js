// simsim/credentials in Deno: the embedded wasm, the environment and the files that it may read.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import hex from "../credentials-host.hex.js";
import { createInstance } from "../credentials-host.glue.js";
import { variables } from "../driver/deno.js";
import { embedded } from "../driver/embedded.js";
import { localSourcesFor } from "../driver/local.js";

export { functionCompute } from "../function-compute.js";
export const { assumeRole, oidc, credentialsUri, environment, ecsRamRole, profile, defaultChain } = localSourcesFor({
  createInstance, module: embedded(() => hex), variables,
});
