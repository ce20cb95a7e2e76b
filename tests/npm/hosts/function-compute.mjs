// Function Compute's Node.js runtime in small: `node function-compute.mjs FILE` calls the exports of FILE as it is asked to.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { serve } from "./serve-node.mjs";

const module = await import(pathToFileURL(resolve(process.argv[2])));
// A CommonJS module's exports are its default.
const functions = module.default ?? module;
const unhandled = [];
process.on("unhandledRejection", (reason) => unhandled.push(String(reason?.stack ?? reason)));

/** Events get `(Buffer, context, callback)`, hooks `(context, callback)`; a promise or the callback gives the result. */
function call(name, { event, context }) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => (error ? reject(error) : resolve(result));
    const given = event === undefined ? [context, callback] : [Buffer.from(event), context, callback];
    const returned = functions[name](...given);
    if (typeof returned?.then === "function") returned.then(resolve, reject);
  });
}

serve(async (name, invocation) => {
  const began = performance.now();
  const outcome = await call(name, invocation).then(
    (result) => ({ result }),
    ({ code, message }) => ({ error: { code, message } }),
  );
  return { ...outcome, tookMs: performance.now() - began, unhandled };
});
