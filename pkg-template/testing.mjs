// Node's ESM entry of simsim/testing: the CommonJS one, so that the wasm is in a process once.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import testing from "./testing.cjs";
export const { createEmulator } = testing;
