// Several secrets at once, and one value used by many: how many calls that costs.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";

export function several({ kms, ask, secret }) {
  let groups = 0;
  const seed = async (count) => {
    await secret();
    const group = `group-${++groups}`;
    const names = Array.from({ length: count }, (_, i) => `${group}/${i}`);
    await Promise.all(names.map((name) => kms.put(name, `value of ${name}`)));
    return names;
  };
  /** Batch and single calls that asked for these names. */
  const calls = async ([name]) => {
    const group = `${name.split("/")[0]}/`;
    const asked = (await kms.call("log")).calls.filter((call) => call.secret?.includes(group));
    const of = (action) => asked.filter((call) => call.action === action).length;
    return { batches: of("BatchGetSecretValue"), singles: of("GetSecretValue") };
  };
  const all = (names) => names.map((name) => ({ name, text: `value of ${name}` }));

  return {
    async "forty-five secrets cost three calls, and none the second time"() {
      const names = await seed(45);
      const { first, again } = await ask("many", { names });
      assert.deepEqual(first, all(names));
      assert.deepEqual(again, all(names));
      assert.deepEqual(await calls(names), { batches: 3, singles: 0 });
    },

    async "where the action is unknown or not permitted secrets are read one by one, six at a time"() {
      for (const [status, code] of [[404, "InvalidAction.NotFound"], [403, "Forbidden.NoPermission"]]) {
        const names = await seed(20);
        await kms.call("fault", { kind: "status", status, code, action: "BatchGetSecretValue" });
        await kms.call("fault", { kind: "slowHeaders", delayMs: 20, action: "GetSecretValue" });
        const { first, most } = await ask("many", { names });
        await kms.call("clear-faults", {});
        assert.deepEqual(first, all(names));
        assert.deepEqual(await calls(names), { batches: 1, singles: 20 });
        assert.equal(most, 6);
      }
    },

    async "one bad name among several fails alone, and the object form lists it"() {
      const names = await seed(2);
      const missing = `${names[0]}/missing`;
      const { first } = await ask("many", { names: [missing, ...names] });
      assert.deepEqual(first, [{ name: missing, code: "ERR_SIMSIM_NOT_FOUND" }, ...all(names)]);
      const { texts } = await ask("object", { names: { a: names[0], b: names[1] } });
      assert.deepEqual(texts, { a: `value of ${names[0]}`, b: `value of ${names[1]}` });
      const failed = await ask("object", { names: { a: names[0], b: missing } });
      assert.equal(failed.code, "ERR_SIMSIM_NOT_FOUND");
      assert.deepEqual(failed.failures, [missing]);
      assert.ok(failed.message.includes(`${missing} (ERR_SIMSIM_NOT_FOUND)`), failed.message);
    },

    async "many who are refused with a rotated value share at most two fetches"() {
      const name = await secret("needle-old");
      await ask("read", { name });
      await kms.call("rotate", { name, value: "needle-new" });
      const { results } = await ask("used", { name, callers: 50, stale: "needle-old" });
      assert.deepEqual(results, Array(50).fill("needle-new"));
      const calls = await kms.reads(name);
      assert.ok(calls === 2 || calls === 3, `${calls} calls: one before the rotation`);
      const { results: hopeless } = await ask("used", { name, callers: 3, stale: "needle-new" });
      assert.deepEqual(hopeless, ["refused", "refused", "refused"]);
    },
  };
}
