//! The package in miniflare, the local form of Cloudflare's workers.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { here } from "./harness/places.mjs";
import { binary, installed, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";
import { workerModules } from "./harness/workerd.mjs";

// miniflare does not run in Node 20.
const node = binary("node24/bin/node");
binary("miniflare");
installed("workerd");

await run("miniflare", [
  {
    label: "miniflare",
    async start(kms, options) {
      const { folder, modules } = await workerModules("miniflare", options);
      const list = join(folder, "modules.json");
      writeFileSync(list, JSON.stringify(modules));
      return startProgram(node, [join(here, "hosts/miniflare-server.mjs"), list, "2026-07-30"], { cwd: folder });
    },
    traits: () => ({ behind: "inline", traps: false, volume: false }),
  },
]);
