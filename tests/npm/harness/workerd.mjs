// What workerd and miniflare are given: the worker as wrangler bundles it, and the wasm beside it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { bundle, stage } from "./package.mjs";

/** Stages and bundles a host. */
export async function workerModules(label, options, host = "hosts/worker.mjs", parts) {
  const folder = stage(label, options, parts);
  return { folder, modules: await bundleWorker(folder, host) };
}

/** Bundles a worker of a staged folder; its modules are `{name, kind: "esModule" | "wasm", path}`, the worker first. */
export async function bundleWorker(folder, entry) {
  const wasm = new Map();
  const keep = {
    name: "wasm-modules",
    setup(build) {
      build.onResolve({ filter: /\.wasm$/ }, async ({ path, resolveDir, pluginData }) => {
        if (pluginData === keep) return undefined;
        const found = await build.resolve(path, { resolveDir, kind: "import-statement", pluginData: keep });
        wasm.set(basename(found.path), found.path);
        return { path: `./${basename(found.path)}`, external: true };
      });
      build.onLoad({ filter: /\.wasm$/ }, () => ({ contents: "" }));
    },
  };
  const path = await bundle(folder, entry, {
    conditions: ["workerd", "worker", "browser"], external: ["cloudflare:*", "node:*"], plugins: [keep],
  });
  const worker = { name: "worker", kind: "esModule", path };
  return [worker, ...[...wasm].map(([name, path]) => ({ name, kind: "wasm", path }))];
}

/** Whether the bundle itself imports waitUntil from the runtime. */
export const importsWaitUntil = (modules) => readFileSync(modules[0].path, "utf8").includes('"cloudflare:workers"');
