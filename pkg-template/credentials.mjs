// Node's ESM entry of simsim/credentials: the CommonJS one, whose errors are those of Node's client.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import credentials from "./credentials.cjs";
export const { assumeRole, oidc, credentialsUri, environment, functionCompute, ecsRamRole, profile, defaultChain } = credentials;
