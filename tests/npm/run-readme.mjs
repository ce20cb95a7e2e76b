//! The JavaScript of the READMEs, as a reader would copy it: each block runs in Node against the emulator.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { runCases } from "./harness/cases.mjs";
import { startKms } from "./harness/emulator.mjs";
import { unpackInto } from "./harness/package.mjs";
import { emptied, root } from "./harness/places.mjs";

/** The keys that the READMEs show. */
const keys = { accessKeyId: "LTAI-example", accessKeySecret: "not-a-real-secret" };
const kms = await startKms("readme");
await kms.call("access-key", { id: keys.accessKeyId, secret: keys.accessKeySecret });
for (const [name, value] of Object.entries({
  "db/password": "open sesame", "db/login": { user: "u", host: "h" }, "smtp/login": "s", "api/key": "k",
})) {
  await kms.put(name, value);
}

const folder = emptied("readme");
unpackInto(folder);
const blocks = (path) => [...readFileSync(join(root, path), "utf8").matchAll(/^```js\n(.*?)^```/gms)].map(([, text]) => text);
/** What the text leaves to its reader: the gateway is the emulator, and there is a database. */
const PRELUDE = `import { SecretClient } from "simsim";
const { accessKeyId, accessKeySecret, securityToken } = ${JSON.stringify(keys)};
const query = async ({ user }) => [user];
`;
async function ran(name, text) {
  const pointed = text.replace(/import .* from "simsim";\n/g, "").replaceAll("new SecretClient({", `new SecretClient({ endpoint: "${kms.url}",`);
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, PRELUDE + pointed + (text.includes("export default") ? "" : "\nexport { client };\n"));
  return import(file);
}

const [own, overview] = [blocks("pkg-template/README.md"), blocks("README.md")];
const workers = own.filter((text) => text.includes("export default"));
await runCases("readme", {
  async "the first value of the project's page"() {
    assert.equal(overview.length, 1, "blocks");
    const { client } = await ran("overview", overview[0]);
    assert.equal(await client.text("db/password"), "open sesame");
  },

  async "the package's page: a role, assumed with a key"() {
    const [script, ...more] = own.filter((text) => text.includes("assumeRole"));
    assert.equal(more.length, 0);
    await kms.call("role", { arn: /acs:ram::\d+:role\/\w+/.exec(script)[0] });
    const { client } = await ran("role", script.replace("assumeRole({", `assumeRole({ endpoint: "${kms.url}",`));
    assert.equal(await client.text("db/password"), "open sesame");
    assert.equal(client.status().credentialSource, "assume_role");
  },

  async "the page on credentials: scripts that parse, policies that are JSON"() {
    const page = readFileSync(join(root, "CREDENTIALS.md"), "utf8");
    const all = (language) => [...page.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^ *\`\`\``, "gms"))].map(([, , text]) => text);
    const [scripts, policies] = [all("js"), all("json").map((text) => JSON.parse(text))];
    assert.ok(scripts.length >= 6 && policies.length >= 4, `${scripts.length} scripts, ${policies.length} policies`);
    for (const [at, script] of scripts.entries()) {
      const file = join(folder, `credentials-${at}.mjs`);
      writeFileSync(file, script);
      execFileSync(process.execPath, ["--check", file]);
      for (const [, names, from] of script.matchAll(/import \{ (.*) \} from "(simsim.*)"/g)) {
        const exports = createRequire(file)(from);
        for (const name of names.split(", ")) assert.equal(typeof exports[name], "function", `${name} of ${from}`);
      }
    }
    for (const { Version, Statement } of policies.filter((policy) => policy.Version)) {
      assert.equal(Version, "1");
      assert.ok(Statement.every(({ Effect, Action }) => Effect === "Allow" && /^(kms|sts):/.test(Action)));
    }
  },

  async "the package's page, from the first value to the login that was rotated"() {
    const scripts = own.filter((text) => !workers.includes(text) && !/functionCompute|createEmulator|assumeRole/.test(text));
    assert.ok(scripts.length >= 2, `${scripts.length} blocks`);
    const { client } = await ran("package", scripts.join("\n"));
    assert.equal(client.status().credentialSource, "static_ak");
  },

  async "the worker that hands over its env"() {
    assert.equal(workers.length, 1, "blocks");
    const { default: worker } = await ran("worker", workers[0]);
    const env = {
      ALIBABA_CLOUD_ACCESS_KEY_ID: keys.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: keys.accessKeySecret,
      ALIBABA_CLOUD_REGION_ID: "cn-hangzhou", ALIBABA_CLOUD_KMS_ENDPOINT: kms.url, SOME_BINDING: {},
    };
    const answer = await worker.fetch(new Request("http://worker/"), env, { waitUntil: () => {} });
    assert.equal(await answer.text(), "ready");
  },
}, () => kms.stop());
