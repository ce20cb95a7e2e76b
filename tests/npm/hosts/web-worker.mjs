// A worker of a browser's: questions and answers are messages.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import * as simsim from "simsim";
import options from "../options.mjs";
import { world } from "../world/world.mjs";

const ask = world(simsim, options);
self.onmessage = async ({ data: { id, path, params } }) => {
  try {
    self.postMessage({ id, answer: await ask(path, params, () => {}) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.stack ?? error) });
  }
};
self.postMessage({ id: 0 });
