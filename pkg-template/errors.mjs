// Node's ESM entry of simsim/errors: the class of the CommonJS build, which all of a process share.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import errors from "./errors.cjs";
export const { SimsimError } = errors;
