//! The package in edge-runtime, as Vercel's edge functions have it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { serveEdge } from "./harness/edge.mjs";
import { stage } from "./harness/package.mjs";
import { run } from "./harness/runner.mjs";

await run("edge", [
  {
    label: "edge-runtime",
    start: (kms, options) => serveEdge(stage("edge", options), "hosts/edge.mjs"),
    traits: () => ({ behind: "inline", volume: false }),
  },
]);
