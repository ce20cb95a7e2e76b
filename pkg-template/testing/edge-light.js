// simsim/testing on Vercel's edge: the compiled module by its own import suffix.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import wasm from "../testing.wasm?module";
import { createInstance } from "../testing.glue.js";
import { emulatorFor } from "./emulator.js";

export const createEmulator = emulatorFor({ createInstance, module: () => wasm });
