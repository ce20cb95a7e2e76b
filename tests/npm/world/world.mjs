// What a runtime does for the suite, the same in every runtime: it answers questions with a client of the package.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { callers } from "./callers.mjs";
import { credentials } from "./credentials.mjs";
import { hazards } from "./hazards.mjs";
import { many } from "./many.mjs";
import { printing } from "./printing.mjs";
import { reading } from "./reading.mjs";

/** The memory of every instance since the last `fresh`, so that a case can break it: the artefact exports nothing for that. */
const memories = [];
const Instance = WebAssembly.Instance;
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given);
    // Not those of others: Node's fetch parses HTTP with wasm of its own.
    if (this.exports.abi) memories.push(this.exports.memory);
  }
};

/** Rejections that nobody handled, told with the next answer. */
const unhandled = new Map();
if (typeof process === "object" && typeof process.on === "function") {
  process.on("unhandledRejection", (reason, promise) => unhandled.set(promise, reason));
} else {
  globalThis.addEventListener?.("unhandledrejection", ({ promise, reason }) => unhandled.set(promise, reason));
  // workerd before 2026 tells of rejections that are handled in the same turn, and takes it back.
  globalThis.addEventListener?.("rejectionhandled", ({ promise }) => unhandled.delete(promise));
}
const told = () => {
  const reasons = [...unhandled.values()].map((reason) => String(reason?.stack ?? reason));
  unhandled.clear();
  return reasons;
};

/** What became of a read, without what must not be printed. */
const shown = async (read) => {
  try {
    const secret = await read;
    return { text: secret.text(), stale: secret.stale };
  } catch (error) {
    return { code: error?.code ?? String(error?.stack ?? error), serviceCode: error?.serviceCode };
  }
};

/** Answers questions with clients of `SecretClient`; the first one is made here, at module scope. */
export function world({ SecretClient, SimsimError }, { stranger, ...options }, { imported } = {}) {
  const at = {
    SecretClient, SimsimError, options, stranger, memories, shown, imported,
    client: new SecretClient(options),
    /** How many promises went to a waitUntil since `fresh`. */
    behind: 0,
    waitUntil: undefined,
    later: (ms) => new Promise((done) => setTimeout(done, ms)),
  };
  const questions = {
    settled: async () => (await at.later(0), {}),
    ...reading(at), ...many(at), ...hazards(at), ...callers(at), ...credentials(at), ...printing(at),
  };
  return async function ask(path, params, waitUntil) {
    at.waitUntil = waitUntil;
    const question = questions[path];
    if (!question) throw new Error(`unknown question ${path}`);
    const answer = await question(params);
    return { ...answer, unhandled: told() };
  };
}
