// The types of simsim/function-compute: what must compile, and behind @ts-expect-error what must not.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { SecretClient } from "simsim";
import { functionCompute } from "simsim/function-compute";
import type { FunctionCompute } from "simsim/function-compute";

const fc: FunctionCompute = functionCompute();
const client = new SecretClient({ credentials: fc });

type Callback = (error: unknown, result?: unknown) => void;
// A wrapped handler has the type that it had.
const handler: (event: Uint8Array, context: { region: string }) => Promise<string> = fc.wrap(
  async (event: Uint8Array, context: { region: string }) => `${await client.text("db")} ${event.length} ${context.region}`,
);
const initialize: (context: object, callback: Callback) => void = fc.wrap((_context: object, callback: Callback) => callback(null, ""));
// @ts-expect-error a handler is a function
fc.wrap("index.handler");

const seen: boolean = fc.observe({ "x-fc-account-id": "1234567890123456", "set-cookie": ["a", "b"], absent: undefined });
fc.observe({ get: (name: string) => (name === "x" ? "y" : null) });
// @ts-expect-error headers are no text
fc.observe("x-fc-account-id: 1234567890123456");
// @ts-expect-error it has no options
functionCompute({ env: {} });
export { handler, initialize, seen };
