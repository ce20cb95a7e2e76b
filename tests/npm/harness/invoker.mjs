// Invokes functions as Function Compute does: contexts and headers of the documented shape, an environment, a frozen instance.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { join } from "node:path";
import { session } from "./emulator.mjs";
import { here } from "./places.mjs";
import { startProgram } from "./program.mjs";

export const account = "1234567890123456";
let requests = 0;

/** The context of one invocation. `timeout` is the function's, in seconds. */
export function contextOf(credentials = session, { timeout = 60 } = {}) {
  return {
    requestId: `request-${++requests}`,
    credentials: { ...credentials },
    function: { name: "door", handler: "index.handler", memory: 512, timeout },
    service: { logProject: "", logStore: "", qualifier: "LATEST", versionId: "" },
    region: "cn-hangzhou",
    accountId: account,
    tracing: {},
  };
}

/** The headers of one invocation of a custom runtime. */
export function headersOf({ accessKeyId, accessKeySecret, securityToken } = session) {
  return {
    "x-fc-request-id": `request-${++requests}`,
    "x-fc-control-path": "/invoke",
    "x-fc-function-name": "door",
    "x-fc-function-handler": "index.handler",
    "x-fc-function-memory": "512",
    "x-fc-region": "cn-hangzhou",
    "x-fc-account-id": account,
    "x-fc-access-key-id": accessKeyId,
    "x-fc-access-key-secret": accessKeySecret,
    "x-fc-security-token": securityToken,
  };
}

/** What an instance finds in its environment; `role` is the session that it started with, if the function has a role. */
export function environmentOf(kms, role) {
  const place = {
    FC_FUNCTION_NAME: "door",
    FC_FUNCTION_HANDLER: "index.handler",
    FC_ACCOUNT_ID: account,
    FC_REGION: "cn-hangzhou",
    FC_INSTANCE_ID: "c-1",
    ALIBABA_CLOUD_KMS_ENDPOINT: kms.url,
  };
  if (!role) return place;
  return {
    ...place,
    ALIBABA_CLOUD_ACCESS_KEY_ID: role.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: role.accessKeySecret,
    ALIBABA_CLOUD_SECURITY_TOKEN: role.securityToken,
  };
}

/** An instance of a custom runtime: a program that listens where it is told. */
export async function startCustomRuntime(program, env) {
  const instance = await startProgram(program, [], { env: { ...env, FC_CUSTOM_LISTEN_PORT: "0" } });
  return {
    ...instance,
    async invoke(event, headers = headersOf(), path = "/invoke") {
      const began = performance.now();
      const response = await fetch(`http://127.0.0.1:${instance.port}${path}`, { method: "POST", headers, body: event });
      return { status: response.status, text: await response.text(), tookMs: performance.now() - began };
    },
  };
}

/** An instance with the code of a folder in the built-in Node.js runtime. */
export async function startInstance(folder, env, node = process.execPath) {
  const instance = await startProgram(node, [join(here, "hosts/function-compute.mjs"), "index.js"], { cwd: folder, env });
  const call = async (name, invocation) => {
    const { unhandled, ...outcome } = await instance.ask(name, invocation);
    if (unhandled.length) throw new Error(`a rejection was not handled: ${unhandled}`);
    return outcome;
  };
  return {
    ...instance,
    /** Calls the handler; the answer is `{result, tookMs}` or `{error: {code, message}, tookMs}`. */
    invoke: (event, context = contextOf()) => call("handler", { event: JSON.stringify(event), context }),
    hook: (name, context = contextOf()) => call(name, { context }),
  };
}
