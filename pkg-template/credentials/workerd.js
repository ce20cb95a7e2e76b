// simsim/credentials on Cloudflare: the bundler or the runtime brings the compiled module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import wasm from "../credentials.wasm";
import { createInstance } from "../credentials.glue.js";
import { sourcesFor } from "../driver/sources.js";

export { functionCompute } from "../function-compute.js";
export { defaultChain, ecsRamRole, profile } from "../driver/elsewhere.js";
export const { assumeRole, oidc, credentialsUri, environment } = sourcesFor({ createInstance, module: () => wasm, isolated: true });
