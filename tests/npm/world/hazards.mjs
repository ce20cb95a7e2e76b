// Questions that break something: memory, clocks, timers, prototypes, a read whose owner is gone.
// SPDX-License-Identifier: Apache-2.0 OR MIT

const now = Date.now.bind(Date);

const count = (memory, needle) => {
  const [bytes, wanted] = [new Uint8Array(memory.buffer), new TextEncoder().encode(needle)];
  let found = 0;
  for (let i = bytes.indexOf(wanted[0]); i >= 0; i = bytes.indexOf(wanted[0], i + 1)) {
    if (wanted.every((byte, k) => bytes[i + k] === byte)) found += 1;
  }
  return found;
};

export function hazards(at) {
  const wipe = () => {
    for (const memory of at.memories) new Uint8Array(memory.buffer).fill(0xff);
    // Forgotten, so that the collector can have them.
    return at.memories.splice(0).length;
  };
  return {
    /** Overwrites the memory of every instance in use with 0xFF. */
    wipe: async () => ({ wiped: wipe() }),
    /** Breaks the memory before each of so many reads. */
    async traps({ name, times }) {
      const answers = { texts: 0, wiped: 0, codes: [], slowestMs: 0 };
      for (let i = 0; i < times; i++) {
        answers.wiped += wipe();
        const began = now();
        const { text, code } = await at.shown(at.client.getSecret(name, { maxAgeMs: 0 }));
        answers.slowestMs = Math.max(answers.slowestMs, now() - began);
        if (code) answers.codes.push(code);
        else answers.texts += text.length > 0 ? 1 : 0;
      }
      return answers;
    },
    /** So many fetches of each name, all names at once, and what the instances hold afterwards. */
    async fetches({ names, times }) {
      let bytes = 0;
      const lane = async (name) => {
        for (let i = 0; i < times; i++) {
          const { length } = (await at.client.refresh(name)).bytes();
          bytes += length;
        }
      };
      await Promise.all(names.map(lane));
      return { bytes, instances: at.memories.length, memory: at.memories.map((m) => m.buffer.byteLength) };
    },
    /** Has the collector run, where the runtime was started so that it can be asked. */
    async collect() {
      const collect = globalThis.gc ?? (globalThis.Bun && (() => Bun.gc(true)));
      collect?.();
      await at.later(5);
      collect?.();
      return { collected: Boolean(collect) };
    },
    /** How often each text stands in the memory of the instances. */
    found: async ({ needles }) => ({
      instances: at.memories.length,
      found: needles.map((needle) => at.memories.reduce((sum, memory) => sum + count(memory, needle), 0)),
    }),
    /** The wall clock, so far from the true one from now on; what runs on `performance` stays. */
    async clock({ offsetMs }) {
      Date.now = () => now() + offsetMs;
      return {};
    },
    /** Starts a read that goes nowhere: its fetch never settles, its timers never fire, as in a request that is gone. */
    async freeze({ name, ms }) {
      const { setTimeout: real } = globalThis;
      const lost = at.client.getSecret(name);
      globalThis.setTimeout = () => 0;
      // The effects of a read start within these turns.
      for (let turn = 0; turn < 20; turn++) await null;
      globalThis.setTimeout = real;
      lost.catch(() => {});
      // Its fetch is on the way before this request ends: some runtimes end it with the request.
      await at.later(ms);
      return {};
    },
    /** A client made and used while the prototype of all objects has options in it. */
    async polluted({ name, endpoint }) {
      const asked = [];
      const fetch = async (url) => {
        asked.push(new URL(url).host);
        throw new TypeError("not sent");
      };
      const { endpoint: _, ...options } = at.options;
      const planted = { endpoint, network: "vpc", versionId: "planted", timeoutMs: 1, accessKeyId: "planted", securityToken: "planted" };
      Object.assign(Object.prototype, planted);
      try {
        const own = new at.SecretClient({ ...options, fetch, retry: false });
        const { code } = await at.shown(own.getSecret(name, {}));
        return { asked, code };
      } finally {
        for (const key of Object.keys(planted)) delete Object.prototype[key];
      }
    },
  };
}
