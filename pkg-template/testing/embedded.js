// simsim/testing: the embedded wasm.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import hex from "../testing.hex.js";
import { createInstance } from "../testing.glue.js";
import { embedded } from "../driver/embedded.js";
import { emulatorFor } from "./emulator.js";

export const createEmulator = emulatorFor({ createInstance, module: embedded(() => hex) });
