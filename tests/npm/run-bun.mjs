//! The package in Bun.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { stage } from "./harness/package.mjs";
import { binary, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";

const bun = binary(`@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}/bin/bun`);

await run("bun", [
  {
    label: "bun",
    start: (kms, options) => startProgram(bun, ["run", "--no-install", "hosts/bun.mjs"], { cwd: stage("bun", options) }),
  },
]);
