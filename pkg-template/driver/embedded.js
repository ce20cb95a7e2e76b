// The wasm where no bundler or runtime brings it: hexadecimal in a script, compiled at first use.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";

function decode(hex) {
  if (typeof Buffer === "function") return Buffer.from(hex, "hex");
  return Uint8Array.fromHex?.(hex) ?? Uint8Array.from({ length: hex.length / 2 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

/** A function that gives the module, compiled once; `load` gives the script's text. */
export function embedded(load) {
  let module;
  return () => {
    try {
      return (module ??= new WebAssembly.Module(decode(load())));
    } catch (error) {
      const csp = error?.name === "CompileError" ? "; a page's Content-Security-Policy needs 'wasm-unsafe-eval'" : "";
      throw new SimsimError("UNSUPPORTED", `WebAssembly cannot be used here: ${error?.name}${csp}`);
    }
  };
}
