// The cases that hold wherever the package runs; a runner brings the runtime and tells what is special about it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { callers } from "./suite/callers.mjs";
import { clocks } from "./suite/clocks.mjs";
import { credentials } from "./suite/credentials.mjs";
import { faults } from "./suite/faults.mjs";
import { flights } from "./suite/flights.mjs";
import { several } from "./suite/many.mjs";
import { memory } from "./suite/memory.mjs";
import { reading } from "./suite/reading.mjs";

/**
 * `ask(path, params)` has the runtime do something in a request of its own (world/) and gives its answer.
 * Traits of a runtime:
 * - `cancels(path, params)`, where it exists, asks something and ends the connection, after which the runtime runs not
 *   another line of that request: `{broken: Promise, end()}`;
 * - `behind`: what a read does whose refresh has no waitUntil: "behind" goes on after the answer, "inline" waits;
 * - `isolated`: each request is a world of its own: two of them may ask at once;
 * - `imports`: the runtime exports a waitUntil that a client at module scope can be given;
 * - `runtime.rss`, `freeze`, `thaw`: of the runtime's process, where it has one of its own;
 * - `traps: false`, `volume: false` leave out what takes seconds, for a second copy of a runtime that has done it.
 */
export function suite(traits) {
  let serial = 0;
  const { kms, ask } = traits;
  const kit = {
    traps: true, volume: true, behind: "behind", ...traits,
    /** A secret of this case alone, and a client that has cached nothing. */
    async secret(value = "needle-value", { behind, more, ...options } = {}) {
      const name = `case/${++serial}`;
      await kms.put(name, value, more);
      const { missing } = await ask("fresh", { options, behind });
      assert.ok(!missing, `this runtime has no waitUntil of its own to be ${behind}`);
      return name;
    },
    many: (count, work) => Promise.all(Array.from({ length: count }, (_, i) => work(i))),
    async until(what, limit = 5000) {
      for (const end = performance.now() + limit; !(await what()); ) {
        if (performance.now() > end) throw new Error(`waited ${limit} ms in vain for: ${what}`);
        await new Promise((done) => setTimeout(done, 5));
      }
    },
    pause: (ms) => new Promise((done) => setTimeout(done, ms)),
  };
  return {
    ...reading(kit), ...several(kit), ...flights(kit), ...faults(kit), ...credentials(kit), ...callers(kit),
    // Behind them the driver's monotonic clock stands still: it was set on, and does not go back.
    ...clocks(kit), ...memory(kit),
  };
}
