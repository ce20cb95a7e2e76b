//! The example worker in Rust (feature js) in real workerd, against the emulator.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { runCases } from "./harness/cases.mjs";
import { session, startKms } from "./harness/emulator.mjs";
import { emptied, root, target } from "./harness/places.mjs";
import { newest, serveWorkerd } from "./harness/serve-workerd.mjs";

const folder = emptied("rust-worker");
cpSync(join(root, "examples/rust-worker/worker.js"), join(folder, "worker.js"));
for (const part of ["rust-worker_bg.js", "rust-worker_bg.wasm"]) cpSync(join(target, "wasm/rust-worker", part), join(folder, part));
writeFileSync(
  join(folder, "polluted.js"),
  'Object.prototype.ALIBABA_CLOUD_KMS_ENDPOINT = "http://127.0.0.1:9";\nexport { default } from "./worker.js";\n',
);

// The worker with a fetch in the place of the runtime's, and what the two said to each other behind its answer.
writeFileSync(
  join(folder, "own-fetch.js"),
  `import worker from "./worker.js";
let kind, signals, redirects, pulled;
globalThis.fetch = async (url, { redirect, signal }) => {
  redirects.push(redirect);
  signals.push(signal);
  if (kind === "hang") return new Promise(() => {});
  const chunk = new Uint8Array(65536);
  const pull = (controller) => ((pulled += 1), controller.enqueue(chunk));
  const answer = new Response(new ReadableStream({ pull }));
  return kind === "redirected" ? Object.defineProperty(answer, "redirected", { value: true }) : answer;
};
export default {
  async fetch(request, env) {
    kind = request.headers.get("x-password");
    [signals, redirects, pulled] = [[], [], 0];
    const text = await (await worker.fetch(request, env)).text();
    return Response.json({ text, redirects, pulled, aborted: signals.map((signal) => signal.aborted) });
  },
};
`);

const DOOR = "needle-open-sesame";
const kms = await startKms("rust-worker");
const env = {
  ALIBABA_CLOUD_ACCESS_KEY_ID: session.accessKeyId,
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: session.accessKeySecret,
  ALIBABA_CLOUD_SECURITY_TOKEN: session.securityToken,
  ALIBABA_CLOUD_REGION_ID: "cn-hangzhou",
  ALIBABA_CLOUD_KMS_ENDPOINT: kms.url,
};

/** Starts a worker with a cold cache, hands `test` a way to knock, and ends it. */
async function withWorker({ date = newest, main = "worker.js", change = {} }, test) {
  const scripts = [main, ...["worker.js", "rust-worker_bg.js"].filter((name) => name !== main)];
  const modules = [
    ...scripts.map((name) => ({ name, kind: "esModule", path: join(folder, name) })),
    { name: "rust-worker_bg.wasm", kind: "wasm", path: join(folder, "rust-worker_bg.wasm") },
  ];
  const bindings = Object.fromEntries(Object.entries({ ...env, ...change }).filter(([, value]) => value !== undefined));
  const { port, output, stop } = await serveWorkerd(folder, modules, { date, bindings });
  const knock = async (password) => {
    const init = { headers: { "x-password": password }, signal: AbortSignal.timeout(20_000) };
    const answer = await fetch(`http://127.0.0.1:${port}/`, init);
    return { status: answer.status, text: shown(await answer.text()) };
  };
  try {
    await test(knock, port);
  } finally {
    stop();
    shown(output());
  }
}

/** A text that somebody sees, if it holds no secret. */
function shown(text) {
  assert.ok(!/needle/.test(text), `a secret is shown: ${text}`);
  return text;
}

/** The secret as it is at first, no faults, an empty log. */
async function reset(more = {}) {
  for (const call of ["clear-faults", "reset-log"]) await kms.call(call, {});
  await kms.call("allow", { name: "app/door" });
  await kms.call("secret", { name: "app/door", value: DOOR, ...more });
}
const reads = () => kms.reads("app/door");

const cases = {};
for (const date of ["2023-03-01", "2024-06-01", newest]) {
  cases[`${date}: 200 cold requests are answered right, with one call or two`] = async () => {
    await reset();
    await withWorker({ date }, async (knock) => {
      const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => knock(i % 2 ? DOOR : "wrong")));
      assert.deepEqual(answers.map((a) => a.status), Array.from({ length: 200 }, (_, i) => (i % 2 ? 200 : 403)));
      const calls = await reads();
      assert.ok(calls >= 1 && calls <= 2, `${calls} calls`);
    });
  };
}

const faults = [
  [{ kind: "redirect", location: "https://elsewhere.example/" }, /redirect/],
  [{ kind: "oversized" }, /larger than allowed/],
  [{ kind: "truncated" }, /the answer was cut off/],
  [{ kind: "reset" }, /no connection/],
  [{ kind: "status", status: 403, code: "Forbidden.NoPermission" }, /Forbidden.NoPermission/],
];
for (const [fault, expected] of faults) {
  cases[`a fault says what it is: ${fault.kind}`] = async () => {
    await reset();
    await kms.call("fault", fault);
    await withWorker({}, async (knock) => {
      const { status, text } = await knock(DOOR);
      assert.equal(status, 503);
      assert.match(text, expected);
    });
  };
}

await runCases(
  "rust-worker",
  {
    ...cases,

    async "a request that hangs is given up, and sent again"() {
      await reset();
      await kms.call("fault", { kind: "hang", times: 1 });
      await withWorker({}, async (knock) => assert.equal((await knock(DOOR)).status, 200));
      assert.equal(await reads(), 2);
    },

    async "readers get their answer when the leader's request is broken off"() {
      await reset();
      await kms.call("fault", { kind: "slowHeaders", delayMs: 1000, times: 1 });
      await withWorker({}, async (knock, port) => {
        const leader = connect(port, "127.0.0.1", () => leader.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
        while ((await reads()) === 0) await new Promise((done) => setTimeout(done, 5));
        const followers = Array.from({ length: 20 }, () => knock(DOOR));
        leader.resetAndDestroy();
        for (const { status, text } of await Promise.all(followers)) assert.equal(status, 200, text);
        assert.ok((await reads()) <= 2);
      });
    },

    async "a refresh goes on behind the answer"() {
      // The value is fresh until its rotation; from then on it is answered while a refresh runs behind.
      const rotation = new Date(Math.ceil(Date.now() / 1000 + 1) * 1000);
      const nextRotation = rotation.toISOString().replace(".000Z", "Z");
      await reset({ type: "Rds", rotationInterval: "604800s", nextRotation });
      await withWorker({}, async (knock) => {
        assert.equal((await knock(DOOR)).status, 200);
        await kms.call("rotate", { name: "app/door", value: "the new one" });
        await kms.call("fault", { kind: "slowHeaders", delayMs: 2000 });
        let slowest = 0;
        for (const end = Date.now() + 20_000; ; ) {
          assert.ok(Date.now() < end, "no refresh came");
          const start = performance.now();
          const { status } = await knock("the new one");
          slowest = Math.max(slowest, performance.now() - start);
          if (status === 200) break;
          assert.equal(status, 403);
          await new Promise((done) => setTimeout(done, 20));
        }
        assert.ok(slowest < 1500, `a read waited ${slowest} ms for the refresh`);
        assert.equal(await reads(), 2);
      });
    },

    async "a body is read up to its bound, a redirected answer not at all, and what is given up is aborted"() {
      const about = {};
      for (const kind of ["endless", "redirected", "hang"]) {
        // A worker each: failures are remembered.
        await withWorker({ main: "own-fetch.js" }, async (knock) => (about[kind] = JSON.parse((await knock(kind)).text)));
      }
      const { endless, redirected, hang } = about;
      assert.match(endless.text, /larger than allowed/);
      assert.ok(endless.pulled >= 16 && endless.pulled < 24, `${endless.pulled} chunks of 64 KiB were read`);
      assert.deepEqual([endless.redirects, endless.aborted], [["manual"], [true]]);
      assert.match(redirected.text, /was redirected/);
      assert.deepEqual(redirected.aborted, [true]);
      assert.match(hang.text, /time/);
      assert.ok(hang.aborted.length > 1 && hang.aborted.every(Boolean), JSON.stringify(hang));
    },

    async "a wrong key is refused without a word of it"() {
      await reset();
      await withWorker({ change: { ALIBABA_CLOUD_ACCESS_KEY_SECRET: "needle-wrong" } }, async (knock) => {
        const { status, text } = await knock(DOOR);
        assert.equal(status, 503);
        assert.match(text, /SignatureDoesNotMatch/);
      });
    },

    async "what is wrong with env is said by its name"() {
      await reset();
      for (const [name, value] of [
        ["ALIBABA_CLOUD_ACCESS_KEY_SECRET", undefined],
        ["ALIBABA_CLOUD_REGION_ID", 5],
        ["ALIBABA_CLOUD_ACCESS_KEY_ID", { needle: "needle" }],
        ["ALIBABA_CLOUD_KMS_ENDPOINT", "http://needle.example"],
      ]) {
        await withWorker({ change: { [name]: value } }, async (knock) => {
          const { status, text } = await knock(DOOR);
          assert.equal(status, 500, text);
          assert.ok(text.includes(name), text);
        });
      }
      assert.equal(await reads(), 0);
    },

    async "a polluted prototype sets no endpoint"() {
      await reset();
      const change = { ALIBABA_CLOUD_KMS_ENDPOINT: undefined, ALIBABA_CLOUD_REGION_ID: undefined };
      await withWorker({ main: "polluted.js", change }, async (knock) => {
        const { status, text } = await knock(DOOR);
        assert.equal(status, 500, text);
        assert.match(text, /region/);
      });
    },
  },
  () => kms.stop(),
);
