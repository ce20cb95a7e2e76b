// A process that has the package both ways, as with a library that requires it: one class, one cache, one instanceof.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { SecretClient, SimsimError } from "simsim";
import { SimsimError as AlsoSimsimError } from "simsim/errors";
import { client } from "./library.cjs";

const required = createRequire(import.meta.url)("simsim");
assert.equal(required.SecretClient, SecretClient);
assert.equal(required.SimsimError, SimsimError);
assert.equal(AlsoSimsimError, SimsimError);
assert.ok(client instanceof SecretClient);
const error = await client.getSecret("not/there").catch((e) => e);
assert.ok(error instanceof SimsimError && error instanceof AlsoSimsimError);
// The library's client, read from both sides.
await client.text(process.env.SECRET);
assert.equal(await SecretClient.prototype.text.call(client, process.env.SECRET), await client.text(process.env.SECRET));
console.log(`${(await client.text(process.env.SECRET)).length} characters`);
