// Reads when all is well: the cache, rotations, accounts, and what can be seen of a secret.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";

export const reading = ({ kms, ask, secret }) => ({
  async "a secret is read once and then answered from the cache"() {
    const name = await secret();
    for (let i = 0; i < 3; i++) {
      assert.deepEqual((await ask("read", { name })).results, [{ text: "needle-value", stale: false }]);
    }
    assert.equal(await kms.reads(name), 1);
  },

  async "a rotation is seen by a refresh, and after an invalidation"() {
    const name = await secret("needle-1");
    const read = async (path = "read") => (await ask(path, { name })).results[0].text;
    assert.equal(await read(), "needle-1");
    await kms.call("rotate", { name, value: "needle-2" });
    assert.equal(await read("refresh"), "needle-2");
    assert.equal(await read(), "needle-2");
    await kms.call("rotate", { name, value: "needle-3" });
    assert.equal(await read(), "needle-2");
    await ask("invalidate", { name });
    assert.equal(await read(), "needle-3");
    assert.equal(await kms.reads(name), 3);
  },

  async "a closed client says so, with a remedy"() {
    const name = await secret();
    await ask("read", { name });
    await ask("close");
    assert.equal((await ask("read", { name })).results[0].code, "ERR_SIMSIM_CLOSED");
    await ask("fresh");
  },

  async "a missing secret and a denied one are errors with the service's code"() {
    const name = await secret();
    const [missing] = (await ask("read", { name: "case/none" })).results;
    assert.deepEqual(missing, { code: "ERR_SIMSIM_NOT_FOUND", serviceCode: "Forbidden.ResourceNotFound" });
    await kms.call("deny", { name });
    const [denied] = (await ask("read", { name })).results;
    assert.deepEqual(denied, { code: "ERR_SIMSIM_PERMISSION_DENIED", serviceCode: "Forbidden.NoPermission" });
  },

  async "two clients with different principals share nothing that one of them may not see"() {
    const name = await secret("needle-ours", { more: { account: "1234567890123456" } });
    const { ours, theirs, derived, again } = await ask("principals", { name });
    assert.equal(ours.text, "needle-ours");
    assert.equal(theirs.code, "ERR_SIMSIM_NOT_FOUND");
    assert.equal(derived.code, "ERR_SIMSIM_NOT_FOUND", "forPrincipal() shares no entry");
    assert.equal(again.text, "needle-ours");
    assert.equal(await kms.reads(name), 3);
  },

  async "what one principal has read is not answered once a provider gives another's session"() {
    const [first, second] = [await secret("needle-first"), await secret()];
    await kms.put(first, "needle-first");
    const { results } = await ask("promoted", { names: [first, first, second, first] });
    assert.deepEqual(results.map(({ text }) => text), ["needle-first", "needle-first", "needle-value", "needle-first"]);
    assert.equal(await kms.reads(first), 2, "once for each principal");
  },

  async "nothing prints a value or a key: not the secret, the error, nor the client"() {
    const name = await secret("needle-in-a-haystack");
    const other = await secret();
    await kms.put(name, "needle-in-a-haystack");
    await kms.call("deny", { name: other });
    const seen = await ask("printed", { name, other });
    assert.equal(seen.text, "needle-in-a-haystack");
    assert.deepEqual(seen.error, { ours: true, code: "ERR_SIMSIM_PERMISSION_DENIED" });
    assert.ok(seen.texts.length > 30, `${seen.texts.length} texts`);
    assert.equal(seen.texts.filter((text) => text?.includes("needle")).join("\n"), "");
    // As numbers, bytes would be no less legible.
    const bytes = [...new TextEncoder().encode("needle")].join(",");
    const squeezed = seen.texts.map((text) => text?.replace(/"\d+":|\s/g, ""));
    assert.equal(squeezed.filter((text) => text?.includes(bytes)).join("\n"), "");
    for (const way of [seen.template, seen.sum]) assert.equal(way.name, "TypeError", JSON.stringify(way));
    assert.equal(seen.json.code, "ERR_SIMSIM_PROTOCOL");
    for (const way of [seen.template, seen.sum, seen.json]) assert.ok(!way.text.includes("needle"), way.text);
  },
});
