// What this consumer uses of Node, so that its types need no other package.
// SPDX-License-Identifier: Apache-2.0 OR MIT
declare const process: { env: Record<string, string> };
declare const console: { log(text: string): void };
