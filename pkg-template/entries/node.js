// Node: the module is compiled once, at first use.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { readFileSync } from "node:fs";
import { createInstance } from "./glue.js";
import { forPlatform } from "../client.js";

export { SimsimError } from "../errors.js";
export { Secret } from "../secret.js";
let wasm;
const compiled = () => (wasm ??= new WebAssembly.Module(readFileSync(new URL("./simsim.wasm", import.meta.url))));
export const SecretClient = forPlatform({
  createInstance: () => createInstance(compiled()), init: { cache: "no-store" }, background: true, timeoutMs: 10000,
});
