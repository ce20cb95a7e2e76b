// simsim/credentials on Vercel's edge: the compiled module by its own import suffix.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import wasm from "../credentials.wasm?module";
import { createInstance } from "../credentials.glue.js";
import { sourcesFor } from "../driver/sources.js";

export { functionCompute } from "../function-compute.js";
export { defaultChain, ecsRamRole, profile } from "../driver/elsewhere.js";
export const { assumeRole, oidc, credentialsUri, environment } = sourcesFor({ createInstance, module: () => wasm, isolated: true });
