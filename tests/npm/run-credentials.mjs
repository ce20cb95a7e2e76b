//! simsim/credentials on a machine: files, variables, programs and metadata, in Node, Deno and Bun; and Alibaba's package.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { runCases } from "./harness/cases.mjs";
import { session, startKms } from "./harness/emulator.mjs";
import { stage } from "./harness/package.mjs";
import { here } from "./harness/places.mjs";
import { bun, deno, installed } from "./harness/program.mjs";

const ACCOUNT = "acs:ram::1234567890123456";
const folder = stage("credentials", {}, [join(here, "hosts")]);
const pkg = join(folder, "node_modules/simsim");
const { SecretClient } = await import(join(pkg, "node.mjs"));
const { assumeRole, credentialsUri, ecsRamRole, environment, oidc, profile } = await import(join(pkg, "credentials.mjs"));
const { default: Credential, Config } = installed("@alicloud/credentials");

const kms = await startKms("credentials");
await kms.put("a", "needle-value");
const roleArn = `${ACCOUNT}:role/reader`;
await kms.call("role", { arn: roleArn });
const client = (credentials) => new SecretClient({ endpoint: kms.url, regionId: "cn-hangzhou", credentials });

/** A home folder with a profile file. */
function home(label, config) {
  const path = join(folder, `home-${label}`);
  mkdirSync(join(path, ".aliyun"), { recursive: true });
  writeFileSync(join(path, ".aliyun/config.json"), typeof config === "string" ? config : JSON.stringify(config));
  return path;
}
const { accessKeyId: id, accessKeySecret: secret, securityToken: token } = session;
const keys = { name: "default", mode: "StsToken", access_key_id: id, access_key_secret: secret, sts_token: token, region_id: "cn-hangzhou" };
const program = join(folder, "issue.mjs");
writeFileSync(program, `console.log(JSON.stringify(${JSON.stringify({ mode: "StsToken", access_key_id: id, access_key_secret: secret, sts_token: token })}))`);
const homes = {
  keys: home("keys", { current: "default", profiles: [keys] }),
  external: home("external", { current: "x", profiles: [{ name: "x", mode: "External", process_command: `${process.execPath} ${program}` }] }),
  broken: home("broken", '{"needle-file": '),
  none: join(folder, "home-none"),
};

/** What a program without credentials reads on a machine. */
async function machine(command, variables) {
  const [file, ...args] = command;
  const env = { PATH: process.env.PATH, ALIBABA_CLOUD_ECS_METADATA_DISABLED: "true", ...variables };
  const { stdout, stderr } = await promisify(execFile)(file, [...args, "a", kms.url], { cwd: folder, env });
  assert.ok(!/needle-(?!value)/.test(stdout + stderr), stdout + stderr);
  return JSON.parse(stdout);
}
const host = "hosts/machine.mjs";
const runtimes = {
  Node: [process.execPath, host],
  Deno: [deno(), "run", "--allow-all", "--no-prompt", host],
  Bun: [bun(), host],
};
const chains = {};
for (const [name, command] of Object.entries(runtimes)) {
  chains[`${name} finds the keys of a profile, those of a program, and variables before both`] = async () => {
    assert.deepEqual(await machine(command, { HOME: homes.keys }), { text: "needle-value", source: "profile" });
    assert.deepEqual(await machine(command, { HOME: homes.external }), { text: "needle-value", source: "profile" });
    const variables = { ALIBABA_CLOUD_ACCESS_KEY_ID: id, ALIBABA_CLOUD_ACCESS_KEY_SECRET: secret, ALIBABA_CLOUD_SECURITY_TOKEN: token };
    assert.deepEqual(await machine(command, { HOME: homes.broken, ...variables }), { text: "needle-value", source: "static_sts" });
  };
  chains[`${name} lists what is missing, and stops at what is broken`] = async () => {
    const none = await machine(command, { HOME: homes.none });
    assert.equal(none.code, "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE", JSON.stringify(none));
    for (const source of ["environment", "oidc", "profile", "ini_profile", "credentials_uri", "ecs_ram_role"]) {
      assert.ok(none.message.includes(`; ${source}: `), none.message);
    }
    const broken = await machine(command, { HOME: homes.broken });
    assert.match(broken.message, /config\.json/);
  };
}

await runCases("credentials", {
  ...chains,

  async "Deno without permissions has nothing configured, and asks for none"() {
    const allowed = ["run", "--no-prompt", "--allow-net", host];
    const none = await machine([deno(), ...allowed], { HOME: homes.keys });
    assert.equal(none.code, "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE", JSON.stringify(none));
    assert.match(none.message, /no source is configured/);
  },

  async "a profile, by its name and its file"() {
    const provider = profile({ profile: "default", file: join(homes.keys, ".aliyun/config.json") });
    assert.equal(await client(provider).text("a"), "needle-value");
    await assert.rejects(profile({ profile: "other", file: join(homes.keys, ".aliyun/config.json") }).getCredentials(), /other/);
  },

  async "an instance's role, from its metadata"() {
    await kms.call("instance-role", { name: "ecs-reader" });
    const provider = ecsRamRole({ endpoint: kms.url });
    assert.equal(await client(provider).text("a"), "needle-value");
    assert.equal(provider.status().source, "ecs_ram_role");
    await kms.call("instance-role/detach", {});
    await assert.rejects(ecsRamRole({ endpoint: kms.url }).getCredentials(), { code: "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE" });
    assert.throws(() => ecsRamRole({ endpoint: "http://h.example" }), /endpoint/);
  },

  async "a token in a file is read for each session, and its absence told by the file's name"() {
    const oidcProviderArn = `${ACCOUNT}:oidc-provider/ci`;
    await kms.call("oidc-provider", { arn: oidcProviderArn });
    await kms.call("role", { arn: `${ACCOUNT}:role/ci`, trust: [oidcProviderArn] });
    const tokenFile = join(folder, "token");
    const provider = oidc({ roleArn: `${ACCOUNT}:role/ci`, oidcProviderArn, tokenFile, endpoint: kms.url });
    await assert.rejects(provider.getCredentials(), (error) => error.message.includes(tokenFile));
    writeFileSync(tokenFile, `${(await kms.call("oidc-token", { provider: oidcProviderArn })).token}\n`);
    const late = oidc({ roleArn: `${ACCOUNT}:role/ci`, oidcProviderArn, tokenFile, endpoint: kms.url });
    assert.equal(await client(late).text("a"), "needle-value");
  },

  async "the environment's keys, and those of given values"() {
    const given = { ALIBABA_CLOUD_ACCESS_KEY_ID: id, ALIBABA_CLOUD_ACCESS_KEY_SECRET: secret, ALIBABA_CLOUD_SECURITY_TOKEN: token };
    assert.equal(await client(environment(given)).text("a"), "needle-value");
    await assert.rejects(environment({}).getCredentials(), { code: "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE" });
  },

  async "ours given to @alicloud/credentials, theirs given to us"() {
    const ours = assumeRole({ roleArn, source: session, endpoint: kms.url });
    const credential = new Credential(null, ours);
    const model = await credential.getCredential();
    const { accessKeyId, securityToken } = await ours.getCredentials();
    assert.deepEqual([model.accessKeyId, model.securityToken, model.providerName], [accessKeyId, securityToken, undefined]);
    assert.deepEqual([await credential.getAccessKeyId(), credential.getType()], [accessKeyId, "assume_role"]);
    const theirs = new Credential(new Config({ type: "sts", accessKeyId: id, accessKeySecret: secret, securityToken: token }));
    assert.equal(await client(theirs).text("a"), "needle-value");
    assert.equal(await client(assumeRole({ roleArn, source: theirs, endpoint: kms.url })).text("a"), "needle-value");
  },

  async "one provider serves several clients with one session"() {
    await kms.call("reset-log", {});
    const provider = assumeRole({ roleArn, source: session, endpoint: kms.url });
    const texts = await Promise.all(Array.from({ length: 20 }, () => client(provider).text("a")));
    assert.ok(texts.every((text) => text === "needle-value"));
    assert.equal((await kms.call("counts")).calls.AssumeRole, 1);
  },

  async "a CommonJS program has the same class of errors"() {
    const { createRequire } = await import("node:module");
    const require = createRequire(join(pkg, "x.cjs"));
    const { SimsimError } = require("./errors.cjs");
    assert.throws(() => require("./credentials.cjs").credentialsUri("ftp://h.example"), SimsimError);
    assert.throws(() => credentialsUri("ftp://h.example"), SimsimError);
  },
}, () => kms.stop());
