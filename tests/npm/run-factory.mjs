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
  const same = (a, b, why) => { if (a !== b) throw new Error(why + ": " + a + " is not " + b); };
  const traps = (f) => { try { f(); } catch { return true; } return false; };
  // Zeros are options, and a message that begins a read of nothing: bytes go in and come out.
  const answers = ({ exports }) => {
    exports.open(new Uint8Array(200));
    return exports.turn(new Uint8Array(200)).length > 0;
  };
  const a = createInstance(module), b = createInstance(module);
  same(a.memory === b.memory, false, "one memory");
  same(answers(a) && answers(b), true, "both answer");
  // Options that are cut off are a trap.
  same(traps(() => a.exports.open(new Uint8Array([255, 255, 255]))), true, "a traps");
  new Uint8Array(a.memory.buffer).fill(255);
  same(b.exports.abi(), createInstance(module).exports.abi(), "abi");
  same(answers(b), true, "b answers after a's end");
  // Growth detaches every view of the old memory: the glue must look again.
  b.memory.grow(1);
  same(answers(b), true, "b answers after growth");
  same(answers(createInstance(module)), true, "a fresh instance answers");
  return "ok";
}`;

async function inNode() {
  const { createInstance, createInstanceAsync } = await import(pathToFileURL(join(built, "glue.js")));
  const module = new WebAssembly.Module(readFileSync(join(built, "simsim.wasm")));
  assert.equal(eval(check)(createInstance, module), "ok");
  const { exports } = await createInstanceAsync(module);
  assert.equal(typeof exports.abi(), "number");
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
