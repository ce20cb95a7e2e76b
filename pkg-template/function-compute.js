// simsim/function-compute: the session and the deadline of each invocation of an Alibaba Cloud function.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { mono } from "./driver/clock.js";
import { credentialsFrom } from "./driver/environment.js";
import { INVOCATION } from "./driver/invocation.js";
import { config, SimsimError } from "./errors.js";

/** What is kept of an invocation's time for its own answer, in milliseconds. */
const RESERVE = 500;
/** Where nothing is given: not even what someone left on `Object.prototype`. */
const NONE = { __proto__: null };
/** The environment's session, and what functions of the 2.0 generation have beside or instead of it. */
const SESSION = {
  __proto__: null,
  ALIBABA_CLOUD_ACCESS_KEY_ID: "accessKeyID",
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: "accessKeySecret",
  ALIBABA_CLOUD_SECURITY_TOKEN: "securityToken",
};

const unavailable = (message) => new SimsimError("CREDENTIALS_UNAVAILABLE", message);

function variable(name) {
  try {
    return globalThis.process?.env[name];
  } catch {
    // Deno without the permission to read it.
    return undefined;
  }
}

const environment = () => credentialsFrom((name) => (name in SESSION ? variable(name) || variable(SESSION[name]) : undefined));

/** A store of what belongs to one chain of calls; nothing where the platform has none. */
function storage() {
  try {
    // `require` is Node 18's way: only the CommonJS build has it.
    const { AsyncLocalStorage } = globalThis.process.getBuiltinModule?.("node:async_hooks") ?? require("node:async_hooks");
    return new AsyncLocalStorage();
  } catch {
    return globalThis.AsyncLocalStorage && new globalThis.AsyncLocalStorage();
  }
}

const text = (value) => (typeof value === "string" ? value : "");

/** A way to look up headers by their names in lower case, however the server keeps them. */
function reader(headers) {
  if (typeof headers?.get === "function") return (name) => text(headers.get(name));
  if (typeof headers !== "object" || headers === null) throw config("headers", "must be a Headers, or an object of names and values");
  const found = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), text(value)]));
  return (name) => found.get(name) ?? "";
}

/** For how long an invocation may still read, in milliseconds; nothing where its context does not say. */
function left({ context, began }) {
  const asked = typeof context.getRemainingTimeInMillis === "function";
  const remaining = asked ? context.getRemainingTimeInMillis() : context.function?.timeout * 1000 - (mono() - began);
  return Number.isFinite(remaining) ? Math.max(1, remaining - RESERVE) : undefined;
}

/** A credentials provider for the one client of a function, both at module scope. */
export function functionCompute() {
  const running = storage();
  let newest;
  let observed;

  const session = () => {
    const found = observed ?? environment();
    if (found) return found;
    throw unavailable(
      "the function has no session: give it a RAM role, and show each invocation to wrap() or observe(); elsewhere set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    );
  };

  return {
    getCredentials: async () => session(),

    wrap(handler) {
      if (typeof handler !== "function") throw config("handler", "must be the function that Function Compute calls");
      const wrapped = function (...given) {
        // (event, context, callback), (context, callback), (request, response, context): only its place tells the
        // context from an event, which anyone may have written.
        const context = given.findLast((argument) => typeof argument !== "function") ?? NONE;
        // Copied: the context belongs to the platform. One without a session (no role any more) takes nothing away.
        const { accessKeyId, accessKeySecret, securityToken } = context.credentials ?? NONE;
        if (text(accessKeyId) && text(accessKeySecret)) observed = { accessKeyId, accessKeySecret, securityToken: text(securityToken) };
        newest = { context, began: mono() };
        const call = () => handler.apply(this, given);
        return running ? running.run(newest, call) : call();
      };
      // Some runtimes look how many arguments a handler takes.
      return Object.defineProperty(wrapped, "length", { value: handler.length });
    },

    observe(headers) {
      if (!variable("FC_FUNCTION_NAME")) {
        throw unavailable("this is not Function Compute: FC_FUNCTION_NAME is not set; use other credentials here");
      }
      const header = reader(headers);
      const names = ["x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token"];
      const [accessKeyId, accessKeySecret, securityToken] = names.map(header);
      // Anyone who reaches the port can send headers: they count only for a function that has a role.
      if (!accessKeyId || !accessKeySecret || !securityToken || !environment()?.securityToken) return false;
      const account = header("x-fc-account-id");
      if (!account || account !== variable("FC_ACCOUNT_ID")) {
        throw config("x-fc-account-id", "is not the account of this function (FC_ACCOUNT_ID); the request's session was not taken");
      }
      const odd = names.find((name) => !/^[!-~]+$/.test(header(name)));
      if (odd) throw config(odd, "holds what no key has in it; the request's session was not taken");
      observed = { accessKeyId, accessKeySecret, securityToken };
      return true;
    },

    [INVOCATION]() {
      // Said here it keeps its words: what a provider fails with is cut to a name and a code.
      session();
      const invocation = running ? running.getStore() : newest;
      return { timeoutMs: invocation && left(invocation), background: false };
    },
  };
}
