// A consumer with ES modules: the client from the environment, one secret twice.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";

const client = new SecretClient();
await client.text(process.env.SECRET);
console.log(`${(await client.text(process.env.SECRET)).length} characters`);
