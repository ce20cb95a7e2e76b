// Starts edge-runtime with one bundle, as Vercel does: `node edge-server.mjs BUNDLE.js MODULE.wasm …`.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { EdgeRuntime, runServer } from "edge-runtime";

const [, , bundle, ...files] = process.argv;
const env = JSON.parse(process.env.EDGE_VARIABLES);
const wasmModules = Object.fromEntries(files.map((file) => [basename(file), new WebAssembly.Module(readFileSync(file))]));
const runtime = new EdgeRuntime({
  initialCode: readFileSync(bundle, "utf8"),
  // What an import of `./simsim.wasm?module` becomes when it is deployed: a global with the compiled modules.
  extend: (context) => Object.assign(context, { wasmModules, gc: globalThis.gc, process: { env } }),
});
const { url } = await runServer({ runtime, host: "127.0.0.1", port: 0 });
console.log(`listening on ${new URL(url).port}`);
