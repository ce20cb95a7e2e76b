// The types of simsim/function-compute.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import type { Credentials } from "./index.js";

/** Headers as a `Headers` has them, or as an object of names and values such as `IncomingMessage.headers` of Node. */
export type InvocationHeaders = { get(name: string): string | null } | { readonly [name: string]: string | readonly string[] | undefined };

/** The credentials of an Alibaba Cloud function: the newest invocation's session, else the environment's. */
export interface FunctionCompute {
  /**
   * The session to sign with. Without one: `ERR_SIMSIM_CREDENTIALS_UNAVAILABLE`. The environment's
   * `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET`, `…_SECURITY_TOKEN` (or the older `accessKeyID`,
   * `accessKeySecret`, `securityToken`) serve until an invocation has been seen.
   */
  getCredentials(): Promise<Credentials>;

  /**
   * The same handler, with each invocation's context shown to the client: its session, and the time that it has left.
   * For every function that the platform's runtime calls: event and HTTP handlers `(event, context)`, with or without a
   * callback, and the hooks `initialize` and `preStop`, `(context, callback)`. While a handler runs, a read that names no
   * `timeoutMs` fails 500 ms before the invocation ends, if not sooner.
   */
  wrap<Handler extends (...given: any[]) => unknown>(handler: Handler): Handler;

  /**
   * For custom runtimes and containers: takes the session out of a request's `x-fc-*` headers, and returns whether there
   * was one to take. They count only if the function has a role (its environment has a session). Throws
   * `ERR_SIMSIM_CREDENTIALS_UNAVAILABLE` outside of Function Compute (`FC_FUNCTION_NAME` is not set), and
   * `ERR_SIMSIM_CONFIG` where `x-fc-account-id` is not this function's account or a header holds no key; the session that
   * was there before stays.
   */
  observe(headers: InvocationHeaders): boolean;
}

/**
 * Makes the credentials provider of a function. It stands at module scope, beside the one client of the instance; that
 * client then leaves nothing to do behind an answer, since an instance is frozen between its invocations.
 *
 * ```js
 * import { SecretClient } from "simsim";
 * import { functionCompute } from "simsim/function-compute";
 *
 * const fc = functionCompute();
 * const client = new SecretClient({ credentials: fc });
 *
 * export const handler = fc.wrap(async (event, context) => {
 *   const password = await client.text("db/password");
 *   return `${password.length} characters`;
 * });
 * ```
 */
export function functionCompute(): FunctionCompute;
