// What Node has of its own: a keep-alive transport of node:http and node:https, which starts faster than its fetch.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { CONNECT, INTERRUPTED, STALE_CONNECTION, TOO_LARGE } from "./wire.js";

/** PEM certificates that the transport trusts instead of Node's own. */
export const options = {
  ca(value, field) {
    if (typeof value === "string" && value.includes("-----BEGIN")) return value;
    throw config(field, "must be a text of PEM certificates");
  },
};

// Asked for when first needed: half of the time of an import would be theirs.
// `require` is Node 18's way: a bundle of ES modules has none. Each with its name in it, which bundlers look for.
const builtin = (name, load) => process.getBuiltinModule?.(name) ?? load();
export const random = (bytes) => builtin("node:crypto", () => require("node:crypto")).randomFillSync(bytes);
const library = (https) =>
  https ? builtin("node:https", () => require("node:https")) : builtin("node:http", () => require("node:http"));

/** Kept connections, by what they trust: every client of a process shares them. */
const agents = new Map();

function agentFor(https, ca) {
  const key = `${https}${ca ?? ""}`;
  let agent = agents.get(key);
  if (!agent) {
    const trust = https ? { rejectUnauthorized: true, ca } : {};
    agents.set(key, (agent = new (library(https).Agent)({ keepAlive: true, ...trust })));
  }
  return agent;
}

/** Closes what waits unused: where one kept connection is dead (a frozen process), all are. */
function drop(agent) {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of [...sockets]) socket.destroy();
}

/** Sends a request. Gives { status, headers, body }, or { failed, cause } where there is no whole answer. */
export const send = (...given) => exchange(...given).catch((cause) => ({ failed: CONNECT, cause }));

async function exchange({ method, url, headers, body, maxBody }, { ca }, signal) {
  const to = new URL(url);
  const https = to.protocol === "https:";
  const agent = agentFor(https, ca);
  const request = library(https).request({
    __proto__: null, method, agent, hostname: to.hostname.replace(/^\[|\]$/g, ""), port: to.port, path: to.pathname + to.search,
    headers: Object.fromEntries(headers), rejectUnauthorized: true, ca, signal,
  });
  return new Promise((resolve) => {
    const fail = (failed, cause) => {
      if (request.reusedSocket) drop(agent);
      resolve({ failed, cause });
      request.destroy();
    };
    // A kept connection that broke before any answer was dead before it was used.
    request.on("error", (cause) => fail(request.reusedSocket ? STALE_CONNECTION : CONNECT, cause));
    request.on("response", (response) => {
      const { statusCode: status, rawHeaders } = response;
      const chunks = [];
      let length = 0;
      response.on("data", (chunk) => {
        chunks.push(chunk);
        if ((length += chunk.length) > maxBody) fail(TOO_LARGE);
      });
      response.on("end", () => {
        const pairs = [];
        for (let i = 0; i + 1 < rawHeaders.length; i += 2) pairs.push([rawHeaders[i], rawHeaders[i + 1]]);
        resolve({ status, headers: pairs, body: Buffer.concat(chunks) });
      });
      const cutOff = (cause) => fail(INTERRUPTED, cause);
      response.on("aborted", cutOff).on("error", cutOff);
    });
    request.end(body);
  });
}
