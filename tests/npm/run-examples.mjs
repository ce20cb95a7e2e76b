//! The examples with the published package, each where it would run: functions in Function Compute in small, and servers.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { cargoProgram } from "./harness/cargo.mjs";
import { runCases } from "./harness/cases.mjs";
import { serveEdge } from "./harness/edge.mjs";
import { session, startKms, stranger } from "./harness/emulator.mjs";
import { contextOf, environmentOf, headersOf, startCustomRuntime, startInstance } from "./harness/invoker.mjs";
import { stageExample } from "./harness/package.mjs";
import { binary, bun, deno, startProgram } from "./harness/program.mjs";
import { serveWorkerd } from "./harness/serve-workerd.mjs";
import { bundleWorker } from "./harness/workerd.mjs";

const DOOR = "needle-open-sesame";
const kms = await startKms("examples");
const reset = async () => {
  await kms.calm();
  await kms.put("app/door", DOOR);
  await kms.call("reset-log", {});
};
/** The same, with a value that is fresh for a second or two. Gives a wait for its end. */
async function resetWithRotation() {
  await reset();
  const rotation = Math.ceil(Date.now() / 1000 + 1) * 1000;
  const nextRotation = new Date(rotation).toISOString().replace(".000Z", "Z");
  await kms.put("app/door", DOOR, { type: "Rds", rotationInterval: "604800s", nextRotation });
  return async () => {
    while (Date.now() <= rotation) await new Promise((done) => setTimeout(done, 20));
  };
}
const reads = () => kms.reads("app/door");
const lastSigner = async () => (await kms.call("log")).calls.at(-1).accessKeyId;

let sessions = 0;
async function newSession() {
  const number = ++sessions;
  const made = { accessKeyId: `STS.Example${number}`, accessKeySecret: `needle-key-${number}`, securityToken: `needle-token-${number}` };
  await kms.call("session", { id: made.accessKeyId, secret: made.accessKeySecret, token: made.securityToken });
  return made;
}
const expire = ({ accessKeyId }) => kms.call("session/expire", { id: accessKeyId });

/** Starts something, tests it, ends it, and looks at what it printed. */
async function during(starting, test) {
  const running = await starting;
  try {
    await test(running);
    // An error that was thrown by the runtime itself would be on its terminal.
    assert.doesNotMatch(running.output(), /needle/);
  } finally {
    running.stop();
  }
}

// ---- Function Compute: event handler

const nodeExample = stageExample("function-compute-node");
const functions = {};
for (const version of [18, 20, 22, 24]) {
  functions[`function-compute-node: lets in who knows the secret, in Node ${version}`] = async () => {
    await reset();
    const node = binary(`node${version}/bin/node`);
    await during(startInstance(nodeExample, environmentOf(kms), node), async ({ hook, invoke }) => {
      assert.equal((await hook("initialize")).result, "");
      assert.equal((await invoke({ password: DOOR })).result, "open");
      assert.equal((await invoke({ password: "wrong" })).result, "closed");
      assert.equal(await reads(), 1, "read when the instance started, and never again");
      assert.equal((await hook("preStop")).result, "");
      assert.equal((await invoke({ password: DOOR })).error.code, "ERR_SIMSIM_CLOSED");
    });
  };
}

Object.assign(functions, {
  async "function-compute-node: a session ends, the next invocation brings another, and reads go on"() {
    const due = await resetWithRotation();
    await during(startInstance(nodeExample, environmentOf(kms, session)), async ({ invoke }) => {
      const [first, second] = [await newSession(), await newSession()];
      assert.equal((await invoke({ password: DOOR }, contextOf(first))).result, "open");
      assert.equal(await lastSigner(), first.accessKeyId);
      await expire(first);
      await kms.call("rotate", { name: "app/door", value: "needle-next" });
      await due();
      // What is due is fetched within the answer: nothing is left to do behind it.
      assert.equal((await invoke({ password: "needle-next" }, contextOf(second))).result, "open");
      assert.deepEqual([await reads(), await lastSigner()], [2, second.accessKeyId]);
    });
  },

  async "function-compute-node: without a role it says what is missing, with one in the environment it reads"() {
    await reset();
    await during(startInstance(nodeExample, environmentOf(kms)), async ({ invoke }) => {
      const { error } = await invoke({ password: DOOR }, contextOf({}));
      assert.equal(error.code, "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE");
      assert.match(error.message, /RAM role/);
    });
    assert.equal(await reads(), 0);
    await during(startInstance(nodeExample, environmentOf(kms, session)), async ({ invoke }) => {
      assert.equal((await invoke({ password: DOOR }, contextOf({}))).result, "open");
      assert.equal(await lastSigner(), session.accessKeyId);
    });
  },

  async "function-compute-node: a hung KMS fails the invocation in time, with a typed error"() {
    await reset();
    await kms.fault("app/door", "hang");
    await during(startInstance(nodeExample, environmentOf(kms)), async ({ invoke }) => {
      const { error, tookMs } = await invoke({ password: DOOR }, contextOf(session, { timeout: 1 }));
      assert.equal(error.code, "ERR_SIMSIM_TIMEOUT");
      assert.ok(tookMs < 950, `${tookMs} ms`);
      await kms.calm();
      assert.equal((await invoke({ password: DOOR })).result, "open");
    });
  },

  async "function-compute-node: an instance that was frozen goes on, over a new connection"() {
    for (const how of ["close", "reset"]) {
      const due = await resetWithRotation();
      await during(startInstance(nodeExample, environmentOf(kms)), async ({ invoke, freeze, thaw }) => {
        assert.equal((await invoke({ password: DOOR })).result, "open");
        freeze();
        assert.equal(kms.cut(how), 1, "the connection that the client keeps");
        await kms.call("rotate", { name: "app/door", value: "needle-next" });
        await due();
        thaw();
        assert.equal((await invoke({ password: "needle-next" }, contextOf(await newSession()))).result, "open", how);
        assert.equal(await reads(), 2);
      });
    }
  },

  async "function-compute-http: answers a request that came as an event"() {
    await reset();
    await during(startInstance(stageExample("function-compute-http"), environmentOf(kms)), async ({ invoke }) => {
      const knock = async (headers) => (await invoke(httpEvent(headers), contextOf())).result;
      const said = (statusCode, body) => ({ statusCode, headers: { "content-type": "text/plain" }, isBase64Encoded: false, body });
      assert.deepEqual(await knock({ "X-Password": DOOR }), said(200, "open"));
      assert.deepEqual(await knock({ "x-password": "wrong" }), said(403, "closed"));
      assert.deepEqual(await knock({ Accept: "*/*" }), said(403, "closed"));
    });
    await during(startInstance(stageExample("function-compute-http"), environmentOf(kms)), async ({ invoke }) => {
      await kms.call("deny", { name: "app/door" });
      const { statusCode, body } = (await invoke(httpEvent({ "X-Password": DOOR }))).result;
      assert.equal(statusCode, 503);
      assert.match(body, /permission denied/);
      await kms.call("allow", { name: "app/door" });
    });
  },

  async "function-compute-rust: POST /invoke, each request with its session in its headers"() {
    await reset();
    const program = cargoProgram("function-compute-rust", "bootstrap");
    await during(startCustomRuntime(program, environmentOf(kms, session)), async ({ invoke }) => {
      const first = await newSession();
      assert.deepEqual([(await invoke(DOOR, headersOf(first))).text, await lastSigner()], ["open", first.accessKeyId]);
      await expire(first);
      assert.equal((await invoke("wrong", headersOf(await newSession()))).status, 403);
      assert.equal(await reads(), 1);
      const foreign = { ...headersOf(), "x-fc-account-id": "6543210987654321" };
      const refused = await invoke(DOOR, foreign);
      assert.equal(refused.status, 503);
      assert.match(refused.text, /x-fc-account-id/);
      assert.equal((await invoke(DOOR, headersOf(), "/elsewhere")).status, 404);
    });
    await kms.fault("app/door", "hang");
    await during(startCustomRuntime(program, environmentOf(kms, session)), async ({ invoke }) => {
      const { status, tookMs } = await invoke(DOOR);
      assert.equal(status, 503);
      assert.ok(tookMs < 2900, `${tookMs} ms`);
      await kms.calm();
    });
  },
});

/** A request as an HTTP trigger of Function Compute 3.0 hands it over. */
function httpEvent(headers) {
  return {
    version: "v1", rawPath: "/", body: "", isBase64Encoded: false, headers, queryParameters: {},
    requestContext: {
      accountId: "1234567890123456", domainName: "door.example", domainPrefix: "door",
      http: { method: "GET", path: "/", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" },
      requestId: "1", time: "2030-01-01T00:00:00Z", timeEpoch: "1893456000000",
    },
  };
}

// ---- Servers with fetch handlers

const variables = (key = session) => ({
  ALIBABA_CLOUD_ACCESS_KEY_ID: key.accessKeyId,
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: key.accessKeySecret,
  ALIBABA_CLOUD_SECURITY_TOKEN: key.securityToken ?? "",
  ALIBABA_CLOUD_REGION_ID: "cn-hangzhou",
  ALIBABA_CLOUD_KMS_ENDPOINT: kms.url,
});

const servers = {
  async "cloudflare-worker"(env) {
    const folder = stageExample("cloudflare-worker");
    return serveWorkerd(folder, await bundleWorker(folder, "worker.js"), { bindings: env });
  },
  deno(env) {
    const folder = stageExample("deno");
    const args = ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual", "--allow-net=127.0.0.1", "--allow-env", "main.js"];
    writeFileSync(`${folder}/package.json`, '{"private":true}');
    return startProgram(deno(), args, { cwd: folder, env: { ...env, PORT: "0", DENO_DIR: `${folder}/cache`, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" } });
  },
  bun(env) {
    return startProgram(bun(), ["run", "--no-install", "main.js"], { cwd: stageExample("bun"), env: { ...env, PORT: "0" } });
  },
  "vercel-edge"(env) {
    const folder = stageExample("vercel-edge");
    // What Vercel puts around an edge function.
    writeFileSync(`${folder}/vercel.js`, `import door from "./api/door.js";
addEventListener("fetch", (event) => event.respondWith(door(event.request, { waitUntil: (promise) => event.waitUntil(promise) })));
`);
    return serveEdge(folder, "vercel.js", env);
  },
};

const fetching = Object.entries(servers).map(([name, start]) => [
  `${name}: lets in who knows the secret, with one call for many at once`,
  async () => {
    await reset();
    const knocking = (port) => async (password) => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { "x-password": password } });
      return [response.status, await response.text()];
    };
    await during(start(variables()), async ({ port }) => {
      const knock = knocking(port);
      const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => knock(i % 2 ? DOOR : "wrong")));
      assert.deepEqual(answers, Array.from({ length: 40 }, (_, i) => (i % 2 ? [200, "open"] : [403, "closed"])));
      assert.equal(await reads(), 1);
    });
    await during(start(variables({ ...stranger, accessKeySecret: "needle-wrong" })), async ({ port }) => {
      const [status, text] = await knocking(port)(DOOR);
      assert.equal(status, 503, text);
      assert.match(text, /rejected the credentials/);
      assert.doesNotMatch(text, /needle/);
    });
  },
]);

await runCases("examples", { ...functions, ...Object.fromEntries(fetching) }, () => kms.stop());
