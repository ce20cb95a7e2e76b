// Node's ESM entry: the CommonJS one, so that a process has one cache and one `instanceof`, however it imports.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import simsim from "./node.cjs";
export const { SecretClient, SimsimError } = simsim;
