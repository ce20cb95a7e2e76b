// An event handler of Function Compute (CommonJS): whoever knows the secret `app/door` is let in.
// SPDX-License-Identifier: Apache-2.0 OR MIT
"use strict";
const { timingSafeEqual } = require("node:crypto");
const { SecretClient } = require("simsim");
const { functionCompute } = require("simsim/function-compute");

// One client for the life of the instance. Region and credentials are the function's own.
const fc = functionCompute();
const client = new SecretClient({ credentials: fc });

/** Optional: the secret is in the cache before the first invocation. */
exports.initialize = fc.wrap((context, callback) => {
  client.getSecret("app/door").then(() => callback(null, ""), callback);
});

/** Takes `{"password": "…"}`. */
exports.handler = fc.wrap(async (event) => {
  const { password } = JSON.parse(event.toString());
  const [said, right] = [Buffer.from(String(password)), Buffer.from(await client.bytes("app/door"))];
  return said.length === right.length && timingSafeEqual(said, right) ? "open" : "closed";
});

/** Optional: nothing of the secret stays in the instance's memory when it ends. */
exports.preStop = fc.wrap((context, callback) => {
  client.close();
  callback(null, "");
});
