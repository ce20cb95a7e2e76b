// Runs the suite in several runtimes at once, each with a KMS of its own, and ends the process with the outcome.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { suite } from "../suite.mjs";
import { session, startKms, stranger } from "./emulator.mjs";

/** `node run-….mjs LABEL CASE` runs those that have these texts in their names. */
const [, , chosenLabel = "", chosenCase = ""] = process.argv;
/** No case hangs for ever. */
const LIMIT_MS = 120_000;

const options = (kms) => ({ endpoint: kms.url, regionId: "cn-hangzhou", credentials: session });

const limited = (work) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

/**
 * One runtime from start to end. `start(kms, options)` gives `{ask, output, stop, rss?, freeze?, thaw?}`;
 * `traits(runtime)` tells what is special (see suite.mjs); `cases(kit)` adds what only this runtime can show.
 */
async function once({ label, start, traits, cases }) {
  const tally = { passed: 0, failed: 0 };
  const say = (...line) => console.log(...line);
  let kms, runtime;
  try {
    kms = await startKms(label);
    runtime = await start(kms, { ...options(kms), stranger });
    const ask = async (path, params, init) => {
      const { unhandled, ...answer } = await runtime.ask(path, params, init);
      if (unhandled.length) throw new Error(`a rejection was not handled: ${unhandled}`);
      return answer;
    };
    const kit = { kms, ask, runtime, note: (text) => say(`     ${label}: ${text}`), ...traits?.(runtime) };
    for (const [name, test] of Object.entries({ ...suite(kit), ...cases?.(kit) })) {
      if (!name.includes(chosenCase)) continue;
      const began = performance.now();
      try {
        await limited(test());
        // Whatever the case left to itself has had its turn by the next question.
        await ask("settled");
        tally.passed += 1;
        say(`ok   ${label}: ${name} (${Math.round(performance.now() - began)} ms)`);
      } catch (error) {
        tally.failed += 1;
        say(`FAIL ${label}: ${name}\n`, error);
      } finally {
        await kms.calm();
      }
    }
    const printed = runtime.output();
    if (/needle/.test(printed)) {
      tally.failed += 1;
      say(`FAIL ${label}: a value was printed\n${printed}`);
    }
    if (tally.failed) say(`--- what ${label} printed\n${printed}`);
  } catch (error) {
    tally.failed += 1;
    say(`FAIL ${label}: it did not run to its end\n`, error);
  } finally {
    await runtime?.stop();
    kms?.stop();
  }
  return tally;
}

/** Runs every runtime, two at a time: cases mostly wait. */
export async function run(title, runtimes) {
  const waiting = runtimes.filter(({ label }) => label.includes(chosenLabel));
  const total = { passed: 0, failed: 0 };
  const lane = async () => {
    for (let next; (next = waiting.shift()); ) {
      const { passed, failed } = await once(next);
      total.passed += passed;
      total.failed += failed;
    }
  };
  const began = performance.now();
  await Promise.all([lane(), lane()]);
  console.log(`${title}: ${total.passed} passed, ${total.failed} failed, ${((performance.now() - began) / 1000).toFixed(1)} s`);
  process.exit(total.failed || !total.passed ? 1 : 0);
}
