//! The driver and the wasm in Node, against the emulator.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { pkg, run, session, startKms } from "./lib.mjs";
import { suite } from "./suite.mjs";
import { memories, world } from "./world.mjs";

const { SecretClient, SimsimError } = await import(`${pkg}/node.mjs`);
const kms = await startKms();
const options = { endpoint: kms.url, regionId: "cn-hangzhou", credentials: session };
const answer = world(SecretClient, options);
const ask = (path, params, { signal } = {}) =>
  new Promise((resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")));
    answer(path, params).then(resolve, reject);
  });

const found = (memory, needle) => Buffer.from(memory.buffer).includes(needle);

await run(
  "node",
  {
    ...suite({ kms, ask, fresh: () => ask("fresh", {}), contexts: 50 }),

    async "the needle is in the wasm's memory before close, and not after"() {
      await kms.put("canary", "needle-in-memory-4711");
      memories.length = 0;
      const client = new SecretClient(options);
      const secret = await client.getSecret("canary");
      assert.equal(secret.text(), "needle-in-memory-4711");
      assert.equal(memories.length, 1);
      for (const needle of ["needle-in-memory-4711", session.accessKeySecret, session.securityToken]) {
        assert.ok(found(memories[0], needle), `${needle} is in memory before close`);
      }
      client.close();
      for (const needle of ["needle", session.accessKeySecret, session.securityToken]) {
        assert.ok(!found(memories[0], needle), `${needle} is gone after close`);
      }
      await assert.rejects(client.getSecret("canary"), { code: "ERR_SIMSIM_CLOSED" });
    },

    async "the key and the token stand in memory once, not in freed buffers"() {
      memories.length = 0;
      const client = new SecretClient(options);
      for (let i = 0; i < 20; i++) await client.refresh("canary");
      const memory = Buffer.from(memories[0].buffer);
      const count = (needle) => memory.toString("latin1").split(needle).length - 1;
      // One copy each where they live; the signed headers, the requests and the glue's buffers are wiped.
      assert.deepEqual([count(session.accessKeySecret), count(session.securityToken)], [1, 1]);
      assert.equal(count("needle-in-memory-4711"), 1);
      client.close();
    },

    async "two clients share no memory, and a trap stays with its client"() {
      memories.length = 0;
      const [one, other] = [new SecretClient(options), new SecretClient(options)];
      await Promise.all([one.getSecret("canary"), other.getSecret("canary")]);
      assert.equal(memories.length, 2);
      const [broken, whole] = memories;
      new Uint8Array(broken.buffer).fill(0xff);
      assert.ok(found(whole, "needle-in-memory-4711"));
      assert.equal((await one.getSecret("canary")).text(), "needle-in-memory-4711");
      assert.equal((await other.getSecret("canary")).text(), "needle-in-memory-4711");
      assert.equal(memories.length, 3, "the broken instance was replaced, the other one goes on");
    },

    async "a secret and an error never print what they hold"() {
      const client = new SecretClient(options);
      const secret = await client.getSecret("canary");
      const error = await client.getSecret("not/there").catch((e) => e);
      assert.ok(error instanceof SimsimError);
      const printed = [
        inspect(secret, { depth: 9, showHidden: true }), JSON.stringify({ secret }), String(inspect({ secret })),
        inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), error.stack,
        inspect(client, { depth: 9, showHidden: true }), JSON.stringify(client),
      ].join("\n");
      assert.ok(!printed.includes("needle"), printed);
      assert.throws(() => `${secret}`, TypeError);
      assert.throws(() => secret + "", TypeError);
      assert.throws(() => secret.json(), (e) => e.code === "ERR_SIMSIM_PROTOCOL" && !e.stack.includes("needle"));
    },

    async "bad options are typed errors that name the field, before anything is sent"() {
      const before = (await kms.call("log")).calls.length;
      for (const [bad, field] of [
        [{ regionId: "CN_bad" }, "region"],
        [{ endpoint: "http://not-loopback.example" }, "endpoint"],
        [{ endpoint: "https://h.example/path" }, "endpoint"],
        [{ credentials: { accessKeyId: "", accessKeySecret: "x" } }, "AccessKeyId"],
        [{ timeoutMs: 0 }, "timeout"],
      ]) {
        const error = await new SecretClient({ ...options, ...bad }).getSecret("x").catch((e) => e);
        assert.equal(error.code, "ERR_SIMSIM_CONFIG", inspect(error));
        assert.ok(error.message.includes(field), error.message);
      }
      assert.equal((await kms.call("log")).calls.length, before);
    },

    async "the caller's abort ends a read, and only that one"() {
      await kms.put("abort", "needle");
      await kms.call("fault", { kind: "slowHeaders", delayMs: 300, secret: "abort" });
      const client = new SecretClient(options);
      const abort = new AbortController();
      const leader = client.getSecret("abort", { signal: abort.signal });
      const follower = client.getSecret("abort");
      setTimeout(() => abort.abort(), 50);
      await assert.rejects(leader, { code: "ERR_SIMSIM_CANCELLED" });
      assert.equal((await follower).text(), "needle");
      await kms.call("clear-faults", {});
    },
  },
  () => kms.stop(),
);
