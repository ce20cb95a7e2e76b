// What edge-runtime is given: one script as Vercel bundles it, and the compiled wasm beside it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { basename, join } from "node:path";
import { bundle } from "./package.mjs";
import { here } from "./places.mjs";
import { binary, startProgram } from "./program.mjs";

binary("edge-runtime");

/** `import wasm from "…wasm?module"`: the bundle reads a global, the file goes beside it. */
const compiledElsewhere = {
  name: "wasm-module",
  setup(build) {
    build.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path), namespace: "wasm" }));
    build.onLoad({ filter: /.*/, namespace: "wasm" }, ({ path }) => ({ contents: `export default globalThis.wasmModules[${JSON.stringify(basename(path, "?module"))}]` }));
  },
};

/** Bundles a file of a staged folder, which listens for fetch events, and serves it. `variables` are its `process.env`. */
export async function serveEdge(folder, entry, variables = {}) {
  const script = await bundle(folder, entry, {
    conditions: ["edge-light", "browser"], format: "iife", external: ["node:*"], plugins: [compiledElsewhere],
  });
  const args = ["--expose-gc", join(here, "hosts/edge-server.mjs"), script, ...["simsim", "credentials"].map((name) => join(folder, `node_modules/simsim/${name}.wasm`))];
  return startProgram(process.execPath, args, { cwd: folder, env: { EDGE_VARIABLES: JSON.stringify(variables) } });
}
