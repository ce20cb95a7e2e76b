// A KMS of its own for each runtime under test: the emulator as a program, behind a relay that can cut connections.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cargoProgram } from "./cargo.mjs";
import { target } from "./places.mjs";

/** A session of the emulator's own account, and a key of another one. Every value of theirs has the word needle in it. */
export const session = {
  accessKeyId: "STS.NTestTemporaryKeyId01",
  accessKeySecret: "needle-key-secret-0123456789",
  securityToken: "needle-token/with+plus==",
};
export const stranger = { accessKeyId: "LTAITestKeyOfAnother", accessKeySecret: "needle-other-secret-0123456789" };

function seeds() {
  const { accessKeyId: id, accessKeySecret: secret, securityToken: token } = session;
  const other = { id: stranger.accessKeyId, secret: stranger.accessKeySecret, account: "6543210987654321" };
  return JSON.stringify({ sessions: [{ id, secret, token }], accessKeys: [other], quotaPerSecond: 100_000 });
}

/** Forwards bytes both ways. What the emulator does to a connection (resets included) the client sees. */
function startRelay(port) {
  const open = new Set();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const pair = { near, far };
    open.add(pair);
    near.pipe(far);
    far.pipe(near);
    far.on("error", () => near.resetAndDestroy());
    near.on("error", () => far.resetAndDestroy());
    near.on("close", () => (open.delete(pair), far.destroy()));
  });
  /** Ends what is open: by FIN (`close`), by RST (`reset`), or by answering nothing any more (`silence`). */
  const cut = (how) => {
    for (const { near, far } of open) {
      if (how === "reset") near.resetAndDestroy();
      else if (how === "close") near.end();
      else near.unpipe(far).resume();
    }
    return open.size;
  };
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve({ port: server.address().port, cut, stop: () => (cut("reset"), server.close()) }));
  });
}

/** Starts an emulator; `call` steers it, `cut` breaks the connections that clients keep. */
export async function startKms(label = `own-${process.pid}`) {
  const seed = join(target, "npm-tests", `seed-${label.replace(/\W+/g, "-")}.json`);
  mkdirSync(join(target, "npm-tests"), { recursive: true });
  writeFileSync(seed, seeds());
  const child = spawn(cargoProgram("simsim-emulator", "simsim-emulator"), ["--port", "0", "--seed", seed], { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill());
  const direct = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /http:\/\/\S+/.exec(line);
      if (found) resolve(found[0]);
    });
    child.once("error", reject).once("exit", (code) => reject(new Error(`the emulator ended with ${code}`)));
  });
  const relay = await startRelay(Number(new URL(direct).port));
  const call = async (path, body) => {
    const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${direct}/_emulator/${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    url: `http://127.0.0.1:${relay.port}`,
    call,
    cut: relay.cut,
    put: (name, value, more) => call("secret", { name, value, ...more }),
    fault: (secret, kind, more) => call("fault", { kind, secret, ...more }),
    calm: () => call("clear-faults", {}),
    /** The reads of one secret that arrived, whatever became of them. */
    reads: async (name) => (await call("log")).calls.filter((c) => c.action === "GetSecretValue" && c.secret === name).length,
    stop: () => (relay.stop(), child.kill()),
  };
}
