//! The package in edge-runtime, as Vercel's edge functions have it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { join } from "node:path";
import { bundle, stage } from "./harness/package.mjs";
import { here } from "./harness/places.mjs";
import { binary, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";

binary("edge-runtime");

/** `import wasm from "…wasm?module"`: the bundle reads a global, the file goes beside it. */
const compiledElsewhere = {
  name: "wasm-module",
  setup(build) {
    build.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path), namespace: "wasm" }));
    build.onLoad({ filter: /.*/, namespace: "wasm" }, () => ({ contents: "export default globalThis.wasmModule" }));
  },
};

await run("edge", [
  {
    label: "edge-runtime",
    async start(kms, options) {
      const folder = stage("edge", options);
      const script = await bundle(folder, "hosts/edge.mjs", {
        conditions: ["edge-light", "browser"], format: "iife", external: ["node:*"], plugins: [compiledElsewhere],
      });
      const wasm = join(folder, "node_modules/simsim/simsim.wasm");
      return startProgram(process.execPath, ["--expose-gc", join(here, "hosts/edge-server.mjs"), script, wasm], { cwd: folder });
    },
    traits: () => ({ behind: "inline", volume: false }),
  },
]);
