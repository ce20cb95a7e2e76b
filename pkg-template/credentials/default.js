// simsim/credentials in any other runtime: the embedded wasm; nothing is known of what may run behind an answer.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import hex from "../credentials.hex.js";
import { createInstance } from "../credentials.glue.js";
import { embedded } from "../driver/embedded.js";
import { sourcesFor } from "../driver/sources.js";

export { functionCompute } from "../function-compute.js";
export { defaultChain, ecsRamRole, profile } from "../driver/elsewhere.js";
export const { assumeRole, oidc, credentialsUri, environment } = sourcesFor({ createInstance, module: embedded(() => hex), isolated: true });
