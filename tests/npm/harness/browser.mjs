// A web worker in Chromium as a runtime: the page and the worker's script are served in the place of the relay.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { existsSync, readFileSync } from "node:fs";
import { control, installed, missing } from "./program.mjs";

/** Debian's own; playwright would download another one. */
const executablePath = "/usr/bin/chromium";
const args = [
  "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--js-flags=--expose-gc",
];
const PAGE = `<!doctype html><meta charset="utf-8"><title>simsim</title><link rel="icon" href="data:,">`;

/** Ends the script where no browser is installed. */
export function needBrowser() {
  if (!existsSync(executablePath)) missing("Chromium");
}

/**
 * Opens a page on `origin` (the KMS relay's: a worker may then send signed requests there) with `script` as a module.
 * `headers` are those of the page and the scripts.
 */
export async function openPage(origin, script, headers = {}) {
  const { chromium } = installed("playwright-core");
  const server = await chromium.launchServer({ executablePath, args, headless: true });
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage();
  let output = "";
  page.on("console", (message) => (output += `${message.text()}\n`));
  page.on("pageerror", (error) => (output += `${error.stack}\n`));
  const serve = (body, contentType) => (route) => route.fulfill({ body, contentType, headers });
  await page.route("**/_page/index.html", serve(PAGE, "text/html"));
  await page.route("**/_page/script.js", serve(readFileSync(script, "utf8"), "text/javascript"));
  await page.goto(`${origin}/_page/index.html`);
  const close = async () => {
    await browser.close();
    await server.close();
  };
  return { page, output: () => output, close, ...control(server.process().pid) };
}

/** A bundle of hosts/web-worker.mjs at work: the same to the suite as a program that serves questions by HTTP. */
export async function startWorker(origin, script) {
  const { page, close, ...runtime } = await openPage(origin, script);
  await page.evaluate(
    () =>
      new Promise((ready, broken) => {
        const worker = new Worker("/_page/script.js", { type: "module" });
        const waiting = new Map([[0, { resolve: ready }]]);
        let serial = 0;
        worker.onerror = (event) => broken(new Error(`the worker does not start: ${event.message}`));
        worker.onmessage = ({ data: { id, answer, error } }) => {
          const { resolve, reject } = waiting.get(id);
          waiting.delete(id);
          if (error) reject(new Error(error));
          else resolve(answer);
        };
        window.ask = (path, params) =>
          new Promise((resolve, reject) => {
            waiting.set(++serial, { resolve, reject });
            worker.postMessage({ id: serial, path, params });
          });
      }),
  );
  return {
    ...runtime,
    // Meaningless here: what playwright and the browser record of every request grows with them.
    rss: undefined,
    ask: (path, params = {}) => page.evaluate(([path, params]) => window.ask(path, params), [path, params]),
    stop: close,
  };
}
