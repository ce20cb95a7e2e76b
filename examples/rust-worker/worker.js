// The JavaScript half of the example: wasm-bindgen's glue (`--target bundler`), and the module that the bundler brings.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { waitUntil } from "cloudflare:workers";
import * as worker from "./rust-worker_bg.js";
import wasm from "./rust-worker_bg.wasm";

const { exports } = new WebAssembly.Instance(wasm, { "./rust-worker_bg.js": worker });
worker.__wbg_set_wasm(exports);
exports.__wbindgen_start();

export default {
  // `waitUntil` finds the request it is called in: the client outlives each of them.
  fetch: (request, env) => worker.fetch(request, env, waitUntil),
};
