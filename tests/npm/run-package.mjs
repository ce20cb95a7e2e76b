//! The package as others judge it: publint, arethetypeswrong, and its types under each resolution and library.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tools = join(root, "tests/npm/node_modules/.bin");
const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "npm-package");
let failed = 0;

function check(name, program, args, cwd = folder) {
  const { status, stdout, stderr, error } = spawnSync(join(tools, program), args, { cwd, encoding: "utf8" });
  if (error) throw new Error(`${program} did not start (npm ci in tests/npm): ${error.message}`);
  if (status !== 0) failed += 1;
  console.log(status === 0 ? `ok   package: ${name}` : `FAIL package: ${name}\n${stdout}${stderr}`);
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, "node_modules"), { recursive: true });
// A copy, not a link: the package must not find anything above itself that its users do not have.
cpSync(join(root, "pkg"), join(folder, "node_modules/simsim"), { recursive: true });
cpSync(join(root, "tests/types"), folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{"type":"module"}');

check("publint finds nothing", "publint", ["--strict", "--pack", "npm", join(root, "pkg")]);
// A .wasm has no types, and wants none.
check("arethetypeswrong finds nothing", "attw", ["--pack", join(root, "pkg"), "--exclude-entrypoints", ...wasmEntries()]);

function wasmEntries() {
  return readdirSync(join(root, "pkg")).filter((name) => name.endsWith(".wasm"));
}

const types = (name, files, options) => {
  const flags = Object.entries({ noEmit: true, strict: true, exactOptionalPropertyTypes: false, types: "", ...options });
  const args = flags.flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  check(`types ${name}`, "tsc", ["--ignoreConfig", ...args, ...files]);
};
const all = ["api.ts", "credentials.ts", "function-compute.ts", "testing.ts"];
const node16 = { module: "node16", moduleResolution: "node16", target: "es2022" };
const bundler = { module: "esnext", moduleResolution: "bundler", target: "es2022" };
for (const [resolution, options] of Object.entries({ node16, bundler })) {
  // Neither the DOM's types nor Symbol.dispose.
  types(`under ${resolution}, lib es2022`, all, { ...options, lib: "es2022" });
  types(`under ${resolution}, with the platform's`, [...all, "platform.ts"], { ...options, lib: "esnext,dom,dom.iterable" });
}
types("through require()", ["commonjs.cts"], { ...node16, lib: "es2022" });

console.log(failed ? `${failed} failed` : "all passed");
process.exit(failed ? 1 : 0);
