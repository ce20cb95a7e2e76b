//! The package in Node 18, 20, 22 and 24, as an ES module and as a CommonJS module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { stage } from "./harness/package.mjs";
import { binary, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";

const hosts = { ESM: "node.mjs", CommonJS: "node.cjs" };
const versions = [18, 20, 22, 24].map((version) => [version, binary(`node${version}/bin/node`)]);

await run(
  "node",
  versions.flatMap(([version, node]) =>
    Object.entries(hosts).map(([form, host]) => {
      const label = `node ${version} ${form}`;
      return {
        label,
        start: (kms, options) => startProgram(node, ["--expose-gc", `hosts/${host}`], { cwd: stage(label, options) }),
        // Both forms share the wasm and the transport; what could grow there is shown by the oldest and the newest.
        traits: () => ({ traps: form === "ESM", volume: form === "ESM" && (version === 18 || version === 24) }),
      };
    }),
  ),
);
