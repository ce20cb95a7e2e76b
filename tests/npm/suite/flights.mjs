// Many readers of one secret: one call, whoever of them goes away.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";

const CONTEXTS = 50;

export function flights({ kms, ask, secret, many, until, pause, note, cancels }) {
  const all = (answers) => answers.flatMap((a) => a.results);
  const welcome = (answers) => {
    for (const answer of answers) assert.equal(answer.text, "needle-value", JSON.stringify(answer));
  };
  const cases = {
    async "200 cold reads from 50 contexts make at most two calls"() {
      const name = await secret();
      await kms.fault(name, "slowHeaders", { delayMs: 150 });
      const answers = all(await many(CONTEXTS, () => ask("read", { name, times: 200 / CONTEXTS })));
      assert.equal(answers.length, 200);
      welcome(answers);
      const calls = await kms.reads(name);
      note(`${calls} KMS call(s) for 200 reads from ${CONTEXTS} contexts`);
      assert.ok(calls <= 2, `${calls} calls`);
    },

    async "a caller's abort ends its read at once, and no other"() {
      const name = await secret();
      await kms.fault(name, "slowHeaders", { delayMs: 150 });
      // A busy machine may be slow once.
      let best = Infinity;
      for (let tries = 0; tries < 3 && best > 10; tries++) {
        const { leader, afterMs, results } = await ask("aborted", { name, ms: 50, followers: 8 });
        assert.equal(leader.code, "ERR_SIMSIM_CANCELLED");
        welcome(results);
        assert.ok((await kms.reads(name)) <= 2);
        best = Math.min(best, afterMs);
        await kms.call("reset-log", {});
        await ask("fresh");
      }
      assert.ok(best <= 10, `${best} ms after the abort`);
    },

    async "a leader that hangs for ever is replaced when its lease ends"() {
      const name = await secret("needle-value", { retry: { attemptTimeoutMs: 1000 } });
      await kms.fault(name, "hang", { times: 1 });
      await ask("freeze", { name, ms: 100 });
      await until(async () => (await kms.reads(name)) === 1);
      const began = performance.now();
      welcome(all(await many(20, () => ask("read", { name, times: 4 }))));
      const took = Math.round(performance.now() - began);
      note(`80 followers of a leader that hangs: answered after ${took} ms`);
      assert.ok(took < 4000, `${took} ms`);
      assert.equal(await kms.reads(name), 2, "one follower took over");
    },

    async "an upstream that hangs is asked again, within the reader's time"() {
      const name = await secret("needle-value", { retry: { attemptTimeoutMs: 1000 } });
      await kms.fault(name, "hang", { times: 1 });
      welcome((await ask("read", { name, times: 5 })).results);
      assert.equal(await kms.reads(name), 2);
    },

    async "a hundred cold names at once ask the credentials callback once"() {
      const names = await many(100, (i) => `flights/${i}`);
      await Promise.all(names.map((name) => kms.put(name, "needle-value")));
      const { asked, failed } = await ask("names", { names });
      assert.deepEqual(failed, []);
      assert.equal(asked, 1);
    },
  };
  if (!cancels) return cases;
  return {
    ...cases,
    async "the leader's request is dropped in mid-flight: everyone else is answered"() {
      const name = await secret();
      await kms.fault(name, "slowHeaders", { delayMs: 400, times: 1 });
      const leader = cancels("read", { name });
      await until(async () => (await kms.reads(name)) === 1);
      const followers = many(CONTEXTS - 1, () => ask("read", { name, times: 4 }));
      await pause(100);
      leader.end();
      const answers = all(await followers);
      welcome(answers);
      assert.equal(await kms.reads(name), 2, "a follower took over");
      const { finished } = await ask("finished", { name });
      assert.equal(finished, answers.length, "the leader's read never came to its end");
    },
  };
}
