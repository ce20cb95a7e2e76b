// Memory: what stands in it, what is left of it after close, and that it does not grow.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { session } from "../harness/emulator.mjs";

/** What a collector may leave standing for a while, in kilobytes. */
const SLACK = 48 * 1024;

/** By so much a wasm memory grows; where its allocator leaves holes depends on the order in which answers come. */
const PAGE = 65_536;

export function memory({ kms, ask, secret, note, runtime, traps, volume }) {
  const keys = [session.accessKeySecret, session.securityToken];
  const cases = {
    async "keys and value stand in memory once, not in freed buffers, and nowhere after close"() {
      const value = "needle-in-memory-4711";
      const name = await secret(value);
      await ask("read", { name });
      for (let i = 0; i < 10; i++) await ask("refresh", { name });
      assert.deepEqual(await ask("found", { needles: [value, ...keys] }), { instances: 1, found: [1, 1, 1] });
      await ask("close");
      assert.deepEqual(await ask("found", { needles: ["needle", value, ...keys] }), { instances: 1, found: [0, 0, 0, 0] });
      await ask("fresh");
    },
  };

  /** Kilobytes in the memory of the runtime's process, without what its collector would free. */
  const rss = async () => {
    const { collected } = await ask("collect");
    assert.ok(collected, "the runtime was started with a collector that can be asked");
    return runtime.rss?.();
  };
  const flat = async (what, before) => {
    if (before === undefined) return;
    const grown = (await rss()) - before;
    note(`${what}: ${(before / 1024).toFixed(0)} MiB, ${(grown / 1024).toFixed(1)} MiB more at the end`);
    assert.ok(grown < SLACK, `${what}: ${grown} KiB more than before`);
  };

  const brokenOften = {
    async "1,000 traps in a row: every read is answered, memory stays flat"() {
      const name = await secret();
      await ask("read", { name });
      let [before, slowest] = [undefined, 0];
      for (let round = 0; round < 10; round++) {
        if (round === 2) before = await rss();
        const { texts, wiped, codes, slowestMs } = await ask("traps", { name, times: 100 });
        assert.deepEqual({ texts, wiped, codes }, { texts: 100, wiped: 100, codes: [] });
        slowest = Math.max(slowest, slowestMs);
      }
      note(`slowest read after a trap: ${slowest} ms`);
      await flat("1,000 traps", before);
    },
  };
  const readOften = {
    async "3,000 reads of 30 kB: the instance and the process stay flat"() {
      const size = 30_000;
      await ask("fresh");
      // Refreshes of one name at the same time would be one.
      const names = Array.from({ length: 10 }, (_, i) => `memory/${i}`);
      await Promise.all(names.map((name) => kms.put(name, "needle".repeat(size / 6))));
      const first = await ask("fetches", { names, times: 120 });
      const before = await rss();
      const rest = await ask("fetches", { names, times: 180 });
      assert.equal(rest.bytes, 10 * 180 * size);
      assert.equal(await kms.reads(names[0]), 300);
      assert.deepEqual([first.instances, rest.instances], [1, 1]);
      const grown = rest.memory[0] - first.memory[0];
      assert.ok(grown <= 2 * PAGE, `the instance grew by ${grown} bytes`);
      await flat("3,000 reads of 30 kB", before);
      // The log of so many calls is read with every question about it.
      await kms.call("reset-log", {});
    },
  };
  return { ...cases, ...(traps && brokenOften), ...(volume && readOften) };
}
