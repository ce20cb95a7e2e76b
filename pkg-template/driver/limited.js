// Many requests, a few at a time.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** How many requests of one `getSecrets` are in flight at most; workerd allows a request six connections. */
const AT_ONCE = 6;

/** Does the work for each item, and ends when all is done or with the first failure. */
export function limited(items, work) {
  const queue = items.values();
  const lane = async () => {
    for (const item of queue) await work(item);
  };
  return Promise.all(Array.from({ length: AT_ONCE }, lane));
}
