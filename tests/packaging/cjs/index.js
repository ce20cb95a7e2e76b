// A consumer with CommonJS modules, as most handlers of Function Compute are.
// SPDX-License-Identifier: Apache-2.0 OR MIT
"use strict";
const { SecretClient } = require("simsim");

const client = new SecretClient();
client
  .text(process.env.SECRET)
  .then(() => client.text(process.env.SECRET))
  .then((text) => console.log(`${text.length} characters`));
