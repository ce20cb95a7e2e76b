// simsim/testing: the embedded wasm.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import base64 from "../testing.base64.js";
import { createInstance } from "../testing.glue.js";
import { embedded } from "../driver/embedded.js";
import { emulatorFor } from "./emulator.js";

export const createEmulator = emulatorFor({ createInstance, module: embedded(() => base64) });
