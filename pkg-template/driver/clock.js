// The clocks: the wall clock, and one that does not go back.
// SPDX-License-Identifier: Apache-2.0 OR MIT

let latest = 0;

/** Milliseconds; where the platform has no such clock, the wall clock held to never going back. */
export const mono = () => (latest = Math.max(latest, globalThis.performance?.now?.() ?? Date.now()));
