//! The driver and the wasm in real workerd on three compatibility dates, against the emulator.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { spawn } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { pkg, root, run, session, startKms, target } from "./lib.mjs";
import { suite } from "./suite.mjs";

const require = createRequire(import.meta.url);
const missing = (name) => {
  console.error(`${name} is not installed: run npm ci in tests/npm`);
  process.exit(process.env.CI === "true" ? 1 : 77);
};
const load = (name) => {
  try {
    return require(name);
  } catch {
    return missing(name);
  }
};
const workerd = load("workerd").default;
const esbuild = load("esbuild");
// "workerd 2026-11-17" names the newest compatibility date it knows.
const newest = /(\d{4}-\d{2}-\d{2})/.exec(require("node:child_process").execFileSync(workerd, ["--version"], { encoding: "utf8" }))[1];

const bundle = join(target, "npm-smoke/workerd");
await esbuild.build({
  entryPoints: [join(root, "tests/npm/worker.mjs")], outfile: join(bundle, "worker.js"), bundle: true, format: "esm",
  conditions: ["workerd", "worker", "browser"], external: ["*.wasm", "cloudflare:*"],
  alias: { simsim: join(pkg, "workerd.js") }, logLevel: "warning",
});
cpSync(join(pkg, "simsim.wasm"), join(bundle, "simsim.wasm"));

/** A port that was free a moment ago: workerd prints none of its own. */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

async function startWorker(kms, date) {
  const port = await freePort();
  const options = JSON.stringify({ endpoint: kms.url, regionId: "cn-hangzhou", credentials: session });
  writeFileSync(
    join(bundle, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js"), (name = "simsim.wasm", wasm = embed "simsim.wasm")],
  bindings = [(name = "OPTIONS", json = ${JSON.stringify(options)})],
  compatibilityDate = "${date}",
);
`,
  );
  const child = spawn(workerd, ["serve", join(bundle, "config.capnp")], { stdio: ["ignore", "inherit", "inherit"] });
  /** A request that is broken off by a reset: workerd then drops it where it stands (after a mere close it goes on). */
  const breakable = (path, params, signal) =>
    new Promise((_, reject) => {
      const body = JSON.stringify(params);
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(`POST /${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
      socket.on("data", () => reject(new Error("answered before it was broken off")));
      signal.addEventListener("abort", () => {
        socket.resetAndDestroy();
        reject(new Error("aborted"));
      });
    });
  const ask = async (path, params, { signal } = {}) => {
    if (signal) return breakable(path, params, signal);
    const response = await fetch(`http://127.0.0.1:${port}/${path}`, { method: "POST", body: JSON.stringify(params) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  for (let tries = 0; ; tries++) {
    try {
      await ask("fresh", {});
      return { ask, stop: () => child.kill() };
    } catch (error) {
      if (tries === 200 || child.exitCode !== null) throw error;
      await new Promise((r) => setTimeout(r, 50));
    }
  }
}

const kms = await startKms();
const cases = {};
const workers = [];
for (const date of ["2023-03-01", "2024-06-01", newest]) {
  const worker = await startWorker(kms, date);
  workers.push(worker);
  const own = suite({ kms, ask: worker.ask, fresh: () => worker.ask("fresh", {}), contexts: 50, label: date, cancels: true });
  for (const [name, test] of Object.entries(own)) cases[`${date}: ${name}`] = test;
}
await run("workerd", cases, () => {
  for (const worker of workers) worker.stop();
  kms.stop();
});
