// The npm package on a KMS's ordinary day: in Node, as a Cloudflare worker, as a Function Compute handler; checks what it prints.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { session, startKms } from "../../tests/npm/harness/emulator.mjs";
import { contextOf, environmentOf, startInstance } from "../../tests/npm/harness/invoker.mjs";
import { packed, stageExample } from "../../tests/npm/harness/package.mjs";
import { newest, serveWorkerd } from "../../tests/npm/harness/serve-workerd.mjs";
import { bundleWorker } from "../../tests/npm/harness/workerd.mjs";
import { grouped, Stage } from "./npm-stage.mjs";

/** What the secrets hold. None of it may ever be printed; the end searches for it. */
const PASSWORDS = ["open-barley-9Tk2", "open-sesame-4Wd7"];
const DOOR = "app/door";

async function inNode(stage) {
  const { SecretClient } = await import(`${stageExample("function-compute-http", "demo-node")}/node_modules/simsim/node.mjs`);
  stage.title(`The npm package in Node ${process.versions.node}`);
  const client = new SecretClient({ endpoint: stage.kms.url, regionId: "cn-hangzhou", credentials: session });
  const first = await client.getSecret(DOOR);
  await stage.say(`the first read of ${first.toString()} compiles the wasm and asks KMS`, 1, first.text() === PASSWORDS[0]);

  const COUNT = 100_000;
  const began = performance.now();
  let right = 0;
  for (let i = 0; i < COUNT; i++) right += (await client.getSecret(DOOR)) === first;
  const each = ((performance.now() - began) / COUNT) * 1000;
  await stage.say(`${grouped(COUNT)} more reads are answered from memory, ${each.toFixed(2)} µs each`, 0, right === COUNT);

  await stage.kms.put("app/cold", PASSWORDS[0]);
  const many = await Promise.all(Array.from({ length: 1000 }, () => client.text("app/cold")));
  await stage.say("1,000 reads of a cold name at once share one answer", 1, many.every((text) => text === PASSWORDS[0]));

  await stage.kms.fault(DOOR, "throttle", { times: 2, retryAfterMs: 20 });
  const { versionId } = await client.refresh(DOOR);
  await stage.say("KMS throttles twice, and says for how long: the refresh waits so long and is answered", 3, versionId === first.versionId);

  await stage.kms.call("rotate", { name: DOOR, value: PASSWORDS[1] });
  const used = [];
  const logIn = async (secret) => {
    used.push(secret.text());
    if (secret.text() !== PASSWORDS[1]) throw new Error("access denied");
  };
  await client.withSecret(DOOR, logIn, (error) => error.message === "access denied");
  await stage.say("the password was rotated: withSecret is refused once, fetches it anew, and is let in", 1, used.join() === PASSWORDS.join());

  await stage.kms.fault(DOOR, "reset");
  const during = await client.text(DOOR);
  await stage.say("KMS breaks every connection: the cache answers", 0, during === PASSWORDS[1]);
  await stage.kms.calm();
  stage.overhear(`${first.toString()} ${JSON.stringify(first)} ${JSON.stringify(client.status())}`);
  client.close();
}

async function inWorkerd(stage) {
  stage.title(`As a Cloudflare worker, in workerd with the compatibility date ${newest} (examples/cloudflare-worker)`);
  const folder = stageExample("cloudflare-worker", "demo-worker");
  const bindings = {
    ALIBABA_CLOUD_ACCESS_KEY_ID: session.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: session.accessKeySecret,
    ALIBABA_CLOUD_SECURITY_TOKEN: session.securityToken,
    ALIBABA_CLOUD_REGION_ID: "cn-hangzhou",
    ALIBABA_CLOUD_KMS_ENDPOINT: stage.kms.url,
  };
  const worker = await serveWorkerd(folder, await bundleWorker(folder, "worker.js"), { bindings });
  const knock = async (password) => {
    const response = await fetch(`http://127.0.0.1:${worker.port}/`, { headers: { "x-password": password } });
    return response.text();
  };
  try {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => knock(PASSWORDS[i % 2])));
    const right = answers.every((text, i) => text === (i % 2 ? "open" : "closed"));
    await stage.say("200 requests at once to a cold isolate: those with the right password are let in", 1, right);
    await stage.say("one more request, answered from memory", 0, (await knock(PASSWORDS[1])) === "open");
  } finally {
    worker.stop();
    stage.overhear(worker.output());
  }
}

async function inFunctionCompute(stage) {
  stage.title("As a handler of Function Compute (examples/function-compute-node)");
  const instance = await startInstance(stageExample("function-compute-node", "demo-function"), environmentOf(stage.kms));
  try {
    const sessions = [await stage.newSession(), await stage.newSession()];
    const nobody = await instance.invoke({ password: PASSWORDS[1] }, contextOf({}));
    const refused = nobody.error?.code === "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE";
    await stage.say("a function without a RAM role: the error says so, and nothing is sent", 0, refused);

    await stage.kms.fault(DOOR, "hang");
    const hung = await instance.invoke({ password: PASSWORDS[1] }, contextOf(sessions[0], { timeout: 1 }));
    const inTime = hung.error?.code === "ERR_SIMSIM_TIMEOUT" && hung.tookMs < 950;
    await stage.say(`KMS hangs: an invocation with 1 s fails typed after ${Math.round(hung.tookMs)} ms, in time to answer`, undefined, inTime);
    await stage.kms.calm();

    const open = await instance.invoke({ password: PASSWORDS[1] }, contextOf(sessions[0]));
    const by = await stage.signer();
    await stage.say("an invocation brings the role's session, and the read is signed with it", 1, open.result === "open" && by === sessions[0].accessKeyId);

    await stage.kms.call("session/expire", { id: sessions[0].accessKeyId });
    instance.freeze();
    stage.kms.cut("reset");
    instance.thaw();
    const hook = await instance.hook("initialize", contextOf(sessions[1]));
    const after = await instance.invoke({ password: PASSWORDS[1] }, contextOf(sessions[1]));
    await stage.say("that session is over, the instance was frozen: the next invocation is answered from memory", 0, hook.result === "" && after.result === "open");
  } finally {
    instance.stop();
    stage.overhear(instance.output());
  }
}

// The time that packing takes is not the demo's.
packed();
const stage = new Stage(await startKms("demo"));
try {
  await stage.kms.put(DOOR, PASSWORDS[0]);
  await inNode(stage);
  await inWorkerd(stage);
  await inFunctionCompute(stage);
  stage.end([...PASSWORDS, ...Object.values(session).slice(1)]);
} catch (error) {
  process.exitCode = 1;
  console.error(`demo: ${error.message}`);
} finally {
  stage.kms.stop();
}
