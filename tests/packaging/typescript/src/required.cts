// The same compiled to a CommonJS module.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";

const client = new SecretClient();
client.text(process.env.SECRET!).then((text: string) => console.log(`${text.length} characters`));
