//! Compares the package with its peers, as ratios of one run: cold start, first secret, cached reads, and a trap.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { session, startKms } from "../../tests/npm/harness/emulator.mjs";
import { stage, unpackInto } from "../../tests/npm/harness/package.mjs";
import { binary, bun, deno } from "../../tests/npm/harness/program.mjs";
import { serveWorkerd } from "../../tests/npm/harness/serve-workerd.mjs";
import { workerModules } from "../../tests/npm/harness/workerd.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const check = process.argv.includes("--check");
const node = binary("node20/bin/node");
const [secret, value] = ["bench/secret", "open sesame"];
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const rows = [];
const row = (what, ratio, bar, goal, detail) => rows.push({ what, ratio, bar, goal, detail });

const kms = await startKms("bench");
await kms.put(secret, value);
const options = { regionId: "cn-hangzhou", endpoint: kms.url, credentials: session };

/** Answers as AWS Secrets Manager does. */
const peer = createServer((_, response) => {
  response.setHeader("content-type", "application/x-amz-json-1.1");
  response.end(JSON.stringify({ ARN: "arn", Name: secret, VersionId: "v1", SecretString: value, VersionStages: ["AWSCURRENT"] }));
});
await new Promise((ready) => peer.listen(0, "127.0.0.1", ready));

async function coldStarts(rounds = 11) {
  unpackInto(here);
  const BENCH = JSON.stringify({ endpoint: kms.url, peer: `http://127.0.0.1:${peer.address().port}`, keys: session, secret, value });
  const names = ["simsim", "alicloud", "aws"];
  const times = Object.fromEntries(names.map((name) => [name, { constructMs: [], firstMs: [] }]));
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      // Not synchronously: the server that answers is this process.
      const { stdout } = await promisify(execFile)(node, [join(here, `start/${name}.mjs`)], { env: { ...process.env, BENCH } });
      const took = JSON.parse(stdout);
      // The first one fills the file system's cache.
      if (round >= 0) for (const key of Object.keys(took)) times[name][key].push(took[key]);
    }
  }
  const of = (name, key) => median(times[name][key]);
  const faster = (key, other) => of(other, key) / of("simsim", key);
  const ms = (key) => names.map((name) => `${name} ${of(name, key).toFixed(1)} ms`).join(", ");
  row("import + construct, times as fast as Alibaba Cloud's SDK", faster("constructMs", "alicloud"), 10, 17, ms("constructMs"));
  row("import + first secret, times as fast as Alibaba Cloud's SDK", faster("firstMs", "alicloud"), 2, 4, ms("firstMs"));
  row("import + first secret, times as fast as the AWS SDK", faster("firstMs", "aws"), 2, 4, "");
}

const PARTS = [join(here, "cached")];

async function cached(label, command, args) {
  const cwd = stage(`bench-${label}`, options, PARTS);
  const { stdout } = await promisify(execFile)(command, [...args, "cached/program.mjs"], { cwd });
  tellCached(label, JSON.parse(stdout));
}

function tellCached(label, { client, map }) {
  const ratio = median(client.map((time, i) => time / map[i]));
  row(`cached await getSecret over a TTL map, ${label}`, ratio, 1.5, 1.1, `${median(client).toFixed(0)} ns, map ${median(map).toFixed(0)} ns`);
}

async function cachedInWorkerd(count = 200_000, rounds = 9) {
  const { folder, modules } = await workerModules("bench-workerd", options, "cached/worker.mjs", PARTS);
  const worker = await serveWorkerd(folder, modules);
  const took = async (kind) => {
    const began = performance.now();
    await worker.ask("", { kind, count });
    return ((performance.now() - began) / count) * 1e6;
  };
  const times = { client: [], map: [] };
  for (let round = -2; round < rounds; round++) {
    for (const kind of Object.keys(times)) {
      const time = await took(kind);
      if (round >= 0) times[kind].push(time);
    }
  }
  worker.stop();
  tellCached("workerd", times);
}

/** What a read costs whose instance has just lost its memory. */
async function afterTrap(rounds = 200) {
  const env = { ...process.env, BENCH: JSON.stringify({ options, secret, rounds }) };
  const { stdout } = await promisify(execFile)(node, [join(here, "trap.mjs")], { env });
  const { tookMs, failed } = JSON.parse(stdout);
  row("reads that failed after a trap", failed, 1, 0, `${rounds} traps`);
  row("the next read after a trap, ms (median)", median(tookMs), 20, 20, `slowest ${Math.max(...tookMs).toFixed(1)} ms, a KMS call included`);
}

await coldStarts();
await cached("Node", node, []);
await cached("Deno", deno(), ["run", "--no-remote", "--node-modules-dir=manual", "--allow-net=127.0.0.1"]);
await cached("Bun", bun(), ["run", "--no-install"]);
await cachedInWorkerd();
await afterTrap();
kms.stop();
peer.close();

const met = ({ what, ratio, bar }) => (what.includes("times as fast") ? ratio >= bar : ratio <= bar);
for (const { what, ratio, bar, goal, detail, ...one } of rows) {
  const verdict = met({ what, ratio, bar, ...one }) ? "" : "   BELOW THE BAR";
  console.log(`${what.padEnd(64)} ${ratio.toFixed(2).padStart(7)}   bar ${bar}, goal ${goal}   ${detail}${verdict}`);
}
process.exit(check && !rows.every(met) ? 1 : 0);
