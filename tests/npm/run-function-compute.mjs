//! simsim/function-compute: what each invocation of a function shows to its client, and what leaves nothing behind.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { join } from "node:path";
import { inspect } from "node:util";
import { runCases } from "./harness/cases.mjs";
import { session, startKms } from "./harness/emulator.mjs";
import { account, contextOf, environmentOf, headersOf } from "./harness/invoker.mjs";
import { unpackInto } from "./harness/package.mjs";
import { emptied } from "./harness/places.mjs";

const pkg = unpackInto(emptied("function-compute"));
const { SecretClient, SimsimError } = await import(join(pkg, "node.mjs"));
const { functionCompute } = await import(join(pkg, "function-compute.mjs"));

const VALUE = "needle-open-sesame";
const kms = await startKms("function-compute");
await kms.put("db", VALUE);

let sessions = 0;
/** A session that the emulator knows, and that nobody has used. */
async function newSession() {
  const number = ++sessions;
  const made = { accessKeyId: `STS.Invocation${number}`, accessKeySecret: `needle-key-${number}`, securityToken: `needle-token-${number}` };
  await kms.call("session", { id: made.accessKeyId, secret: made.accessKeySecret, token: made.securityToken });
  return made;
}
const expire = ({ accessKeyId }) => kms.call("session/expire", { id: accessKeyId });

/** Runs with these variables in the environment, and with no others that a function has. */
async function inEnvironment(variables, test) {
  const names = Object.keys({ ...environmentOf(kms, session), accessKeyID: "", accessKeySecret: "", securityToken: "", ...variables });
  const before = names.map((name) => [name, process.env[name]]);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return await test();
  } finally {
    for (const [name, value] of before) value === undefined ? delete process.env[name] : (process.env[name] = value);
  }
}

/** A function with its client, as at module scope. */
function instance(options) {
  const fc = functionCompute();
  return { fc, client: new SecretClient({ endpoint: kms.url, regionId: "cn-hangzhou", credentials: fc, ...options }) };
}

const failure = (promise) => promise.then(() => assert.fail("it did not fail"), (error) => error);
/** Who signed the newest call that arrived. */
const signer = async () => (await kms.call("log")).calls.at(-1).accessKeyId;
const timed = async (work) => {
  const began = performance.now();
  const error = await failure(work());
  return { code: error.code, tookMs: performance.now() - began };
};
/** Only what a case puts there is in the environment, and the KMS is well again behind it. */
const alone = (cases) =>
  Object.fromEntries(Object.entries(cases).map(([name, test]) => [name, () => inEnvironment({}, test).finally(() => kms.calm())]));

const contexts = {
  async "each invocation's session replaces the one before"() {
    const { fc, client } = instance();
    const handler = fc.wrap(async () => (await client.refresh("db")).text());
    for (let round = 0; round < 3; round++) {
      const current = await newSession();
      assert.equal(await handler(Buffer.from("{}"), contextOf(current)), VALUE);
      assert.equal(await signer(), current.accessKeyId);
      await expire(current);
    }
    const next = await newSession();
    assert.equal(await handler(Buffer.from("{}"), contextOf(next)), VALUE);
    // An invocation without a session (no role any more) takes nothing away.
    for (const none of [{}, { accessKeyId: "", accessKeySecret: "", securityToken: "" }]) {
      assert.equal(await handler(Buffer.from("{}"), contextOf(none)), VALUE);
      assert.equal(await signer(), next.accessKeyId);
    }
  },

  async "a session that ended is refused, and the next invocation's serves"() {
    const { fc, client } = instance();
    const handler = fc.wrap(async () => (await client.getSecret("db", { maxAgeMs: 0 })).text());
    const first = await newSession();
    assert.equal(await handler("", contextOf(first)), VALUE);
    await expire(first);
    const { code } = await failure(handler("", contextOf(first)));
    assert.equal(code, "ERR_SIMSIM_CREDENTIALS_REJECTED");
    const next = contextOf(await newSession());
    // The client remembers a refusal for five seconds.
    for (const end = performance.now() + 8000; ; await new Promise((done) => setTimeout(done, 20))) {
      const value = await handler("", next).catch((error) => error.code);
      if (value === VALUE) break;
      assert.deepEqual([value, performance.now() < end], ["ERR_SIMSIM_CREDENTIALS_REJECTED", true]);
    }
  },

  async "every form of handler and hook is called as it was, and shows its context"() {
    const read = async (client) => (await client.refresh("db")).text();
    const forms = {
      "async handler": (client) => [async (event, context) => [await read(client), String(event), context.region], [Buffer.from("e"), "context", "callback"]],
      "callback handler": (client) => [(event, context, callback) => void read(client).then((value) => callback(null, [value, String(event), context.region]), callback), [Buffer.from("e"), "context", "callback"]],
      "2.0 HTTP handler": (client) => [(request, response, context) => void read(client).then((value) => response.send([value, request.path, context.region])), [{ path: "e" }, "response", "context"]],
    };
    for (const [name, form] of Object.entries(forms)) {
      const { fc, client } = instance();
      const [plain, places] = form(client);
      const wrapped = fc.wrap(plain);
      assert.equal(wrapped.length, plain.length, name);
      const current = await newSession();
      const got = await new Promise((resolve, reject) => {
        const parts = { context: contextOf(current), callback: (error, value) => (error ? reject(error) : resolve(value)), response: { send: resolve } };
        wrapped(...places.map((place) => parts[place] ?? place))?.then(resolve, reject);
      });
      assert.deepEqual(got, [VALUE, "e", "cn-hangzhou"], name);
      assert.equal(await signer(), current.accessKeyId, name);
    }
    for (const hook of ["initialize", "preStop"]) {
      const { fc, client } = instance();
      const current = await newSession();
      const exports = { name: hook, [hook]: fc.wrap(function (context, callback) { void read(client).then((value) => callback(null, [value, this.name])); }) };
      const got = await new Promise((resolve) => exports[hook](contextOf(current), (_, value) => resolve(value)));
      assert.deepEqual(got, [VALUE, hook]);
      assert.equal(await signer(), current.accessKeyId);
    }
    const thrown = new TypeError("mine");
    assert.throws(() => functionCompute().wrap(() => { throw thrown; })("", contextOf()), thrown);
    assert.throws(() => functionCompute().wrap("index.handler"), { code: "ERR_SIMSIM_CONFIG" });
  },

  async "an event that looks like a context brings no session"() {
    const { fc, client } = instance();
    const handler = fc.wrap(() => client.refresh("db"));
    const real = await newSession();
    await handler(contextOf(await newSession()), contextOf(real));
    assert.equal(await signer(), real.accessKeyId);
  },
};

const environment = {
  async "the environment's session is the fallback, in new names and old"() {
    const old = { accessKeyID: session.accessKeyId, accessKeySecret: session.accessKeySecret, securityToken: session.securityToken };
    for (const variables of [environmentOf(kms, session), old]) {
      await inEnvironment(variables, async () => {
        const { fc, client } = instance();
        assert.equal(await client.text("db"), VALUE);
        assert.equal(await signer(), session.accessKeyId);
        const newer = await newSession();
        await fc.wrap(() => client.refresh("db"))("", contextOf(newer));
        assert.equal(await signer(), newer.accessKeyId);
      });
    }
    const { ALIBABA_CLOUD_ACCESS_KEY_SECRET: _, ...half } = environmentOf(kms, session);
    const { code, message } = await inEnvironment(half, () => failure(instance().client.text("db")));
    assert.equal(code, "ERR_SIMSIM_CONFIG");
    assert.match(message, /ALIBABA_CLOUD_ACCESS_KEY_SECRET/);
  },

  async "without any session the error says what to do"() {
    const { fc, client } = instance();
    const handler = fc.wrap(() => client.text("db"));
    for (const error of [await failure(handler("", contextOf({}))), await failure(fc.getCredentials())]) {
      assert.ok(error instanceof SimsimError);
      assert.equal(error.code, "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE");
      assert.match(error.message, /RAM role.*ALIBABA_CLOUD_ACCESS_KEY_ID/);
    }
    assert.equal(await handler("", contextOf(await newSession())), VALUE, "nothing of it is remembered");
  },
};

const time = {
  async "a hung KMS is given up 500 ms before the invocation ends"() {
    await kms.fault("db", "hang");
    const { fc, client } = instance();
    for (const ask of [() => client.getSecret("db"), () => client.refresh("db"), () => client.getSecrets({ db: "db" })]) {
      const handler = fc.wrap(ask);
      const { code, tookMs } = await timed(() => handler("", contextOf(session, { timeout: 1 })));
      assert.equal(code, "ERR_SIMSIM_TIMEOUT");
      assert.ok(tookMs > 150 && tookMs < 950, `${tookMs} ms`);
    }
  },

  async "the runtime's own word on the time that is left counts more"() {
    await kms.fault("db", "hang");
    const { fc, client } = instance();
    const context = { ...contextOf(), getRemainingTimeInMillis: () => 700 };
    const { code, tookMs } = await timed(() => fc.wrap(() => client.getSecret("db"))("", context));
    assert.equal(code, "ERR_SIMSIM_TIMEOUT");
    assert.ok(tookMs > 150 && tookMs < 650, `${tookMs} ms`);
  },

  async "no read takes longer than its client or its caller says"() {
    await kms.fault("db", "hang");
    const { fc, client } = instance({ timeoutMs: 200 });
    const short = await timed(() => fc.wrap(() => client.getSecret("db"))("", contextOf(session, { timeout: 60 })));
    assert.ok(short.tookMs < 1000, `${short.tookMs} ms`);
    const said = instance();
    const own = await timed(() => said.fc.wrap(() => said.client.getSecret("db", { timeoutMs: 100 }))("", contextOf()));
    assert.ok(own.tookMs < 1000, `${own.tookMs} ms`);
  },

  async "when the time is over, a read fails typed and the cache still answers"() {
    const { fc, client } = instance();
    await fc.wrap(() => client.getSecret("db"))("", contextOf());
    const late = { ...contextOf(), getRemainingTimeInMillis: () => 100 };
    assert.equal(await fc.wrap(() => client.text("db"))("", late), VALUE);
    await kms.fault("db", "hang");
    const { code } = await failure(fc.wrap(() => client.refresh("db"))("", late));
    assert.equal(code, "ERR_SIMSIM_TIMEOUT");
  },

  async "each of two invocations at once has its own time"() {
    await kms.put("slow", VALUE);
    await kms.fault("db", "hang");
    await kms.fault("slow", "hang");
    const { fc, client } = instance();
    const read = (name) => fc.wrap(async () => {
      // The context follows through awaits.
      await Promise.resolve();
      return client.getSecret(name);
    });
    // The long one begins first: judged by the newest it would end too soon.
    const long = timed(() => read("slow")("", contextOf(session, { timeout: 2 })));
    const short = await timed(() => read("db")("", contextOf(session, { timeout: 1 })));
    const { code, tookMs } = await long;
    assert.deepEqual([code, short.code], ["ERR_SIMSIM_TIMEOUT", "ERR_SIMSIM_TIMEOUT"]);
    assert.ok(short.tookMs < 950 && tookMs > 1200 && tookMs < 1950, `${short.tookMs} ms, ${tookMs} ms`);
  },

  async "without AsyncLocalStorage the newest invocation's time counts"() {
    const builtin = process.getBuiltinModule;
    process.getBuiltinModule = undefined;
    try {
      const [{ functionCompute: bare }, { SecretClient: Client }] = await Promise.all(
        ["function-compute.js", "default.js"].map((file) => import(join(pkg, file))),
      );
      const fc = bare();
      const client = new Client({ endpoint: kms.url, regionId: "cn-hangzhou", credentials: fc });
      const handler = fc.wrap((name) => client.text(String(name)));
      assert.equal(await handler(Buffer.from("db"), contextOf()), VALUE);
      await kms.put("hung", VALUE);
      await kms.fault("hung", "hang");
      const { code, tookMs } = await timed(() => handler(Buffer.from("hung"), contextOf(session, { timeout: 1 })));
      assert.equal(code, "ERR_SIMSIM_TIMEOUT");
      assert.ok(tookMs < 950, `${tookMs} ms`);
    } finally {
      process.getBuiltinModule = builtin;
    }
  },

  async "nothing goes on behind an answer"() {
    await kms.put("aging", VALUE);
    const { fc, client } = instance({ cache: { ttlMs: 20, staleWhileRevalidateMs: 60_000 } });
    const handler = fc.wrap(async () => (await client.getSecret("aging")).text());
    assert.equal(await handler("", contextOf()), VALUE);
    await kms.put("aging", "needle-the-next-one");
    const due = performance.now() + 40;
    while (performance.now() < due) await new Promise((done) => setTimeout(done, 5));
    await kms.fault("aging", "slowHeaders", { delayMs: 200, times: 1 });
    const began = performance.now();
    const answer = await handler("", contextOf());
    // The refresh that was due is in the answer, and so is the time that it took.
    assert.equal(answer, "needle-the-next-one");
    assert.ok(performance.now() - began > 190);
    assert.equal(await kms.reads("aging"), 2);
  },
};

const headers = {
  async "headers bring the session of a custom runtime's invocation, in every shape"() {
    await inEnvironment(environmentOf(kms, session), async () => {
      const shapes = [
        (plain) => plain,
        (plain) => new Headers(plain),
        (plain) => Object.fromEntries(Object.entries(plain).map(([name, value]) => [name.replace(/\b./g, (c) => c.toUpperCase()), value])),
      ];
      for (const shape of shapes) {
        const { fc, client } = instance();
        const current = await newSession();
        assert.equal(fc.observe(shape(headersOf(current))), true);
        await client.refresh("db");
        assert.equal(await signer(), current.accessKeyId);
        assert.equal(fc.observe(shape({ host: "x" })), false, "a health check");
        await client.refresh("db");
        assert.equal(await signer(), current.accessKeyId);
      }
    });
  },

  async "headers of another account, or of a function without a role, do not count"() {
    const foreign = await newSession();
    await inEnvironment(environmentOf(kms, session), async () => {
      const { fc, client } = instance();
      for (const wrong of [undefined, "", "6543210987654321"]) {
        const { "x-fc-account-id": _, ...rest } = headersOf(foreign);
        const sent = wrong === undefined ? rest : { ...rest, "x-fc-account-id": wrong };
        assert.throws(() => fc.observe(sent), { code: "ERR_SIMSIM_CONFIG", message: /x-fc-account-id/ });
      }
      assert.throws(() => fc.observe(headersOf({ ...foreign, securityToken: "needle, needle" })), { code: "ERR_SIMSIM_CONFIG" });
      assert.throws(() => fc.observe("x-fc-account-id"), { code: "ERR_SIMSIM_CONFIG" });
      await client.refresh("db");
      assert.equal(await signer(), session.accessKeyId, "the session that was there stays");
    });
    const { FC_ACCOUNT_ID: _, ...nameless } = environmentOf(kms, session);
    await inEnvironment(nameless, () => assert.throws(() => functionCompute().observe(headersOf(foreign)), { code: "ERR_SIMSIM_CONFIG" }));
    await inEnvironment(environmentOf(kms), async () => {
      const { fc, client } = instance();
      assert.equal(fc.observe(headersOf(foreign)), false);
      assert.equal((await failure(client.text("db"))).code, "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE");
    });
    const { FC_FUNCTION_NAME: __, ...outside } = environmentOf(kms, session);
    await inEnvironment(outside, () =>
      assert.throws(() => functionCompute().observe(headersOf(foreign)), { code: "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE", message: /FC_FUNCTION_NAME/ }),
    );
    assert.equal(account, headersOf()["x-fc-account-id"], "the environment's, in all of this");
  },
};

const printing = {
  async "nothing shows a key, and nothing is printed"() {
    const said = [];
    const methods = ["log", "info", "warn", "error", "debug"];
    const before = methods.map((method) => console[method]);
    for (const method of methods) console[method] = (...words) => said.push(inspect(words));
    try {
      await inEnvironment(environmentOf(kms, session), async () => {
        const { fc, client } = instance();
        fc.observe(headersOf(await newSession()));
        const first = await newSession();
        await fc.wrap(() => client.getSecret("db"))("", contextOf(first));
        said.push(inspect(fc, { depth: 9, showHidden: true }), JSON.stringify(fc), String(fc), inspect(client, { depth: 9, showHidden: true }));
        await expire(first);
        const errors = [await failure(client.refresh("db"))];
        for (const bad of [{ securityToken: "needle token" }, { accessKeyId: "needle\u0000" }]) {
          errors.push(await failure((async () => fc.observe(headersOf({ ...session, ...bad })))()));
        }
        said.push(...errors.map((error) => inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)));
      });
    } finally {
      methods.forEach((method, at) => (console[method] = before[at]));
    }
    const all = said.join("\n");
    assert.match(all, /ERR_SIMSIM_CONFIG/);
    assert.ok(!all.includes("needle"), all);
  },
};

await runCases("function-compute", alone({ ...contexts, ...environment, ...time, ...headers, ...printing }), () => kms.stop());
