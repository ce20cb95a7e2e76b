// A consumer whose server code is bundled by webpack.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";

const client = new SecretClient();
client
  .text(process.env.SECRET)
  .then(() => client.text(process.env.SECRET))
  .then((text) => console.log(`${text.length} characters`));
