//! The package in Bun.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { stage } from "./harness/package.mjs";
import { bun, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";

await run("bun", [
  {
    label: "bun",
    start: (kms, options) => startProgram(bun(), ["run", "--no-install", "hosts/bun.mjs"], { cwd: stage("bun", options) }),
  },
]);
