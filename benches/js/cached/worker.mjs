// workerd: does a piece of the work; its clock stands still meanwhile, so that whoever asks takes the time.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";
import options from "../options.mjs";
import { works } from "./rounds.mjs";

const work = works(new SecretClient(options));

export default {
  async fetch(request) {
    const { kind, count } = await request.json();
    await work(kind, count);
    return Response.json({});
  },
};
