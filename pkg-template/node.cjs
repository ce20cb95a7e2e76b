// Node's CommonJS entry. Small, because an import looks for names in all of it: in the bundle that took half of the time.
// SPDX-License-Identifier: Apache-2.0 OR MIT
const { SecretClient, SimsimError } = require("./node.bundle.cjs");

exports.SecretClient = SecretClient;
exports.SimsimError = SimsimError;
