// What needs files, processes or an instance's metadata, where there are none: said by name, not by a missing export.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SimsimError } from "../errors.js";

const missing = (name, instead) => () => {
  throw new SimsimError("UNSUPPORTED", `not supported here: ${name}: works in Node, Deno and Bun; ${instead}`);
};

export const defaultChain = missing("defaultChain", "here give credentials explicitly");
export const ecsRamRole = missing("ecsRamRole", "here use assumeRole or oidc");
export const profile = missing("profile", "here use assumeRole or environment");
