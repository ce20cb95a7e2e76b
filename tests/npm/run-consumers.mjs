//! Projects of tests/packaging that install the packed tarball as a user would, build with their own tools, and run.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { runCases } from "./harness/cases.mjs";
import { session, startKms } from "./harness/emulator.mjs";
import { packed } from "./harness/package.mjs";
import { emptied, here, root } from "./harness/places.mjs";

const VALUE = "needle-open-sesame";
const projects = join(root, "tests/packaging");
const kms = await startKms("consumers");

function npm(folder, args, env) {
  // This Node before the one that the links of tests/npm hold: the packages of several versions are there.
  const path = [dirname(process.execPath), join(here, "node_modules/.bin"), process.env.PATH].join(delimiter);
  const child = spawn("npm", args, { cwd: folder, env: { ...process.env, PATH: path, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve(said) : reject(new Error(`npm ${args.join(" ")}: ${code}\n${said}`))));
  });
}

/** What a user does: install, build, start; the configuration is in the environment. */
async function consume(name) {
  const folder = emptied(`consumer-${name}`);
  cpSync(join(projects, name), folder, { recursive: true });
  await npm(folder, ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", packed()]);
  const installed = readdirSync(join(folder, "node_modules")).filter((file) => !file.startsWith("."));
  assert.deepEqual(installed, ["simsim"], "it brings no dependencies");
  const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (scripts.build) await npm(folder, ["run", "--silent", "build"]);
  const secret = `consumers/${name}`;
  await kms.put(secret, VALUE);
  const said = await npm(folder, ["run", "--silent", "start"], {
    ALIBABA_CLOUD_ACCESS_KEY_ID: session.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: session.accessKeySecret,
    ALIBABA_CLOUD_SECURITY_TOKEN: session.securityToken,
    ALIBABA_CLOUD_REGION_ID: "cn-hangzhou",
    ALIBABA_CLOUD_KMS_ENDPOINT: kms.url,
    SECRET: secret,
  });
  const lines = said.trim().split("\n");
  for (const line of lines) assert.ok(line.startsWith(`${VALUE.length} characters`), said);
  // Each program of the project reads it twice or more, and asks the service once.
  assert.equal(await kms.reads(secret), lines.length);
}

const names = readdirSync(projects, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
await runCases("consumers", Object.fromEntries(names.map((name) => [name, () => consume(name)])), () => kms.stop());
