// Node, Deno and Bun: answers how long a piece of the work took, by the runtime's own clock.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";
import options from "../options.mjs";
import { works } from "./rounds.mjs";

const work = works(new SecretClient(options));
const [count, rounds] = [100_000, 15];
const times = { client: [], map: [] };
for (let round = -2; round < rounds; round++) {
  for (const kind of Object.keys(times)) {
    const began = performance.now();
    await work(kind, count);
    // The first ones warm up.
    if (round >= 0) times[kind].push(((performance.now() - began) / count) * 1e6);
  }
}
console.log(JSON.stringify(times));
(globalThis.Deno ?? process).exit(0);
