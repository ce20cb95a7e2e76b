//! The package in Deno, with no permission but to talk to loopback.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { stage } from "./harness/package.mjs";
import { deno, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";

await run("deno", [
  {
    label: "deno",
    start(kms, options) {
      const folder = stage("deno", options);
      const args = ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual", "--allow-net=127.0.0.1", "--v8-flags=--expose-gc", "hosts/deno.mjs"];
      return startProgram(deno(), args, { cwd: folder, env: { DENO_DIR: `${folder}/cache`, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" } });
    },
  },
]);
