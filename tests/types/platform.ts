// Where the platform's own types are known, they are the ones that the API takes.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { functionCompute } from "simsim/function-compute";
import { SecretClient } from "simsim";
import { createEmulator } from "simsim/testing";

export const answered: (input: Request) => Promise<Response> = createEmulator().fetch;

export async function scoped(request: Request) {
  using client = new SecretClient({ endpoint: new URL("https://kms.cn-hangzhou.aliyuncs.com"), fetch });
  // @ts-expect-error not a signal
  await client.getSecret("db", { signal: {} });
  return client.text("db", { signal: request.signal });
}
functionCompute().observe(new Headers());
