// The package as it is published: packed once, unpacked for each runtime, bundled where a runtime needs a bundle.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { emptied, here, root } from "./places.mjs";
import { installed } from "./program.mjs";

let tarball;
/** The file that `npm publish` would send. */
export function packed() {
  if (tarball) return tarball;
  const package_ = join(root, "pkg");
  if (!existsSync(join(package_, "package.json"))) throw new Error("pkg/ is not built: run cargo xtask npm");
  const folder = emptied(`packed-${process.pid}`);
  const args = ["pack", package_, "--json", "--ignore-scripts", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(execFileSync("npm", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  return (tarball = join(folder, filename));
}

/** Puts the published files into a folder's node_modules. */
export function unpackInto(folder) {
  const home = join(folder, "node_modules/simsim");
  mkdirSync(home, { recursive: true });
  execFileSync("tar", ["-xzf", packed(), "-C", home, "--strip-components", "1"]);
  return home;
}

const SUITE = ["world", "hosts"].map((part) => join(here, part));

/** A folder with the package, the options of the client under test, and what runs it: the world and the hosts. */
export function stage(label, options, parts = SUITE) {
  const folder = emptied(label);
  unpackInto(folder);
  for (const part of parts) cpSync(part, join(folder, basename(part)), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  writeFileSync(join(folder, "options.mjs"), `export default ${JSON.stringify(options)};\n`);
  return folder;
}

/** Bundles one file of a staged folder, as the tools of a platform do. */
export async function bundle(folder, entry, { conditions, ...more }) {
  const esbuild = installed("esbuild");
  const outfile = join(folder, "out", entry.replace(/^.*\//, "").replace(/\.mjs$/, ".js"));
  await esbuild.build({
    absWorkingDir: folder, entryPoints: [join(folder, entry)], outfile, bundle: true, format: "esm", conditions,
    // The main field would hide a missing condition.
    mainFields: [], logLevel: "warning", ...more,
  });
  return outfile;
}

/** A folder with one of the examples as a user would have it: its files, and the package installed beside them. */
export function stageExample(name, label = `example ${name}`) {
  const folder = emptied(label);
  cpSync(join(root, "examples", name), folder, { recursive: true });
  unpackInto(folder);
  return folder;
}
