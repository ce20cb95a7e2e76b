// Questions about several secrets at once, and about a secret that is used and refused.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** The client's own transport, counting what is in flight at once. */
function counted(client) {
  const flights = { now: 0, most: 0 };
  const fetch = async (url, init) => {
    flights.most = Math.max(flights.most, ++flights.now);
    try {
      return await globalThis.fetch(url, init);
    } finally {
      flights.now -= 1;
    }
  };
  return { client: client(fetch), flights };
}

const told = ({ status, value, reason }) => (status === "fulfilled" ? { text: value.text() } : { code: reason.code });

export function many(at) {
  return {
    /** Reads all names twice: the second time nothing may be asked. */
    async many({ names, options }) {
      const { client, flights } = counted((fetch) => new at.SecretClient({ ...at.options, ...options, fetch }));
      const settled = async () => [...(await client.getSecretsSettled(names))].map(([name, one]) => ({ name, ...told(one) }));
      return { first: await settled(), again: await settled(), most: flights.most };
    },
    /** The form with an object: what came, or the one error. */
    async object({ names }) {
      const client = new at.SecretClient(at.options);
      try {
        const secrets = await client.getSecrets(names);
        return { texts: Object.fromEntries(Object.entries(secrets).map(([key, secret]) => [key, secret.text()])) };
      } catch (error) {
        return { code: error.code, message: error.message, failures: [...(error.failures?.keys() ?? [])] };
      }
    },
    /** So many callers use a secret at once; the value `stale` is refused by whoever it logs in to. */
    async used({ name, callers, stale }) {
      const refusal = new Error("refused");
      const login = (secret) => {
        if (secret.text() === stale) throw refusal;
        return secret.text();
      };
      const use = () => at.client.withSecret(name, login, (error) => error === refusal).catch((error) => (error === refusal ? "refused" : error.code));
      return { results: await Promise.all(Array.from({ length: callers }, use)) };
    },
  };
}
