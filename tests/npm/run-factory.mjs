//! The glue factory in Node and in real workerd: instances share no memory, and a trap stays with its instance.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

const built = join(process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url)), "wasm/simsim");
// The program itself: the one in .bin is a script that cannot hand on a third file descriptor.
const { default: workerd } = createRequire(import.meta.url)("workerd");

// One text, run in both places.
const check = `(createInstance, module) => {
  const same = (a, b) => { if (a !== b) throw new Error(JSON.stringify(a) + " is not " + JSON.stringify(b)); };
  const a = createInstance(module), b = createInstance(module);
  same(a.exports.keep("first"), 1);
  same(a.exports.keep("zweite ☃"), 2);
  same(b.exports.kept(), "");
  same(a.memory === b.memory, false);
  let trapped = false;
  try { a.exports.trap(); } catch { trapped = true; }
  same(trapped, true);
  same(b.exports.keep("still here"), 1);
  same(b.exports.kept(), "still here");
  // Growth detaches every view of the old memory: the glue must look again.
  for (let i = 0; i < 200; i++) b.exports.keep("x".repeat(10_000));
  same(b.exports.kept().length, 10 + 200 * 10_001);
  const c = createInstance(module);
  same(c.exports.kept(), "");
  return "ok";
}`;

async function inNode() {
  const { createInstance, createInstanceAsync } = await import(pathToFileURL(join(built, "glue.js")));
  const module = new WebAssembly.Module(readFileSync(join(built, "simsim.wasm")));
  assert.equal(eval(check)(createInstance, module), "ok");
  const { exports } = await createInstanceAsync(module);
  assert.equal(exports.keep("async"), 1);
}

async function inWorkerd(date) {
  const folder = mkdtempSync(join(tmpdir(), "simsim-workerd-"));
  try {
    const worker = `import { createInstance } from "./glue.js"; import module from "./simsim.wasm";
      export default { async fetch() { try { return new Response((${check})(createInstance, module)); } catch (e) { return new Response(String(e.stack)); } } };`;
    writeFileSync(join(folder, "worker.js"), worker);
    for (const file of ["glue.js", "simsim.wasm"]) writeFileSync(join(folder, file), readFileSync(join(built, file)));
    writeFileSync(join(folder, "config.capnp"), `using Workerd = import "/workerd/workerd.capnp";
      const config :Workerd.Config = (
        services = [(name = "main", worker = (compatibilityDate = "${date}", modules = [
          (name = "worker.js", esModule = embed "worker.js"),
          (name = "glue.js", esModule = embed "glue.js"),
          (name = "simsim.wasm", wasm = embed "simsim.wasm")]))],
        sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]);`);
    const child = spawn(workerd, ["serve", "config.capnp", "--control-fd=3"], { cwd: folder, stdio: ["ignore", "inherit", "inherit", "pipe"] });
    try {
      const port = await new Promise((resolve, reject) => {
        child.on("error", reject).on("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
        let said = "";
        child.stdio[3].on("data", (chunk) => {
          const heard = /"event":"listen".*"port":(\d+)/.exec((said += chunk));
          if (heard) resolve(heard[1]);
        });
      });
      const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(20_000) });
      assert.equal(await answer.text(), "ok");
    } finally {
      child.removeAllListeners("exit");
      child.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await inNode();
console.log("node: ok");
for (const date of ["2023-03-01", "2024-06-01", "2026-10-01"]) {
  await inWorkerd(date);
  console.log(`workerd ${date}: ok`);
}
