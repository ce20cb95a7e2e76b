// Deno's environment, as far as it may be read.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** A variable; nothing without the permission to read it. */
export function variables(name) {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined;
  }
}
