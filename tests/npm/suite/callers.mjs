// Callers' own code and options: callbacks that misbehave, prototypes that are polluted, fields that are wrong.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";

export function callers({ kms, ask, secret }) {
  const WELL = "answered";
  /** What a read ends with, by callback and by what it does. */
  const outcomes = {
    credentials: {
      reenters: WELL, throws: "CREDENTIALS_UNAVAILABLE", rejects: "CREDENTIALS_UNAVAILABLE",
      nonsense: "CREDENTIALS_UNAVAILABLE", never: "TIMEOUT",
    },
    fetch: { reenters: WELL, throws: "TRANSPORT", rejects: "TRANSPORT", nonsense: "TRANSPORT", never: "TIMEOUT" },
    onEvent: { reenters: WELL, throws: WELL, rejects: WELL, nonsense: WELL, never: WELL },
  };
  const cases = {};
  for (const [which, ways] of Object.entries(outcomes)) {
    cases[`a ${which} callback that re-enters, throws, rejects, answers nonsense or never settles`] = async () => {
      await kms.put("callers/other", "needle-value");
      await Promise.all(
        Object.entries(ways).map(async ([way, wanted]) => {
          const name = `callers/${which}-${way}`;
          await kms.put(name, "needle-value");
          const options = { timeoutMs: 700, retry: { maxAttempts: 2, attemptTimeoutMs: 300 } };
          const { first, tookMs, events } = await ask("callback", { which, way, name, options });
          if (wanted === WELL) assert.equal(first.text, "needle-value", `${way}: ${JSON.stringify(first)}`);
          else assert.equal(first.code, `ERR_SIMSIM_${wanted}`, way);
          assert.ok(tookMs < 2000, `${way}: ${tookMs} ms`);
          if (which === "onEvent") assert.ok(events.length > 0, `${way}: events came`);
        }),
      );
    };
  }
  return {
    ...cases,

    async "options planted in Object.prototype change nothing"() {
      const name = await secret();
      const { asked, code } = await ask("polluted", { name, endpoint: "http://127.0.0.1:9" });
      assert.deepEqual(asked, ["kms.cn-hangzhou.aliyuncs.com"]);
      assert.equal(code, "ERR_SIMSIM_TRANSPORT");
    },

    async "wrong options are typed errors that name the field, before anything is sent"() {
      await ask("fresh");
      await kms.call("reset-log", {});
      for (const [options, field] of [
        [{ regionId: "CN_bad" }, /region/i],
        [{ endpoint: "http://not-loopback.example" }, /endpoint/],
        [{ endpoint: "https://h.example/path" }, /endpoint/],
        [{ credentials: { accessKeyId: "", accessKeySecret: "needle" } }, /accessKeyId/i],
        [{ timeoutMs: 0 }, /timeout/],
        [{ timeOutMs: 5000 }, /timeOutMs/],
        [{ cache: { ttl: 5 } }, /ttl/],
      ]) {
        const { code, message, ours } = await ask("refused", { options });
        assert.equal(code, "ERR_SIMSIM_CONFIG", `${JSON.stringify(options)}: ${message}`);
        assert.match(message, field);
        assert.ok(ours && !message.includes("needle"), message);
      }
      const { code, message } = await ask("refused", { call: { versionID: "x" } });
      assert.equal(code, "ERR_SIMSIM_CONFIG", message);
      assert.match(message, /versionID/);
      assert.deepEqual((await kms.call("log")).calls, []);
    },
  };
}
