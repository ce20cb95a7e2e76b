// Questions with providers of simsim/credentials: a client of theirs, kept between requests.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import * as providers from "simsim/credentials";

export function credentials(at) {
  let client, provider;
  /** A provider from its description; one without a kind is credentials, or a function that gives them. */
  const made = ({ kind, source, tokens, ...options }) => {
    if (!kind) return options;
    if (source) options.source = made(source);
    // A token each time, the last one again and again.
    if (tokens) options.token = () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
    return providers[kind](options);
  };
  const told = ({ code, message, serviceCode, cause }) => ({ code, message: String(message), serviceCode, cause: cause && told(cause) });
  const outcome = async (work) => {
    try {
      return { text: (await work()).text() };
    } catch (error) {
      return { error: told(error), printed: `${error.stack} ${JSON.stringify(error)}` };
    }
  };
  return {
    /** Makes a provider, and the client that `providedRead` uses. */
    provide({ description, options }) {
      at.memories.length = 0;
      provider = made(description);
      client = new at.SecretClient({ ...at.options, ...options, credentials: provider });
      return {};
    },
    async providedRead({ name, times = 1, options }) {
      const all = await Promise.all(Array.from({ length: times }, () => outcome(() => client.getSecret(name, options))));
      return { ...all[0], alike: all.every(({ text }) => text === all[0].text), status: provider.status?.() };
    },
    /** What a provider gives by itself, as far as it may be told. */
    async given() {
      const { accessKeyId, accessKeySecret, securityToken, expiration, principal } = await provider.getCredentials();
      const again = await provider.getCredential();
      return {
        accessKeyId, principal, whole: accessKeySecret.length > 0 && securityToken.length > 0, dated: expiration instanceof Date,
        same: again.accessKeyId === accessKeyId, type: again.type, providerName: again.providerName,
      };
    },
    /** The client and then its provider lose their memory. */
    break({ which }) {
      const memory = at.memories[which];
      new Uint8Array(memory.buffer).fill(0xff);
      return {};
    },
    /** What making a provider says. */
    refusedProvider({ kind, options }) {
      try {
        providers[kind](options);
        return { code: "taken" };
      } catch (error) {
        return { code: error.code, message: error.message, ours: error instanceof at.SimsimError };
      }
    },
    async closed() {
      provider.close();
      return outcome(() => client.getSecret("case/never-read"));
    },
  };
}
