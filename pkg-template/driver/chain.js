// The default chain where it is imported when it is first needed.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { SOURCE } from "./call.js";

/** A chain for a client's options; `load` imports simsim/credentials. */
export const imported = (load) => ({ fetch }) => {
  let loading, chain;
  return {
    async getCredentials(cx) {
      chain = await (loading ??= load().then(({ defaultChain }) => defaultChain({ fetch })));
      return chain.getCredentials(cx);
    },
    get [SOURCE]() {
      return chain?.[SOURCE] ?? "default_chain";
    },
    close() {
      chain?.close();
    },
  };
};
