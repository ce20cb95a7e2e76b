// Node's CommonJS entry of simsim/function-compute: part of node.cjs, so that its errors are those of the client.
// SPDX-License-Identifier: Apache-2.0 OR MIT
exports.functionCompute = require("./node.cjs").functionCompute;
