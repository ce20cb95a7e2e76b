// Questions about reads: plain ones, refreshes behind the answer, and what comes back to whom.
// SPDX-License-Identifier: Apache-2.0 OR MIT

export function reading(at) {
  const finished = {};
  const handed = (promise) => {
    at.behind += 1;
    at.waitUntil?.(promise);
  };
  return {
    /** A client that has cached nothing; `behind` gives it a waitUntil: "client" this request's, "imported" the runtime's. */
    async fresh({ options, behind }) {
      const own = { client: () => handed, imported: () => at.imported?.() }[behind];
      const waitUntil = await own?.();
      if (own && !waitUntil) return { missing: true };
      at.client = new at.SecretClient({ ...at.options, ...options, ...(waitUntil && { waitUntil }) });
      at.memories.length = 0;
      at.behind = 0;
      return { missing: false };
    },
    /** Reads a secret so often at once; `behind: "call"` hands each read a waitUntil. */
    async read({ name, times = 1, behind, options }) {
      // Without options a read may be answered in front of the core.
      const own = options || behind === "call" ? { ...options, ...(behind === "call" ? { waitUntil: handed } : {}) } : undefined;
      const reads = Array.from({ length: times }, () => at.shown(at.client.getSecret(name, own)));
      const results = await Promise.all(reads);
      finished[name] = (finished[name] ?? 0) + results.length;
      return { results, behind: at.behind };
    },
    /** How many reads of a secret have come to their end. */
    finished: async ({ name }) => ({ finished: finished[name] ?? 0 }),
    refresh: async ({ name }) => ({ results: [await at.shown(at.client.refresh(name))] }),
    async invalidate({ name }) {
      await at.client.invalidate(name);
      return {};
    },
    async close() {
      at.client.close();
      return {};
    },
    /** Reads that are started at once; the first one's caller gives up after `ms`. */
    async aborted({ name, ms, followers }) {
      const abort = new AbortController();
      const leader = at.shown(at.client.getSecret(name, { signal: abort.signal }));
      const others = Array.from({ length: followers }, () => at.shown(at.client.getSecret(name)));
      await at.later(ms);
      const since = Date.now();
      abort.abort();
      const first = await leader;
      return { leader: first, afterMs: Date.now() - since, results: await Promise.all(others) };
    },
    /** Many names at once, with a credentials callback that counts. */
    async names({ names }) {
      let asked = 0;
      const credentials = async () => {
        asked += 1;
        await at.later(20);
        return { ...at.options.credentials, expiration: Date.now() + 3_600_000 };
      };
      const own = new at.SecretClient({ ...at.options, credentials });
      const results = await Promise.all(names.map((name) => at.shown(own.getSecret(name))));
      return { asked, failed: results.filter((r) => r.code) };
    },
    /** These names one after the other, with a callback whose first session is another principal's. */
    async promoted({ names }) {
      let principal = "role/before";
      const credentials = async () => {
        const given = { ...at.options.credentials, principal };
        principal = "role/after";
        return given;
      };
      const own = new at.SecretClient({ ...at.options, credentials });
      const results = [];
      for (const name of names) results.push(await at.shown(own.getSecret(name)));
      return { results };
    },
    /** The same name with the keys of two accounts, one after the other. */
    async principals({ name }) {
      const theirs = new at.SecretClient({ ...at.options, credentials: at.stranger });
      return {
        ours: await at.shown(at.client.getSecret(name)),
        theirs: await at.shown(theirs.getSecret(name)),
        derived: await at.shown(at.client.forPrincipal(at.stranger).getSecret(name)),
        again: await at.shown(at.client.getSecret(name)),
      };
    },
  };
}
