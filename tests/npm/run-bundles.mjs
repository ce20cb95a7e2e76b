//! Bundles of the package by esbuild, Vite and webpack, run in Node and in a web worker of Chromium.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { join } from "node:path";
import { needBrowser, startWorker } from "./harness/browser.mjs";
import { bundle, stage } from "./harness/package.mjs";
import { installed, startProgram } from "./harness/program.mjs";
import { run } from "./harness/runner.mjs";

needBrowser();

const esbuildForNode = (folder) =>
  bundle(folder, "hosts/node.mjs", { conditions: ["node", "import", "module"], platform: "node", mainFields: ["module", "main"] });

async function viteForBrowser(folder) {
  const { build } = await import("vite");
  const input = join(folder, "hosts/web-worker.mjs");
  await build({
    root: folder, configFile: false, logLevel: "error",
    build: { outDir: "out", rollupOptions: { input, output: { entryFileNames: "[name].js" } } },
  });
  return join(folder, "out/web-worker.js");
}

async function webpack(folder, entry, target) {
  const pack = installed("webpack");
  const compiler = pack({
    // Its advice on size is for pages, not for a suite that is bundled with all that it tests.
    mode: "production", performance: false, context: folder, entry: `./${entry}`, target, devtool: false,
    output: { path: join(folder, "out"), filename: "bundle.js" },
  });
  const stats = await new Promise((resolve, reject) => compiler.run((error, done) => (error ? reject(error) : resolve(done))));
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString({ all: false, errors: true, warnings: true }));
  await new Promise((closed) => compiler.close(closed));
  return join(folder, "out/bundle.js");
}

const inNode = (label, build) => ({
  label,
  async start(kms, options) {
    const folder = stage(label, options);
    return startProgram(process.execPath, [await build(folder)], { cwd: folder });
  },
  traits: () => ({ traps: false, volume: false }),
});
const inBrowser = (label, build) => ({
  label,
  start: async (kms, options) => startWorker(kms.url, await build(stage(label, options))),
  traits: () => ({ traps: false, volume: false }),
});

await run("bundles", [
  inNode("esbuild, Node", esbuildForNode),
  inBrowser("vite, browser", viteForBrowser),
  inNode("webpack, Node", (folder) => webpack(folder, "hosts/node.mjs", "node20")),
  inBrowser("webpack, browser", (folder) => webpack(folder, "hosts/web-worker.mjs", "webworker")),
]);
