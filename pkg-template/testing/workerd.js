// simsim/testing in Cloudflare workers: the bundler or the runtime brings the compiled module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import wasm from "../testing.wasm";
import { createInstance } from "../testing.glue.js";
import { emulatorFor } from "./emulator.js";

export const createEmulator = emulatorFor({ createInstance, module: () => wasm });
