// What the JavaScript tests share: a real KMS emulator, where the package is, and a small runner.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");

/** A session of the emulator's, made up. */
export const session = {
  accessKeyId: "STS.NTestTemporaryKeyId01",
  accessKeySecret: "needle-key-secret-0123456789",
  securityToken: "needle-token/with+plus==",
};

/** Starts the emulator as a program; `call` steers it. */
export async function startKms() {
  const args = ["run", "--quiet", "--locked", "--package", "simsim-emulator", "--", "--port", "0", "--seed"];
  const seed = join(target, "npm-smoke-seed.json");
  mkdirSync(target, { recursive: true });
  const { accessKeyId: id, accessKeySecret: secret, securityToken: token } = session;
  writeFileSync(seed, JSON.stringify({ sessions: [{ id, secret, token }], quotaPerSecond: 100000 }));
  const child = spawn("cargo", [...args, seed], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const found = /http:\/\/\S+/.exec(line);
      if (found) resolve(found[0]);
    });
    child.once("exit", (code) => reject(new Error(`the emulator ended with ${code}`)));
  });
  const call = async (path, body) => {
    const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${url}/_emulator/${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    url,
    call,
    put: (name, value) => call("secret", { name, value }),
    /** The reads of one secret that arrived, whatever became of them. */
    reads: async (name) => (await call("log")).calls.filter((c) => c.action === "GetSecretValue" && c.secret === name).length,
    stop: () => child.kill(),
  };
}

/** The package as `cargo xtask npm` built it. */
export const pkg = join(root, "pkg");

/** Runs the cases one after another and ends the process with the outcome. */
export async function run(title, cases, cleanUp) {
  let unhandled = 0;
  process.on("unhandledRejection", (reason) => {
    unhandled += 1;
    console.error("unhandled rejection:", reason);
  });
  let [passed, failed] = [0, 0];
  for (const [name, test] of Object.entries(cases)) {
    try {
      await test();
      await new Promise((done) => setImmediate(done));
      if (unhandled) throw new Error("a rejection was not handled");
      passed += 1;
      console.log(`ok   ${title}: ${name}`);
    } catch (error) {
      failed += 1;
      unhandled = 0;
      console.log(`FAIL ${title}: ${name}\n`, error);
    }
  }
  await cleanUp?.();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}
