// Node's CommonJS entry of simsim/errors: the class that its client throws.
// SPDX-License-Identifier: Apache-2.0 OR MIT
exports.SimsimError = require("./node.cjs").SimsimError;
