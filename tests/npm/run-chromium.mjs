//! The package in a web worker of Chromium, and what it refuses in a window and under a strict content policy.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { needBrowser, openPage, startWorker } from "./harness/browser.mjs";
import { bundle, stage } from "./harness/package.mjs";
import { run } from "./harness/runner.mjs";

needBrowser();
const conditions = ["browser"];
const external = ["node:*"];

/** Runs a module in a window and gives what it puts into `window.outcome`. */
async function inWindow(kms, source, headers) {
  const folder = stage("window", {});
  writeFileSync(join(folder, "window.mjs"), source);
  const { page, close } = await openPage(kms.url, await bundle(folder, "window.mjs", { conditions }), headers);
  try {
    await page.addScriptTag({ url: "/_page/script.js", type: "module" });
    await page.waitForFunction(() => window.outcome !== undefined);
    return await page.evaluate(() => window.outcome);
  } finally {
    await close();
  }
}

/** A read with some options in a window: its text, or the code and message of its error. */
const reading = (kms, options) => `
import { SecretClient } from "simsim";
try {
  const client = new SecretClient(${JSON.stringify({ endpoint: kms.url, regionId: "cn-hangzhou", ...options })});
  window.outcome = { text: await client.text("window") };
} catch ({ code, message }) {
  window.outcome = { code, message };
}`;

const credentials = { accessKeyId: "LTAINotAKeyOfAnybodys", accessKeySecret: "needle" };

await run("chromium", [
  {
    label: "chromium",
    async start(kms, options) {
      const folder = stage("chromium", options);
      return startWorker(kms.url, await bundle(folder, "hosts/web-worker.mjs", { conditions, external }));
    },
    traits: () => ({ volume: false }),
    cases: ({ kms }) => ({
      async "a window is refused unless it says that it is meant"() {
        const refused = await inWindow(kms, reading(kms, { credentials }));
        assert.match(refused.code, /^ERR_SIMSIM_(CONFIG|UNSUPPORTED)$/);
        assert.match(refused.message, /dangerouslyAllowBrowser/);
        const meant = await inWindow(kms, reading(kms, { credentials, dangerouslyAllowBrowser: true }));
        assert.equal(meant.code, "ERR_SIMSIM_CREDENTIALS_REJECTED", "it asked the service: nobody has that key");
      },

      async "a content policy without wasm-unsafe-eval is an error that names it"() {
        const options = { credentials, dangerouslyAllowBrowser: true };
        const { code, message } = await inWindow(kms, reading(kms, options), { "content-security-policy": "script-src 'self'" });
        assert.match(code, /^ERR_SIMSIM_/);
        assert.match(message, /wasm-unsafe-eval/);
      },
    }),
  },
]);
