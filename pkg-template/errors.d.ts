// The types of simsim/errors.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/**
 * What went wrong, as a closed set:
 *
 * - `CONFIG`: an option, a name or the environment is wrong; nothing was sent, and the message names the field and the remedy.
 *   Or the service refuses a parameter (`InvalidParameter`).
 * - `CREDENTIALS_UNAVAILABLE`: no credentials could be obtained.
 * - `CREDENTIALS_REJECTED`: the service refuses the key, the session or the signature.
 * - `PERMISSION_DENIED`, `NOT_FOUND`, `DISABLED`, `IN_DEBT`: the service's answer.
 * - `THROTTLED`, `UNAVAILABLE`: the service asks for fewer calls, or failed.
 * - `TRANSPORT`, `TIMEOUT`: no answer, or none in time.
 * - `PROTOCOL`: an answer that cannot be what was asked for; a value that is not the JSON that was asked for.
 * - `CLOCK_SKEW`: the clock is off and could not be corrected.
 * - `BUDGET_EXCEEDED`: the budget of requests is used up.
 * - `UNSUPPORTED`: this platform, or this secret, cannot do that.
 * - `INTERNAL`: a fault of simsim.
 * - `CANCELLED`: the caller's signal was aborted.
 * - `CLOSED`: the client was closed.
 */
export type ErrorCode =
  | "ERR_SIMSIM_CONFIG"
  | "ERR_SIMSIM_CREDENTIALS_UNAVAILABLE"
  | "ERR_SIMSIM_CREDENTIALS_REJECTED"
  | "ERR_SIMSIM_PERMISSION_DENIED"
  | "ERR_SIMSIM_NOT_FOUND"
  | "ERR_SIMSIM_DISABLED"
  | "ERR_SIMSIM_IN_DEBT"
  | "ERR_SIMSIM_THROTTLED"
  | "ERR_SIMSIM_UNAVAILABLE"
  | "ERR_SIMSIM_TRANSPORT"
  | "ERR_SIMSIM_TIMEOUT"
  | "ERR_SIMSIM_PROTOCOL"
  | "ERR_SIMSIM_CLOCK_SKEW"
  | "ERR_SIMSIM_BUDGET_EXCEEDED"
  | "ERR_SIMSIM_UNSUPPORTED"
  | "ERR_SIMSIM_INTERNAL"
  | "ERR_SIMSIM_CANCELLED"
  | "ERR_SIMSIM_CLOSED";

/**
 * The one class that simsim throws. Neither the message nor any field holds a value, a key, a token or the service's own
 * message.
 *
 * ```js
 * try {
 *   await client.getSecret("db/password");
 * } catch (error) {
 *   if (error.code === "ERR_SIMSIM_NOT_FOUND") createIt();
 *   else throw error;
 * }
 * ```
 */
export class SimsimError extends Error {
  private constructor();
  readonly name: "SimsimError";
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;
  /** The `Code` of the service's answer, such as `Forbidden.ResourceNotFound`. */
  readonly serviceCode?: string;
  /** The service's id of the request, for its support. */
  readonly requestId?: string;
  /** The HTTP status of the last answer. */
  readonly status?: number;
  /** How long the service asked to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** How many requests were sent. */
  readonly attempts?: number;
  /** Of `getSecrets`: each secret that could not be read, by name. */
  readonly failures?: ReadonlyMap<string, SimsimError>;
  /**
   * What the transport, the credentials provider or the signal's owner failed with: of a foreign failure name and code,
   * nothing else. Where a provider gave keys that can be none, the `SimsimError` that names the field.
   */
  readonly cause?: { readonly name: string; readonly code?: string };
}
