// Node's ESM entry of simsim/function-compute: the CommonJS one, whose errors are those of Node's client.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import provider from "./function-compute.cjs";
export const { functionCompute } = provider;
