// What bounds one call of a client, and what it hands on to a provider of simsim's own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/**
 * Where a provider's argument has its caller's call: { waitUntil, background, budget, place }. A provider that sends
 * requests of its own sends them within the same bounds, and by default to the same region and network.
 */
export const CALL = Symbol.for("simsim.call");

/** Where a provider of simsim's own says which source it has, or which answered last. */
export const SOURCE = Symbol.for("simsim.source");

/** How many requests a call may still send, those of its credentials included; nothing where that is not bounded. */
export const budgetOf = ({ maxRequestsPerCall }) => maxRequestsPerCall && { left: maxRequestsPerCall };
