// A worker that has its own KMS: simsim/testing and the client in one isolate, without a network.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";
import { createEmulator } from "simsim/testing";

// At module scope, where there is no clock, no timer and no randomness.
const kms = createEmulator({ secrets: { "db/password": "open sesame" } });
const client = new SecretClient(kms.clientOptions);

export default {
  async fetch() {
    const first = await client.getSecret("db/password");
    kms.rotate("db/password", "open wheat");
    kms.throttle(1, { retryAfterMs: 1 });
    const second = await client.refresh("db/password");
    return Response.json({ texts: [first.text(), second.text()], statuses: kms.log().calls.map((call) => call.status) });
  },
};
