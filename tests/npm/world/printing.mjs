// Questions about what can be seen of a secret, an error and a client without asking for the value.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** Every way to turn a thing into text that a runtime offers without being asked for a value. */
async function texts(thing) {
  const seen = [];
  const add = (way) => {
    try {
      const text = way();
      seen.push(typeof text === "string" ? text : JSON.stringify(text));
    } catch (error) {
      seen.push(String(error), String(error?.stack), String(error?.cause));
    }
  };
  add(() => JSON.stringify(thing));
  add(() => JSON.stringify({ deep: [{ thing }] }, null, 2));
  add(() => String(thing));
  add(() => Object.prototype.toString.call(thing));
  add(() => structuredClone(thing));
  add(() => structuredClone({ thing }));
  add(() => Object.entries(thing));
  add(() => Object.fromEntries(Reflect.ownKeys(thing).filter((k) => typeof k === "string").map((k) => [k, thing[k]])));
  add(() => ({ ...thing }));
  add(() => [thing].join());
  const util = await import(/* webpackIgnore: true */ /* @vite-ignore */ `node:${"util"}`).catch(() => undefined);
  if (util?.inspect) {
    add(() => util.inspect(thing, { depth: 9, showHidden: true, getters: true }));
    add(() => util.inspect({ thing }));
    add(() => util.format("%s %o %O %j", thing, thing, thing, thing));
  }
  if (globalThis.Deno?.inspect) add(() => Deno.inspect(thing, { depth: 9, showHidden: true }));
  if (globalThis.Bun?.inspect) add(() => Bun.inspect(thing, { depth: 9 }));
  // Into the output of the process, which the runner searches at the end.
  console.log(thing, { thing }, [thing]);
  console.error(thing);
  return seen;
}

const thrown = (way) => {
  try {
    return { accepted: String(way()) };
  } catch (error) {
    return { name: error.name, code: error.code, text: `${error.stack} ${error.message} ${error.cause}` };
  }
};

export function printing(at) {
  return {
    /** The texts of a secret, of the failure to read another one, and of the client that holds the keys. */
    async printed({ name, other }) {
      const secret = await at.client.getSecret(name);
      const error = await at.client.getSecret(other).catch((e) => e);
      return {
        text: secret.text(),
        error: { ours: error instanceof at.SimsimError, code: error.code },
        texts: [...(await texts(secret)), ...(await texts(error)), ...(await texts(at.client)), ...(await texts(at.SecretClient))],
        template: thrown(() => `${secret}`),
        sum: thrown(() => secret + ""),
        json: thrown(() => secret.json()),
      };
    },
  };
}
