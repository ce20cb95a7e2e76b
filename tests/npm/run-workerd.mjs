//! The package in workerd on three compatibility dates: requests that are dropped, and refreshes behind the answer.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join, relative } from "node:path";
import { installed, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";
import { workerModules } from "./harness/workerd.mjs";

// The program itself: the one in .bin is a script that cannot hand on a third file descriptor.
const { default: workerd } = installed("workerd");
// "workerd 2026-11-17" names the newest compatibility date it knows.
const [newest] = /\d{4}-\d{2}-\d{2}/.exec(execFileSync(workerd, ["--version"], { encoding: "utf8" }));

function config(folder, modules, date) {
  const embedded = modules.map(({ name, kind, path }) => `(name = "${name}", ${kind} = embed "${relative(folder, path)}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--expose-gc"],
  services = [
    (name = "main", worker = (compatibilityDate = "${date}", modules = [${embedded.join(", ")}])),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}

/** A question whose connection ends by a reset: workerd then drops the request where it stands (after a mere close it goes on). */
const dropping = (port) => (path, params) => {
  const body = JSON.stringify(params);
  const socket = connect(port, "127.0.0.1", () => {
    socket.write(`POST /${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  return { end: () => socket.resetAndDestroy() };
};

await run(
  "workerd",
  ["2023-03-01", "2024-06-01", newest].map((date) => ({
    label: `workerd ${date}`,
    async start(kms, options) {
      const { folder, modules } = await workerModules(`workerd ${date}`, options);
      writeFileSync(join(folder, "config.capnp"), config(folder, modules, date));
      return startProgram(workerd, ["serve", "config.capnp", "--control-fd=3"], { cwd: folder });
    },
    traits: ({ port }) => ({ cancels: dropping(port), behind: "inline", volume: date === newest }),
  })),
);
