// A server bundle as webpack makes it by default.
// SPDX-License-Identifier: Apache-2.0 OR MIT
"use strict";
module.exports = { mode: "production", target: "node", entry: "./main.js", output: { path: `${__dirname}/out`, filename: "main.cjs" } };
