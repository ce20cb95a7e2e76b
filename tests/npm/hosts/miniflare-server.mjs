// Starts miniflare, in a Node that it supports: `node miniflare-server.mjs MODULES.json DATE`.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";

const [, , list, compatibilityDate] = process.argv;
const types = { esModule: "ESModule", wasm: "CompiledWasm" };
const modules = JSON.parse(readFileSync(list, "utf8")).map(({ name, kind, path }) => ({
  type: types[kind], path: kind === "wasm" ? name : `${name}.mjs`,
  contents: readFileSync(path, kind === "wasm" ? undefined : "utf8"),
}));
const miniflare = new Miniflare({ modules, compatibilityDate, host: "127.0.0.1", port: 0, cf: false });
console.log(`listening on ${(await miniflare.ready).port}`);
