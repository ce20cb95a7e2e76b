// A service and a network that fail, and memory that breaks: typed errors in time, and the next read is well.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { createServer } from "node:http";

export function faults({ kms, ask, secret, many, until, runtime }) {
  const read = async (name, more) => (await ask("read", { name, ...more })).results[0];
  const cases = {
    async "a throttle is survived, an outage answers with a typed error"() {
      const name = await secret();
      await kms.fault(name, "throttle", { times: 2 });
      assert.equal((await read(name)).text, "needle-value");
      assert.equal(await kms.reads(name), 3);
      const other = await secret("needle-value", { retry: { maxAttempts: 2 } });
      await kms.fault(other, "reset");
      assert.equal((await read(other)).code, "ERR_SIMSIM_TRANSPORT");
    },

    async "a redirect is not followed, whatever its status"() {
      let visits = 0;
      const trap = createServer((_, response) => (visits++, response.end("{}")));
      await new Promise((ready) => trap.listen(0, "127.0.0.1", ready));
      try {
        const name = await secret("needle-value", { retry: false });
        await kms.fault(name, "redirect", { location: `http://127.0.0.1:${trap.address().port}/`, times: 1 });
        const { text, code } = await read(name);
        assert.equal(text, undefined);
        assert.match(code, /^ERR_SIMSIM_(PROTOCOL|TRANSPORT)$/);
        assert.equal(visits, 0, "nobody went where the redirect pointed");
      } finally {
        trap.close();
      }
    },

    async "a body that stalls, ends early or never stops is an error in time, and passes"() {
      for (const [kind, more, codes] of [
        ["slowBody", { delayMs: 60_000 }, /TIMEOUT/],
        ["truncated", {}, /TRANSPORT|PROTOCOL/],
        ["oversized", {}, /PROTOCOL|TRANSPORT/],
        ["malformed", {}, /PROTOCOL/],
      ]) {
        const name = await secret("needle-value", { timeoutMs: 600, retry: { maxAttempts: 2, attemptTimeoutMs: 250 } });
        await kms.fault(name, kind, more);
        const began = performance.now();
        const { code } = await read(name);
        const took = performance.now() - began;
        assert.match(code ?? "answered", codes, kind);
        assert.ok(took < 1500, `${kind}: ${took} ms`);
        await kms.calm();
        await ask("fresh");
        assert.equal((await read(name)).text, "needle-value", `${kind}: the next read`);
      }
    },

    async "memory overwritten with 0xFF in the middle of 20 reads: all are answered, and the next"() {
      const name = await secret();
      const bystanders = await many(10, (i) => `faults/${i}`);
      await Promise.all(bystanders.map((one) => kms.put(one, "needle-value")));
      for (const one of [name, ...bystanders]) await kms.fault(one, "slowHeaders", { delayMs: 200 });
      const reads = [...bystanders.map((one) => read(one)), ...(await many(10, () => 0)).map(() => read(name))];
      await until(async () => (await kms.reads(name)) > 0 && (await kms.reads(bystanders.at(-1))) > 0);
      const { wiped } = await ask("wipe");
      assert.ok(wiped >= 1, "some memory was overwritten");
      for (const answer of await Promise.all(reads)) assert.equal(answer.text, "needle-value", JSON.stringify(answer));
      await kms.calm();
      assert.equal((await read(name)).text, "needle-value");
    },
  };
  if (!runtime.freeze) return cases;
  return {
    ...cases,
    async "a process that was frozen finds its kept connections dead, and reads"() {
      for (const how of ["close", "reset", "silence"]) {
        const name = await secret("needle-before", { retry: { attemptTimeoutMs: 300 } });
        await many(5, () => ask("read", { name }));
        runtime.freeze();
        const cut = kms.cut(how);
        runtime.thaw();
        assert.ok(cut > 0, "there were kept connections");
        assert.equal((await read(name)).text, "needle-before", `${how}: the cached value`);
        await kms.call("rotate", { name, value: "needle-after" });
        const { text, code } = (await ask("refresh", { name })).results[0];
        assert.equal(text, "needle-after", `${how}: ${code}`);
        // The next client starts with connections of its own.
        kms.cut("reset");
      }
    },
  };
}
