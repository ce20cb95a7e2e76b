// What a runtime does for the suite, the same in every runtime.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** Remembers the memory of every instance, so that a case can break it: the artefact has no export for that. */
export const memories = [];
const Instance = WebAssembly.Instance;
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given);
    memories.push(this.exports.memory);
  }
};

const shown = async (read) => {
  try {
    const secret = await read;
    return { text: secret.text(), stale: secret.stale };
  } catch (error) {
    return { code: error.code ?? String(error), serviceCode: error.serviceCode };
  }
};

/** Handles the suite's questions with clients of `SecretClient`; `options` are the client's. */
export function world(SecretClient, options) {
  let client = new SecretClient(options);
  const finished = {};
  return async function ask(path, params, waitUntil) {
    switch (path) {
      case "fresh":
        client = new SecretClient(options);
        return {};
      case "read": {
        const reads = Array.from({ length: Number(params.times ?? 1) }, () => shown(client.getSecret(params.name, { waitUntil })));
        const results = await Promise.all(reads);
        finished[params.name] = (finished[params.name] ?? 0) + results.length;
        return { results };
      }
      case "finished":
        return { finished: finished[params.name] };
      case "refresh":
        return { results: [await shown(client.refresh(params.name))] };
      case "wipe": {
        for (const memory of memories) new Uint8Array(memory.buffer).fill(0xff);
        return { wiped: memories.splice(0).length };
      }
      case "names": {
        let asked = 0;
        const credentials = async () => {
          asked += 1;
          await new Promise((done) => setTimeout(done, 20));
          return { ...options.credentials, expiration: Date.now() + 3_600_000 };
        };
        const own = new SecretClient({ ...options, credentials });
        const results = await Promise.all(params.names.split(",").map((name) => shown(own.getSecret(name))));
        return { asked, failed: results.filter((r) => r.code) };
      }
      default:
        throw new Error(`unknown question ${path}`);
    }
  };
}
