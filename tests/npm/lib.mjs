// For scripts with cases of their own that run in this very Node: where things are, a KMS, and a small runner.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { join } from "node:path";
import { root } from "./harness/places.mjs";

export { session, startKms } from "./harness/emulator.mjs";
export { root, target } from "./harness/places.mjs";

/** The package as `cargo xtask npm` built it. */
export const pkg = join(root, "pkg");

/** Runs the cases one after another and ends the process with the outcome. */
export async function run(title, cases, cleanUp) {
  let unhandled = 0;
  process.on("unhandledRejection", (reason) => {
    unhandled += 1;
    console.error("unhandled rejection:", reason);
  });
  let [passed, failed] = [0, 0];
  for (const [name, test] of Object.entries(cases)) {
    try {
      await test();
      await new Promise((done) => setImmediate(done));
      if (unhandled) throw new Error("a rejection was not handled");
      passed += 1;
      console.log(`ok   ${title}: ${name}`);
    } catch (error) {
      failed += 1;
      unhandled = 0;
      console.log(`FAIL ${title}: ${name}\n`, error);
    }
  }
  await cleanUp?.();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}
