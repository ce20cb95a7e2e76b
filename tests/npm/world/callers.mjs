// Questions with callbacks of a caller's that misbehave: credentials, fetch and onEvent.
// SPDX-License-Identifier: Apache-2.0 OR MIT

const never = () => new Promise(() => {});

export function callers(at) {
  const transport = (url, init) => globalThis.fetch(url, init);
  const keys = () => ({ ...at.options.credentials, expiration: Date.now() + 3_600_000 });
  /** What the callback does when all is well. */
  const well = { credentials: keys, fetch: transport, onEvent: () => {} };
  const ways = {
    throws: () => () => {
      throw new Error("needle: of the caller's own");
    },
    rejects: () => () => Promise.reject(new Error("needle: of the caller's own")),
    never: () => never,
    /** Answers what cannot be meant. */
    nonsense: () => () => 42,
    /** Uses the client it was called by: waits for another read of it, forgets that, and goes on. */
    reenters: (which, own) => {
      let inside = false;
      return async (...given) => {
        if (!inside) {
          inside = true;
          // A credentials callback that waited for a read would wait for itself.
          const read = own().getSecret("callers/other").catch(() => {});
          if (which !== "credentials") await read;
          await own().invalidate("callers/other");
        }
        return well[which](...given);
      };
    },
  };
  return {
    async callback({ which, way, name, options }) {
      const events = [];
      const callback = ways[way](which, () => client);
      const own = { ...at.options, ...options, [which]: callback };
      if (which === "onEvent") own.onEvent = (event) => (events.push(event.kind ?? event.type), callback(event));
      const client = new at.SecretClient(own);
      const began = Date.now();
      const first = await at.shown(client.getSecret(name));
      const tookMs = Date.now() - began;
      await at.later(5);
      return { first, tookMs, events };
    },
    /** Wrong options, each by the code and the text of what it is refused with. */
    async refused({ options, call }) {
      try {
        const own = new at.SecretClient({ ...at.options, ...options });
        await own.getSecret("callers/none", call);
        return { code: "accepted" };
      } catch (error) {
        return { code: error.code, message: error.message, ours: error instanceof at.SimsimError };
      }
    },
  };
}
