//! simsim/testing in Node and workerd: the emulator as an in-process fetch, and the real client on it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { runCases } from "./harness/cases.mjs";
import { unpackInto } from "./harness/package.mjs";
import { emptied } from "./harness/places.mjs";
import { newest, serveWorkerd } from "./harness/serve-workerd.mjs";
import { workerModules } from "./harness/workerd.mjs";

const pkg = unpackInto(emptied("testing"));

const { SecretClient } = await import(join(pkg, "node.mjs"));
const { createEmulator } = await import(join(pkg, "testing.mjs"));

const VALUE = "needle-value-open-sesame";
/** An emulator with one secret, and a client of it. */
function world(options, own = {}) {
  const kms = createEmulator({ secrets: { "db/password": VALUE }, ...options });
  return { kms, client: new SecretClient({ ...kms.clientOptions, ...own }) };
}
const reads = (kms) => kms.log().counts.GetSecretValue ?? 0;
/** Lets everything run that waits for nothing but its turn. */
async function settle() {
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
}

/** Whether all of many cold reads at once end where no timer ever does. */
async function endWithoutTimers(client) {
  const { setTimeout: real } = globalThis;
  globalThis.setTimeout = () => 0;
  try {
    const all = Promise.all(Array.from({ length: 50 }, () => client.getSecret("db/password")));
    return await Promise.race([all.then(() => true), settle().then(() => false)]);
  } finally {
    globalThis.setTimeout = real;
  }
}

await runCases("testing", {
  async "readers are told when the one that leads is done, but where requests are worlds of their own"() {
    const { kms, client } = world();
    assert.equal(await endWithoutTimers(client), true);
    assert.equal(reads(kms), 1);
    const { SecretClient: Isolated } = await import(join(pkg, "default.js"));
    const other = world();
    assert.equal(await endWithoutTimers(new Isolated(other.kms.clientOptions)), false);
  },

  async "a secret is read, once, and read again after a rotation"() {
    const { kms, client } = world();
    const many = await Promise.all(Array.from({ length: 20 }, () => client.getSecret("db/password")));
    assert.deepEqual(new Set(many.map((secret) => secret.text())), new Set([VALUE]));
    assert.equal(reads(kms), 1);
    const id = kms.rotate("db/password", "the next one");
    assert.equal((await client.getSecret("db/password")).text(), VALUE, "the cache has the old one");
    const fresh = await client.refresh("db/password");
    assert.equal(fresh.text(), "the next one");
    assert.equal(fresh.versionId, id);
    const previous = await client.getSecret("db/password", { versionStage: "ACSPrevious" });
    assert.equal(previous.text(), VALUE);
  },

  async "secrets are texts, bytes or described, and can be put later"() {
    const described = { value: { user: "u" }, type: "Rds", versionId: "v7" };
    const { kms, client } = world({ secrets: { bytes: new Uint8Array([0, 255, 10]), described } });
    assert.deepEqual([...(await client.getSecret("bytes")).bytes()], [0, 255, 10]);
    const secret = await client.getSecret("described");
    assert.deepEqual([secret.json(), secret.versionId], [{ user: "u" }, "v7"]);
    await assert.rejects(client.getSecret("later"), { code: "ERR_SIMSIM_NOT_FOUND" });
    kms.put("later", "here");
    assert.equal((await client.refresh("later")).text(), "here");
    kms.rotate("bytes", new Uint8Array([7]));
    assert.deepEqual([...(await client.refresh("bytes")).bytes()], [7]);
    kms.rotate("later", new Uint8Array([8]));
    assert.deepEqual([...(await client.refresh("later")).bytes()], [8]);
  },

  async "a throttle is survived, and counted"() {
    const { kms, client } = world();
    kms.throttle(2, { retryAfterMs: 1 });
    assert.equal((await client.getSecret("db/password")).text(), VALUE);
    assert.deepEqual(kms.log().calls.map((call) => call.status), [429, 429, 200]);
    assert.deepEqual(kms.log().counts, { GetSecretValue: 3 });
    assert.equal(kms.log().readsAnswered, 1);
    kms.resetLog();
    assert.deepEqual(kms.log(), { calls: [], counts: {}, readsAnswered: 0 });
  },

  async "what is denied, disabled or removed is refused, with nothing stale behind it"() {
    const { kms, client } = world();
    await client.getSecret("db/password");
    kms.deny("db/password");
    await assert.rejects(client.refresh("db/password"), { code: "ERR_SIMSIM_PERMISSION_DENIED" });
    await assert.rejects(client.getSecret("db/password"), { code: "ERR_SIMSIM_PERMISSION_DENIED" });
    kms.allow("db/password");
    assert.equal((await client.refresh("db/password")).text(), VALUE);
    kms.disable("db/password");
    await assert.rejects(client.refresh("db/password"), { code: "ERR_SIMSIM_DISABLED" });
    kms.restore("db/password");
    assert.equal((await client.refresh("db/password")).text(), VALUE);
    kms.remove("db/password");
    await assert.rejects(client.refresh("db/password"), { code: "ERR_SIMSIM_NOT_FOUND" });
  },

  async "every kind of fault reaches the client as what it is"() {
    for (const [fault, code] of [
      [{ kind: "reset" }, "ERR_SIMSIM_TRANSPORT"],
      [{ kind: "unreachable" }, "ERR_SIMSIM_TRANSPORT"],
      [{ kind: "truncated" }, "ERR_SIMSIM_TRANSPORT"],
      [{ kind: "oversized" }, "ERR_SIMSIM_PROTOCOL"],
      [{ kind: "malformed" }, "ERR_SIMSIM_PROTOCOL"],
      [{ kind: "html", status: 502 }, "ERR_SIMSIM_UNAVAILABLE"],
      [{ kind: "emptyBody", status: 503 }, "ERR_SIMSIM_UNAVAILABLE"],
      [{ kind: "emptyBody", status: 204 }, "ERR_SIMSIM_PROTOCOL"],
      [{ kind: "xml", status: 403, code: "Forbidden.NoPermission" }, "ERR_SIMSIM_PERMISSION_DENIED"],
      [{ kind: "status", status: 500, code: "InternalFailure" }, "ERR_SIMSIM_UNAVAILABLE"],
      [{ kind: "redirect", location: "https://elsewhere.example/" }, "ERR_SIMSIM_PROTOCOL"],
    ]) {
      const { kms, client } = world({}, { retry: { maxAttempts: 1 } });
      kms.fail({ ...fault, secret: "db/password" });
      await assert.rejects(client.getSecret("db/password"), { code }, JSON.stringify(fault));
      kms.recover();
      kms.put("another", "well");
      assert.equal((await client.getSecret("another")).text(), "well");
    }
  },

  async "late answers come when the emulator's clock says so"() {
    for (const kind of ["slowHeaders", "slowBody"]) {
      const { kms, client } = world({}, { retry: { maxAttempts: 1, attemptTimeoutMs: 5000 } });
      kms.fail({ kind, delayMs: 60_000, times: 1 });
      let arrived = false;
      const read = client.getSecret("db/password").then((secret) => ((arrived = true), secret));
      await settle();
      kms.clock.advance(59_000);
      await settle();
      assert.equal(arrived, false, kind);
      kms.clock.advance(1_000);
      assert.equal((await read).text(), VALUE);
    }
  },

  async "a hanging request ends with its caller's signal"() {
    const { kms } = world();
    kms.fail({ kind: "hang" });
    const abort = new AbortController();
    const asked = kms.fetch("https://kms.cn-hangzhou.aliyuncs.com/", { signal: abort.signal });
    await settle();
    abort.abort(new Error("enough"));
    await assert.rejects(asked, { message: "enough" });
  },

  async "a wrong clock is put right from the emulator's date"() {
    const { kms, client } = world();
    kms.clock.advance(-3_600_000);
    assert.equal((await client.getSecret("db/password")).text(), VALUE);
    assert.ok(Math.abs(kms.clock.now() - (Date.now() - 3_600_000)) < 1000);
    assert.deepEqual(kms.log().calls.map((call) => call.code), ["InvalidTimeStamp.Expired", null]);
  },

  async "sessions come from the metadata, a CredentialsURI and an OIDC token, and a client reads with them"() {
    const [provider, role] = ["acs:ram::1234567890123456:oidc-provider/ci", "acs:ram::1234567890123456:role/reader"];
    const { kms } = world({
      roles: [{ arn: role, trust: [provider] }], oidcProviders: [provider], instanceRole: "ecs-reader", credentialsUri: "/creds",
    });
    const text = async (...asked) => (await kms.fetch(...asked)).text();
    const base = "http://100.100.100.200/latest";
    const headers = {
      "x-aliyun-ecs-metadata-token": await text(`${base}/api/token`, {
        method: "PUT", headers: { "x-aliyun-ecs-metadata-token-ttl-seconds": "60" },
      }),
    };
    const name = await text(`${base}/meta-data/ram/security-credentials/`, { headers });
    const assume = (token) => text("https://sts.cn-hangzhou.aliyuncs.com/", {
      method: "POST",
      headers: { "x-acs-action": "AssumeRoleWithOIDC", "x-acs-version": "2015-04-01" },
      body: new URLSearchParams({ RoleArn: role, RoleSessionName: "test", OIDCProviderArn: provider, OIDCToken: token }),
    });
    const sessions = [
      await text(`${base}/meta-data/ram/security-credentials/${name}`, { headers }),
      await text("http://127.0.0.1:6666/creds"),
      JSON.stringify(JSON.parse(await assume(kms.oidcToken(provider, { subject: "app" }))).Credentials),
    ];
    for (const session of sessions) {
      const { AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken } = JSON.parse(session);
      const credentials = { accessKeyId, accessKeySecret, securityToken };
      const client = new SecretClient({ ...kms.clientOptions, credentials });
      assert.equal((await client.getSecret("db/password")).text(), VALUE);
      kms.expireSession(accessKeyId);
      await assert.rejects(client.refresh("db/password"), { code: "ERR_SIMSIM_CREDENTIALS_REJECTED" });
    }
    const over = JSON.parse(await assume(kms.oidcToken(provider, { lifetimeSeconds: 0 })));
    assert.equal(over.Code, "AuthenticationFail.OIDCToken.Expired");
    const elsewhere = JSON.parse(await assume(kms.oidcToken(provider, { audience: "elsewhere" })));
    assert.equal(elsewhere.Code, "AuthenticationFail.OIDCToken.AudienceNotMatch");
    const { GetSecretValue, ...others } = kms.log().counts;
    assert.deepEqual(others, { AssumeRoleWithOIDC: 3, CredentialsUri: 1, MetadataCredentials: 1, MetadataRole: 1, MetadataToken: 1 });
    const logged = JSON.stringify(kms.log());
    for (const session of sessions) assert.ok(!logged.includes(JSON.parse(session).SecurityToken));
  },

  async "the token of a real issuer is taken by the key that it publishes"() {
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
    const pair = await crypto.subtle.generateKey({ ...rsa, ...size }, true, ["sign", "verify"]);
    const { kty, n, e } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const [arn, role] = ["acs:ram::1234567890123456:oidc-provider/k8s", "acs:ram::1234567890123456:role/pod"];
    const issuer = "https://kubernetes.default.svc";
    const { kms } = world({
      roles: [role], oidcProviders: [{ arn, issuer, jwks: { keys: [{ kty, n, e, kid: "1", alg: "RS256", use: "sig" }] } }],
    });
    const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
    const token = async (claims) => {
      const now = Math.floor(kms.clock.now() / 1000);
      const body = { iss: issuer, aud: ["sts.aliyuncs.com"], sub: "system:serviceaccount:a:b", iat: now, exp: now + 600, ...claims };
      const parts = [{ alg: "RS256", kid: "1" }, body].map((part) => base64url(new TextEncoder().encode(JSON.stringify(part))));
      const signature = await crypto.subtle.sign(rsa, pair.privateKey, new TextEncoder().encode(parts.join(".")));
      return [...parts, base64url(new Uint8Array(signature))].join(".");
    };
    const assume = async (OIDCToken) => {
      const body = new URLSearchParams({ RoleArn: role, RoleSessionName: "pod", OIDCProviderArn: arn, OIDCToken });
      const headers = { "x-acs-action": "AssumeRoleWithOIDC", "x-acs-version": "2015-04-01" };
      const answer = await kms.fetch("https://sts.cn-hangzhou.aliyuncs.com/", { method: "POST", headers, body });
      const { Code, OIDCTokenInfo } = await answer.json();
      return Code ?? OIDCTokenInfo.Subject;
    };
    const good = await token({});
    assert.equal(await assume(good), "system:serviceaccount:a:b");
    const [header, , signature] = good.split(".");
    const forged = [header, (await token({ sub: "system:serviceaccount:kube-system:admin" })).split(".")[1], signature];
    assert.equal(await assume(forged.join(".")), "AuthenticationFail.OIDCToken.InvalidSignature");
    assert.equal(await assume(await token({ exp: 1 })), "AuthenticationFail.OIDCToken.Expired");
  },

  async "an outage of one service leaves the others well"() {
    const { kms, client } = world({ credentialsUri: "/creds" });
    kms.fail({ kind: "unreachable", service: "credentialsUri" });
    await assert.rejects(kms.fetch("http://127.0.0.1/creds"), (error) => error.cause.code === "ECONNREFUSED");
    assert.equal((await client.getSecret("db/password")).text(), VALUE);
    kms.recover();
    assert.equal((await kms.fetch("http://127.0.0.1/creds")).status, 200);
    assert.equal((await kms.fetch("http://100.100.100.200/latest/meta-data/ram/security-credentials/")).status, 404);
  },

  async "fake timers move the client and the emulator together"() {
    const { kms, client } = world({}, { cache: { ttlMs: 60_000 } });
    await client.getSecret("db/password");
    const real = Date.now;
    Date.now = () => real() + 3_600_000;
    try {
      kms.rotate("db/password", "an hour later");
      assert.equal((await client.getSecret("db/password")).text(), "an hour later");
      assert.ok(Math.abs(kms.log().calls.at(-1).atMs - Date.now()) < 1000);
    } finally {
      Date.now = real;
    }
  },

  async "signatures are judged: a wrong key, and a session that ended"() {
    const { kms, client } = world();
    const wrong = { ...kms.clientOptions.credentials, accessKeySecret: "needle-wrong-key" };
    const error = await new SecretClient({ ...kms.clientOptions, credentials: wrong }).getSecret("db/password").catch((e) => e);
    assert.equal(error.code, "ERR_SIMSIM_CREDENTIALS_REJECTED");
    assert.equal(kms.log().calls[0].code, "SignatureDoesNotMatch");
    kms.expireSession();
    await assert.rejects(client.getSecret("db/password"), { code: "ERR_SIMSIM_CREDENTIALS_REJECTED" });
    const pair = { accessKeyId: "LTAI-own", accessKeySecret: "own" };
    assert.equal((await world({ credentials: pair }).client.getSecret("db/password")).text(), VALUE);
  },

  async "the log and the errors never show a value, a key or a token"() {
    const credentials = { accessKeyId: "STS.shown", accessKeySecret: "needle-key", securityToken: "needle-token" };
    const { kms, client } = world({ credentials });
    await client.getSecret("db/password");
    kms.rotate("db/password", "needle-rotated");
    kms.deny("db/password");
    await client.refresh("db/password").catch(() => {});
    const logged = JSON.stringify(kms.log());
    assert.ok(logged.includes("STS.shown") && logged.includes("db/password"));
    assert.ok(!logged.includes("needle"), logged);
    for (const mistake of [
      () => createEmulator({ secrets: { bad: { value: "needle", needless: 1 } } }),
      () => createEmulator({ secrets: { "": "needle" } }),
      () => createEmulator({ secrets: { n: 5 } }),
      () => createEmulator({ secret: "needle" }),
      () => kms.put("x", { value: "needle", state: "needle" }),
      () => kms.rotate("not there", "needle"),
      () => kms.fail({ kind: "needle" }),
      () => kms.fail({ kind: "hang", service: "needle" }),
      () => kms.oidcToken("needle"),
      () => createEmulator({ oidcProviders: ["needle"] }),
      () => createEmulator({ instanceRole: { name: "needle", v2only: true } }),
      () => kms.clock.advance(0.5),
    ]) {
      assert.throws(mistake, (error) => error instanceof TypeError && !error.message.includes("needle\""), String(mistake));
    }
  },

  async "a value nested too deep is refused, one that is not is kept"() {
    const nested = (depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    const { kms, client } = world();
    kms.put("deep", { value: nested(100) });
    assert.deepEqual((await client.getSecret("deep")).json(), nested(100));
    assert.throws(() => kms.put("deeper", { value: nested(1_000) }), TypeError);
    assert.equal((await client.refresh("deep")).text(), JSON.stringify(nested(100)));
  },

  async "simsim/testing is there for every way to import it"() {
    for (const given of [createRequire(import.meta.url)(join(pkg, "testing.cjs")), await import(join(pkg, "testing/embedded.js"))]) {
      const kms = given.createEmulator({ secrets: { a: "b" } });
      assert.equal((await new SecretClient(kms.clientOptions).getSecret("a")).text(), "b");
    }
  },

  async "a worker can have its own KMS, made at module scope"() {
    for (const date of ["2023-03-01", newest]) {
      const { folder, modules } = await workerModules(`testing ${date}`, {}, "hosts/testing-worker.mjs");
      const { ask, stop } = await serveWorkerd(folder, modules, { date });
      try {
        assert.deepEqual(await ask(""), { texts: ["open sesame", "open wheat"], statuses: [200, 429, 200] });
      } finally {
        stop();
      }
    }
  },

  async "no entry of the client contains any of it"() {
    const { exports } = JSON.parse(readFileSync(join(pkg, "package.json"), "utf8"));
    const files = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry).flatMap(files));
    const inputs = async (entry) => {
      const external = ["*.wasm", "*.wasm?module", "node:*", "cloudflare:*"];
      const options = { bundle: true, write: false, metafile: true, format: "esm", platform: "neutral", external, logLevel: "error" };
      const scripts = files(entry).filter((file) => !/\.d\.c?ts$/.test(file));
      const built = await Promise.all(scripts.map((file) => build({ ...options, entryPoints: [join(pkg, file)] })));
      const names = built.flatMap(({ metafile }) => Object.keys(metafile.inputs));
      return names.filter((file) => /testing/.test(file.slice(file.lastIndexOf("node_modules/simsim/"))));
    };
    assert.ok((await inputs(exports["./testing"])).length > 0, "the search finds what is there");
    for (const [name, entry] of Object.entries(exports)) {
      if (name !== "./testing" && typeof entry === "object") assert.deepEqual(await inputs(entry), [], name);
    }
  },

  async "emulators share nothing"() {
    const [one, other] = [world(), world()];
    one.kms.deny("db/password");
    one.kms.fail({ kind: "hang" });
    assert.equal((await other.client.getSecret("db/password")).text(), VALUE);
    assert.equal(reads(one.kms), 0);
  },
});
