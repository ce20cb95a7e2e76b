// Runs the cases of one script one after another and ends the process with the outcome.
// SPDX-License-Identifier: Apache-2.0 OR MIT

export async function runCases(title, cases, cleanUp) {
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
  console.log(`${title}: ${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
}
