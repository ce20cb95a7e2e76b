// A library with CommonJS modules that hands its client on.
// SPDX-License-Identifier: Apache-2.0 OR MIT
"use strict";
const { SecretClient } = require("simsim");
exports.client = new SecretClient();
