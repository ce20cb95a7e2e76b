//! The package in workerd on three compatibility dates: requests that are dropped, and refreshes behind the answer.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { connect } from "node:net";
import { run } from "./harness/runner.mjs";
import { newest, serveWorkerd } from "./harness/serve-workerd.mjs";
import { workerModules } from "./harness/workerd.mjs";

/** A question whose connection ends by a reset: workerd then drops the request where it stands (after a mere close it goes on). */
const dropping = (port) => (path, params) => {
  const body = JSON.stringify(params);
  const socket = connect(port, "127.0.0.1", () => {
    socket.write(`POST /${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  return { end: () => socket.resetAndDestroy() };
};

await run(
  "workerd",
  ["2023-03-01", "2024-06-01", newest].map((date) => ({
    label: `workerd ${date}`,
    async start(kms, options) {
      const { folder, modules } = await workerModules(`workerd ${date}`, options);
      return serveWorkerd(folder, modules, { date });
    },
    traits: ({ port }) => ({ cancels: dropping(port), behind: "inline", isolated: true, volume: date === newest, imports: true }),
  })),
);
