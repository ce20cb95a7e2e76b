// The cases that hold wherever the wasm runs; a runner brings the runtime.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";

/**
 * `ask(path, params, init)` has the runtime do something in a request of its own and answers its JSON:
 * - `read {name, times}` reads a secret so often at once;
 * - `refresh {name}`; `wipe {}` overwrites the memory of the client's instance with 0xFF.
 * - `finished {name}` tells how many reads of a secret have come to their end.
 * `fresh()` gives the runtime a client that has cached nothing. `cancels`: the end of a connection ends its request
 * where it stands, without running another line of it.
 */
export function suite({ kms, ask, fresh, contexts, label = "case", cancels = false }) {
  let serial = 0;
  const secret = async (value = "needle-value") => {
    const name = `${label}/${++serial}`;
    await kms.put(name, value);
    await fresh();
    return name;
  };
  const many = (count, work) => Promise.all(Array.from({ length: count }, (_, i) => work(i)));
  const all = (answers) => answers.flatMap((a) => a.results);

  return {
    async "a secret is read once and then answered from the cache"() {
      const name = await secret();
      assert.deepEqual((await ask("read", { name })).results, [{ text: "needle-value", stale: false }]);
      assert.deepEqual((await ask("read", { name })).results, [{ text: "needle-value", stale: false }]);
      assert.equal(await kms.reads(name), 1);
    },

    async "200 cold reads from 50 contexts make at most two calls"() {
      const name = await secret();
      await kms.call("fault", { kind: "slowHeaders", delayMs: 300, secret: name });
      const answers = all(await many(contexts, () => ask("read", { name, times: 200 / contexts })));
      await kms.call("clear-faults", {});
      assert.equal(answers.length, 200);
      for (const answer of answers) assert.equal(answer.text, "needle-value");
      const calls = await kms.reads(name);
      console.log(`     ${calls} KMS call(s) for ${answers.length} reads from ${contexts} contexts`);
      assert.ok(calls <= 2, `${calls} calls`);
    },

    async "the leader's request is aborted in mid-flight: everyone else is answered"() {
      const name = await secret();
      await kms.call("fault", { kind: "slowHeaders", delayMs: 400, secret: name });
      const abort = new AbortController();
      const leader = ask("read", { name }, { signal: abort.signal }).catch(() => "aborted");
      while ((await kms.reads(name)) === 0) await new Promise((r) => setTimeout(r, 5));
      const followers = many(contexts - 1, () => ask("read", { name, times: 4 }));
      await new Promise((r) => setTimeout(r, 100));
      abort.abort();
      assert.equal(await leader, "aborted");
      const answers = all(await followers);
      await kms.call("clear-faults", {});
      for (const answer of answers) assert.equal(answer.text, "needle-value", JSON.stringify(answer));
      const calls = await kms.reads(name);
      console.log(`     ${calls} KMS call(s) for ${answers.length} reads with the leader aborted`);
      assert.ok(calls <= 2, `${calls} calls`);
      if (cancels) {
        const { finished } = await ask("finished", { name });
        assert.equal(finished, answers.length, "the leader's read never came to its end");
        assert.equal(calls, 2, "a follower took over");
      }
    },

    async "memory overwritten with 0xFF in mid-flight: bystanders are answered, and the next read"() {
      const name = await secret();
      await kms.call("fault", { kind: "slowHeaders", delayMs: 300, secret: name });
      const bystanders = many(20, () => ask("read", { name }));
      while ((await kms.reads(name)) === 0) await new Promise((r) => setTimeout(r, 5));
      const { wiped } = await ask("wipe", {});
      assert.ok(wiped >= 1, "some memory was overwritten");
      for (const answer of all(await bystanders)) assert.equal(answer.text, "needle-value", JSON.stringify(answer));
      await kms.call("clear-faults", {});
      assert.equal((await ask("read", { name })).results[0].text, "needle-value");
    },

    async "a rotation is seen by a refresh"() {
      const name = await secret("before");
      await ask("read", { name });
      await kms.call("rotate", { name, value: "after" });
      assert.equal((await ask("refresh", { name })).results[0].text, "after");
      assert.equal((await ask("read", { name })).results[0].text, "after");
    },

    async "a throttle is survived, an outage answers with a typed error"() {
      const name = await secret();
      await kms.call("fault", { kind: "throttle", times: 2, secret: name });
      assert.equal((await ask("read", { name })).results[0].text, "needle-value");
      assert.equal(await kms.reads(name), 3);
      const other = await secret();
      await kms.call("fault", { kind: "reset", secret: other });
      assert.equal((await ask("read", { name: other })).results[0].code, "ERR_SIMSIM_TRANSPORT");
      await kms.call("clear-faults", {});
    },

    async "a missing secret and a denied one are errors with the service's code"() {
      await fresh();
      const [missing] = (await ask("read", { name: "not/there" })).results;
      assert.deepEqual(missing, { code: "ERR_SIMSIM_NOT_FOUND", serviceCode: "Forbidden.ResourceNotFound" });
      const name = await secret();
      await kms.call("deny", { name });
      const [denied] = (await ask("read", { name })).results;
      assert.deepEqual(denied, { code: "ERR_SIMSIM_PERMISSION_DENIED", serviceCode: "Forbidden.NoPermission" });
    },

    async "a hundred cold names at once ask the credentials callback once"() {
      const names = await many(100, () => secret());
      const { asked, failed } = await ask("names", { names: names.join(",") });
      assert.deepEqual(failed, []);
      assert.equal(asked, 1);
    },
  };
}
