//! Prints a file's raw, gzip and brotli size, its SHA-256, and a wasm module's imports, one fact a line.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const path = process.argv[2];
const bytes = readFileSync(path);
console.log(`raw ${bytes.length}`);
console.log(`gzip ${gzipSync(bytes, { level: 9 }).length}`);
console.log(`brotli ${brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length}`);
console.log(`sha256 ${createHash("sha256").update(bytes).digest("hex")}`);
if (path.endsWith(".wasm")) {
  for (const { name } of WebAssembly.Module.imports(new WebAssembly.Module(bytes))) console.log(`import ${name}`);
}
