// Serves a worker with workerd itself: modules, bindings, a compatibility date.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { installed, startProgram } from "./program.mjs";

// The program itself: the one in .bin is a script that cannot hand on a third file descriptor.
const { default: workerd } = installed("workerd");

/** The newest compatibility date that it knows: it prints "workerd 2026-11-17". */
export const [newest] = /\d{4}-\d{2}-\d{2}/.exec(execFileSync(workerd, ["--version"], { encoding: "utf8" }));

const config = (folder, modules, bindings, date) => {
  const embedded = modules.map(({ name, kind, path }) => `(name = "${name}", ${kind} = embed "${relative(folder, path)}")`);
  const bound = Object.entries(bindings).map(([name, value]) => `(name = "${name}", json = ${JSON.stringify(JSON.stringify(value))})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--expose-gc"],
  services = [
    (name = "main", worker = (
      compatibilityDate = "${date}", modules = [${embedded.join(", ")}], bindings = [${bound.join(", ")}],
    )),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
};

/** `modules` are `{name, kind: "esModule" | "wasm", path}`, the worker first; `bindings` are what its `env` has. */
export function serveWorkerd(folder, modules, { date = newest, bindings = {} } = {}) {
  writeFileSync(join(folder, "config.capnp"), config(folder, modules, bindings, date));
  return startProgram(workerd, ["serve", "config.capnp", "--control-fd=3"], { cwd: folder });
}
