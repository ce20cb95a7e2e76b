// Node's CommonJS entry of simsim/function-compute: part of the bundle, so that its errors are those of the client.
// SPDX-License-Identifier: Apache-2.0 OR MIT
exports.functionCompute = require("./node.bundle.cjs").functionCompute;
