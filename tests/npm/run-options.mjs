//! What the driver takes and refuses as options, by tests/vectors/options.json: the same as the builder in Rust.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCases } from "./harness/cases.mjs";
import { unpackInto } from "./harness/package.mjs";
import { emptied, root } from "./harness/places.mjs";

const { SecretClient } = await import(join(unpackInto(emptied("options")), "node.mjs"));
const vectors = JSON.parse(readFileSync(join(root, "tests/vectors/options.json"), "utf8"));

const key = { accessKeyId: "LTAI-example", accessKeySecret: "not-a-real-secret" };
const text = (value) => (typeof value === "object" ? value.repeat.repeat(value.times) : value);

/** Calls `judge` with each name and value of a table of `good` and `bad` ones. */
function each(table, judge) {
  for (const [name, { good, bad }] of Object.entries(table)) {
    assert.ok(good.length && bad.length, name);
    for (const value of good) judge(name, text(value), true);
    for (const value of bad) judge(name, text(value), false);
  }
}

/** What making a client says: "taken", or the message of its configuration error. */
function said(make) {
  try {
    make().close();
    return "taken";
  } catch (error) {
    assert.equal(error.code, "ERR_SIMSIM_CONFIG", String(error.stack));
    return error.message;
  }
}

/** A client that keeps what it sends. */
function recording(options) {
  const sent = [];
  const fetch = async (url) => {
    sent.push(url);
    throw new Error("nothing is to be sent");
  };
  return { sent, client: new SecretClient({ credentials: key, regionId: "cn-hangzhou", retry: false, fetch, ...options }) };
}

/** What reading says, when credentials come from a function. */
async function read(credentials) {
  const { sent, client } = recording({ credentials: async () => credentials });
  const error = await client.getSecret("a").catch((failure) => failure);
  return { sent: sent.length, error };
}

await runCases("options", {
  async "options are taken, or refused by name when the client is made"() {
    each(vectors.options, (path, value, good) => {
      const [first, second] = path.split(".");
      const nested = first === "credentials" ? { ...key, [second]: value } : { [second]: value };
      const message = said(() => new SecretClient({ credentials: key, [first]: second ? nested : value }));
      assert.equal(message === "taken", good, `${path}: ${JSON.stringify(value)}: ${message}`);
      if (!good) assert.ok(message.startsWith(`invalid configuration: ${path}: `), message);
    });
  },

  async "what a credentials function gives is checked alike, before anything is sent"() {
    const rows = Object.entries(vectors.options).filter(([path]) => path.startsWith("credentials."));
    assert.equal(rows.length, 3);
    for (const [path, { good, bad }] of rows) {
      const given = (value) => ({ ...key, [path.slice("credentials.".length)]: text(value) });
      for (const value of good) assert.equal((await read(given(value))).sent, 1, `${path}: ${JSON.stringify(value)}`);
      for (const value of bad) {
        const { sent, error } = await read(given(value));
        assert.deepEqual([sent, error.code], [0, "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE"], `${path}: ${JSON.stringify(value)}`);
        assert.match(error.cause.message, new RegExp(`${path}: must be `));
      }
    }
  },

  async "variables are taken, or refused by name when the client is made"() {
    each(vectors.variables, (name, value, good) => {
      const values = { ALIBABA_CLOUD_ACCESS_KEY_ID: "not-a-real-key", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "not-a-real-key", [name]: value };
      const message = said(() => SecretClient.fromConfig(values));
      assert.equal(message === "taken", good, `${name}: ${JSON.stringify(value)}: ${message}`);
      if (!good && !/ACCESS_KEY|TOKEN/.test(name)) assert.ok(message.startsWith(`invalid configuration: ${name}: `), message);
    });
  },

  async "the client of another principal keeps the region of the values"() {
    const keys = { ALIBABA_CLOUD_ACCESS_KEY_ID: "not-a-real-key", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "not-a-real-key" };
    const client = SecretClient.fromConfig({ ...keys, ALIBABA_CLOUD_REGION_ID: "cn-beijing" });
    const other = client.forPrincipal({ accessKeyId: "another", accessKeySecret: "not-a-real-key" });
    assert.deepEqual([client.status().regionId, other.status().regionId], ["cn-beijing", "cn-beijing"]);
  },

  async "a read goes to the endpoint's host"() {
    for (const [endpoint, host] of vectors.hosts) {
      for (const given of [endpoint, endpoint.includes("://") ? new URL(endpoint) : endpoint]) {
        const { sent, client } = recording({ endpoint: given });
        await client.getSecret("a").catch(() => {});
        const { protocol, host: to } = new URL(sent[0]);
        assert.deepEqual([to, protocol], [host, endpoint.startsWith("http:") ? "http:" : "https:"], endpoint);
      }
    }
  },

  async "a list of regions names one place, and is trusted as little as any variable"() {
    const config = (list) => ({ credentials_type: "ak", credentials_access_key_id: "id", credentials_access_secret: "s", cache_client_region_id: list });
    for (const list of [[{ regionId: "cn-hangzhou" }], '[{"endpoint":"kms.cn-hangzhou.aliyuncs.com","vpc":"TRUE"}]', "", undefined]) {
      assert.equal(said(() => SecretClient.fromConfig(config(list))), "taken", JSON.stringify(list));
    }
    for (const list of [
      "cn-hangzhou", "[]", "{}", "null", [{}], [{ regionId: "a" }, { regionId: "b" }], [{ regionId: "CN" }], [{ regionId: 5 }], [{ endpoint: "evil.example" }],
      [{ regionId: "a", vpc: "perhaps" }], [{ regionId: "a", caFilePath: "/ca.pem" }], 7,
    ]) {
      const message = said(() => SecretClient.fromConfig(config(list)));
      assert.ok(message.startsWith("invalid configuration: cache_client_region_id: "), `${JSON.stringify(list)}: ${message}`);
    }
  },
});
