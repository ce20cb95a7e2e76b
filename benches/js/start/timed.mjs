// Times one cold start in a process of its own, and prints it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** `construct` imports and makes a client, `read` reads a secret with it. The process's own start is not counted. */
export async function timed(construct, read) {
  const { secret, value, ...given } = JSON.parse(process.env.BENCH);
  const began = performance.now();
  const client = await construct(given);
  const constructed = performance.now();
  const got = await read(client, secret);
  const ended = performance.now();
  if (got !== value) throw new Error("another value came");
  console.log(JSON.stringify({ constructMs: constructed - began, firstMs: ended - began }));
  process.exit(0);
}
