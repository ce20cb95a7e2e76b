// Where things are: this tree, its build folder, and a fresh folder for one runtime.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
export const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const here = join(root, "tests/npm");

/** An empty folder outside of tests/npm, so that nothing of its node_modules is found by accident. */
export function emptied(name) {
  const folder = join(target, "npm-tests", name.replace(/[^\w.]+/g, "-"));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
