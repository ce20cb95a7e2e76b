// The agreement between a client and a credentials provider of a host that runs code per invocation.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/**
 * A provider may have this method. The client calls it as each operation begins, in its caller's own context, for
 *   timeoutMs    what is left of the running invocation, if that is known: no read takes longer by default
 *   background   false: nothing goes on behind an answer, as on a host that isolates requests
 * What it throws is the operation's error.
 */
export const INVOCATION = Symbol.for("simsim.invocation");
