// Programs of this workspace, built when a test first needs them.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { spawnSync } from "node:child_process";
import { root } from "./places.mjs";

const built = new Map();

/** The path of a package's program; `SIMSIM_PROFILE` names another profile than `dev`. */
export function cargoProgram(package_, name) {
  const known = built.get(package_);
  if (known) return known;
  const args = ["build", "--quiet", "--locked", "--package", package_, "--profile", process.env.SIMSIM_PROFILE ?? "dev", "--message-format", "json-render-diagnostics"];
  const { status, stdout } = spawnSync("cargo", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`it does not build: cargo ${args.slice(0, 7).join(" ")}`);
  const artefacts = stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const path = artefacts.find((a) => a.executable && a.target.name === name).executable;
  built.set(package_, path);
  return path;
}
