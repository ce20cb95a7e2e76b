// Time: refreshes behind the answer, with and without waitUntil, and a wall clock that is set.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";

const MINUTE = 60_000;

export function clocks({ kms, ask, secret, until, behind: lone, imports }) {
  /**
   * Reads a secret, rotates it, and sets the clock on until its ttl (10 min ± 10 %) is over by less than the window in
   * which the old value may be answered. Tells what the read answered that noticed.
   */
  async function aged({ client, call }) {
    const name = await secret("needle-before", { behind: client });
    try {
      await ask("read", { name, behind: call });
      await kms.call("rotate", { name, value: "needle-after" });
      for (let offsetMs = 9 * MINUTE; offsetMs <= 12 * MINUTE; offsetMs += MINUTE / 2) {
        await ask("clock", { offsetMs });
        const { results, behind } = await ask("read", { name, behind: call });
        const done = async () => (await kms.reads(name)) === 2;
        // A read that has begun a refresh has handed it over before its answer; elsewhere the call shows it.
        if (!behind && results[0].text === "needle-before" && !(await soon(done))) continue;
        await until(done);
        // Asked is not answered yet.
        let last;
        await until(async () => (([last] = (await ask("read", { name })).results), last.text !== "needle-before"), 2000).catch(() => {});
        return { name, first: results[0], behind, last };
      }
      throw new Error("no read noticed that the value had aged");
    } finally {
      await ask("clock", {});
    }
  }
  const soon = (what) => until(what, 300).then(() => true, () => false);

  const after = async ({ client, call }, handed) => {
    const { first, behind, last } = await aged({ client, call });
    assert.deepEqual(first, { text: "needle-before", stale: false }, "answered at once");
    assert.equal(behind > 0, handed, `${behind} promises went to waitUntil`);
    assert.deepEqual(last, { text: "needle-after", stale: false }, "refreshed behind");
  };

  const withImport = {
    async "a value past its ttl is answered and refreshed behind, with the waitUntil that the runtime exports"() {
      const { first, last } = await aged({ client: "imported" });
      assert.deepEqual([first.text, last.text], ["needle-before", "needle-after"]);
    },
  };
  return {
    ...(imports && withImport),
    "a value past its ttl is answered and refreshed behind, with the client's waitUntil": () => after({ client: "client" }, true),
    "a value past its ttl is answered and refreshed behind, with the call's waitUntil": () => after({ call: "call" }, true),
    async "without a waitUntil no refresh is lost"() {
      if (lone === "behind") return after({}, false);
      const { first, last } = await aged({});
      assert.deepEqual([first.text, last.text], ["needle-after", "needle-after"], "the read waited for it");
    },

    async "a clock that is set on or back by an hour makes a value old, and hangs nobody"() {
      try {
        for (const offsetMs of [60 * MINUTE, -60 * MINUTE]) {
          const name = await secret("needle-before");
          await ask("read", { name });
          await kms.call("rotate", { name, value: "needle-after" });
          await ask("clock", { offsetMs });
          const began = performance.now();
          const [first] = (await ask("read", { name })).results;
          assert.deepEqual(first, { text: "needle-after", stale: false }, `${offsetMs / MINUTE} minutes`);
          // The first request told the time anew; a cold read needs no correction any more.
          await ask("fresh");
          assert.equal((await ask("read", { name })).results[0].text, "needle-after");
          assert.ok(performance.now() - began < 10_000);
          await ask("clock", {});
        }
      } finally {
        await ask("clock", {});
      }
    },

    async "an age is what the monotonic clock says where the wall clock says less"() {
      const name = await secret("needle-before");
      await ask("read", { name });
      await kms.call("rotate", { name, value: "needle-after" });
      // As after an hour in which nobody read, before which the wall clock was set back by an hour.
      await ask("clock", { monotonicMs: 60 * MINUTE });
      try {
        const [{ text, code }] = (await ask("read", { name })).results;
        assert.equal(text, "needle-after", code);
      } finally {
        await ask("clock", {});
      }
    },

    async "thirty cold names at once are read although the clock is off by an hour"() {
      const names = Array.from({ length: 30 }, (_, i) => `clocks/${i}`);
      await Promise.all(names.map((name) => kms.put(name, "needle-value")));
      for (const offsetMs of [60 * MINUTE, -60 * MINUTE]) {
        await ask("fresh");
        await ask("clock", { offsetMs });
        try {
          const answers = (await Promise.all(names.map((name) => ask("read", { name })))).flatMap((a) => a.results);
          assert.deepEqual(answers.filter(({ text }) => text !== "needle-value"), []);
        } finally {
          await ask("clock", {});
        }
      }
    },

    async "a clock that is set in the middle of a read hangs nobody"() {
      for (const offsetMs of [60 * MINUTE, -60 * MINUTE]) {
        const name = await secret();
        await kms.fault(name, "slowHeaders", { delayMs: 150, times: 1 });
        const began = performance.now();
        const reads = [1, 2, 3].map(() => ask("read", { name }));
        await until(async () => (await kms.reads(name)) === 1);
        await ask("clock", { offsetMs });
        try {
          for (const { results } of await Promise.all(reads)) assert.equal(results[0].text, "needle-value", JSON.stringify(results));
          assert.ok(performance.now() - began < 10_000);
        } finally {
          await ask("clock", {});
        }
      }
    },
  };
}
