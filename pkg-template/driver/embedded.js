// The wasm where no bundler or runtime brings it: base64 in a script, compiled at first use.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";

function decode(base64) {
  if (typeof Buffer === "function") return Buffer.from(base64, "base64");
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
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
