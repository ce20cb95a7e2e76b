// Providers of simsim/credentials: sessions are shared, chained, renewed, refused, and never printed.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { session } from "../harness/emulator.mjs";

const ACCOUNT = "acs:ram::1234567890123456";

export function credentials({ kms, ask, many, isolated = false, secret, until }) {
  let serial = 0;
  /** A role of this case alone. */
  const role = async (more) => {
    const arn = `${ACCOUNT}:role/case-${++serial}`;
    await kms.call("role", { arn, ...more });
    return arn;
  };
  const assumed = (roleArn, more) => ({ kind: "assumeRole", endpoint: kms.url, roleArn, source: session, ...more });
  const calls = async (action) => (await kms.call("log")).calls.filter((call) => call.action === action);
  /** A case with its own secret and log; what is printed is looked through for keys. */
  const prepared = async (description, options) => {
    const name = await secret();
    await kms.call("reset-log", {});
    await ask("provide", { description, options });
    return name;
  };
  const quiet = (answer) => assert.ok(!/needle/.test(JSON.stringify(answer)), "a key was printed");

  return {
    async "500 reads at once with a cold provider cost one session and one read"() {
      const name = await prepared(assumed(await role()));
      const answers = await many(50, () => ask("providedRead", { name, times: 10 }));
      for (const { text, alike, error } of answers) assert.ok(text === "needle-value" && alike, JSON.stringify(error));
      const most = isolated ? 2 : 1;
      const [sts, reads] = [(await calls("AssumeRole")).length, await kms.reads(name)];
      assert.ok(sts <= most && reads <= most, `${sts} sessions, ${reads} reads`);
      assert.equal(answers[0].status.source, "assume_role");
    },

    async "roles chain, and the last one reads"() {
      const [first, second] = [await role(), await role()];
      const name = await prepared(assumed(second, { source: assumed(first) }));
      const { text, error } = await ask("providedRead", { name });
      assert.equal(text, "needle-value", JSON.stringify(error));
      const sts = await calls("AssumeRole");
      assert.equal(sts.length, 2);
      const [read] = await calls("GetSecretValue");
      assert.ok(read.accessKeyId.startsWith("STS.") && !sts.some((call) => call.accessKeyId === read.accessKeyId));
    },

    async "a provider stands on its own, and for Alibaba Cloud's packages"() {
      const principal = await role();
      await prepared(assumed(principal));
      const given = await ask("given");
      assert.deepEqual(
        { ...given, accessKeyId: given.accessKeyId.slice(0, 4) },
        { accessKeyId: "STS.", principal, whole: true, dated: true, same: true, type: "sts", providerName: "assume_role" },
      );
    },

    async "an OIDC token comes from a function, for each session anew"() {
      const provider = `${ACCOUNT}:oidc-provider/case-${++serial}`;
      await kms.call("oidc-provider", { arn: provider });
      const token = async (more) => (await kms.call("oidc-token", { provider, ...more })).token;
      const tokens = [await token({ lifetimeSeconds: 0 }), await token()];
      const roleArn = await role({ trust: [provider] });
      const name = await prepared({ kind: "oidc", endpoint: kms.url, roleArn, oidcProviderArn: provider, tokens });
      const { text, error, status } = await ask("providedRead", { name });
      assert.equal(text, "needle-value", JSON.stringify(error));
      assert.equal(status.source, "oidc");
      // The first one had expired.
      assert.deepEqual((await calls("AssumeRoleWithOIDC")).map((call) => call.status), [401, 200]);
    },

    async "an address gives sessions"() {
      await kms.call("credentials-uri", { path: "/case-credentials" });
      const name = await prepared({ kind: "credentialsUri", uri: `${kms.url}/case-credentials` });
      const { text, error, status } = await ask("providedRead", { name });
      assert.equal(text, "needle-value", JSON.stringify(error));
      assert.equal(status.source, "credentials_uri");
    },

    async "a session that KMS refuses is replaced once"() {
      const name = await prepared(assumed(await role()));
      await ask("providedRead", { name });
      const [{ accessKeyId }] = await calls("GetSecretValue");
      await kms.call("session/expire", { id: accessKeyId });
      const { text, error } = await ask("providedRead", { name, options: { maxAgeMs: 0 } });
      assert.equal(text, "needle-value", JSON.stringify(error));
      assert.equal((await calls("AssumeRole")).length, 2);
    },

    async "a role that is refused is a typed error with the service's code, and no key in it"() {
      const name = await prepared(assumed(`${ACCOUNT}:role/not-there`, { policy: '{"needle":1}', externalId: "needle" }));
      const answer = await ask("providedRead", { name });
      assert.equal(answer.error.code, "ERR_SIMSIM_CREDENTIALS_REJECTED", JSON.stringify(answer));
      assert.equal(answer.error.cause.serviceCode, "EntityNotExist.Role");
      assert.match(answer.error.message, /AssumeRole/);
      quiet(answer);
    },

    async "STS that is down is told as such, and read again when it is back"() {
      const name = await prepared(assumed(await role()), { timeoutMs: 3000 });
      await kms.call("fault", { kind: "status", status: 503, code: "ServiceUnavailable", action: "AssumeRole" });
      const answer = await ask("providedRead", { name });
      assert.equal(answer.error.code, "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE", JSON.stringify(answer));
      quiet(answer);
      await kms.calm();
      await until(async () => (await ask("providedRead", { name })).text === "needle-value", 5500);
    },

    async "the requests of one call are bounded, a provider's own included"() {
      const roleArn = await role();
      const name = await prepared(assumed(roleArn), { maxRequestsPerCall: 1 });
      const { error } = await ask("providedRead", { name });
      assert.equal(error.code, "ERR_SIMSIM_BUDGET_EXCEEDED");
      // The session is there now.
      assert.equal((await ask("providedRead", { name })).text, "needle-value");
      const another = await prepared(assumed(roleArn), { maxRequestsPerCall: 2 });
      assert.equal((await ask("providedRead", { name: another })).text, "needle-value");
    },

    async "a provider whose memory breaks is made anew, and its client need not know"() {
      const name = await prepared(assumed(await role()));
      await ask("providedRead", { name });
      await ask("break", { which: 1 });
      await ask("break", { which: 0 });
      const { text, error } = await ask("providedRead", { name, options: { maxAgeMs: 0 } });
      assert.equal(text, "needle-value", JSON.stringify(error));
      assert.equal((await calls("AssumeRole")).length, 2);
    },

    async "a provider that is closed gives nothing any more"() {
      await prepared(assumed(await role()));
      const { error } = await ask("closed");
      assert.equal(error.cause.code, "ERR_SIMSIM_CLOSED");
    },

    async "wrong options are typed errors that name the field"() {
      const roleArn = `${ACCOUNT}:role/reader`;
      for (const [kind, options, field] of [
        ["assumeRole", undefined, "roleArn"],
        ["assumeRole", { roleArn }, "source"],
        ["assumeRole", { roleArn: `${roleArn}/needle`, source: session }, "roleArn"],
        ["assumeRole", { roleArn, source: session, durationSeconds: 899 }, "durationSeconds"],
        ["assumeRole", { roleArn, source: session, roleSessionName: "x" }, "roleSessionName"],
        ["assumeRole", { roleArn, source: session, externalID: "needle" }, "externalID"],
        ["assumeRole", { roleArn, source: session, endpoint: "http://sts.example" }, "endpoint"],
        ["oidc", { roleArn, oidcProviderArn: "ci", token: "needle" }, "oidcProviderArn"],
        ["oidc", { roleArn, oidcProviderArn: `${ACCOUNT}:oidc-provider/ci` }, "token"],
        ["credentialsUri", "http://needle.example/", "uri"],
        ["credentialsUri", "https://user:needle@h.example/", "uri"],
      ]) {
        const { code, message, ours } = await ask("refusedProvider", { kind, options });
        assert.equal(code, "ERR_SIMSIM_CONFIG", `${kind} ${field}: ${message}`);
        assert.ok(ours && message.startsWith(`invalid configuration: ${field}: `) && !message.includes("needle"), message);
      }
    },
  };
}
