// The work whose time is compared: so many awaited reads of a cached secret, and as many of a plain map with a ttl.
// SPDX-License-Identifier: Apache-2.0 OR MIT

const NAME = "bench/secret";

/** `kind` is "client", "map" or "none": what a loop that reads nothing takes besides. */
export function works(client) {
  const map = new Map();
  const plain = async (name) => {
    const entry = map.get(name);
    if (entry !== undefined && Date.now() < entry.until) return entry.value;
    throw new Error("gone");
  };
  const ways = {
    client: () => client.getSecret(NAME),
    map: () => plain(NAME),
    none: async () => {},
  };
  return async function work(kind, count) {
    const secret = await client.getSecret(NAME);
    map.set(NAME, { value: secret, until: Date.now() + 600_000 });
    const read = ways[kind];
    let last;
    for (let i = 0; i < count; i++) last = await read();
    if (kind !== "none" && last.text() !== secret.text()) throw new Error("another value came");
  };
}
