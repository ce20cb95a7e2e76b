// Node with the package as a CommonJS module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
"use strict";
const simsim = require("simsim");

(async () => {
  const [{ default: options }, { world }, { serve }] = await Promise.all(
    ["../options.mjs", "../world/world.mjs", "./serve-node.mjs"].map((file) => import(file)),
  );
  serve(world(simsim, options));
})();
