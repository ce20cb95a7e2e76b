// Breaks the memory of the client's instance before each of so many reads, and times the read.
// SPDX-License-Identifier: Apache-2.0 OR MIT

const memories = [];
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given);
    memories.push(this.exports.memory);
  }
};
const { SecretClient } = await import("simsim");
const { options, secret, rounds } = JSON.parse(process.env.BENCH);
const client = new SecretClient(options);
await client.getSecret(secret);
const answer = { tookMs: [], failed: 0 };
for (let i = 0; i < rounds; i++) {
  for (const memory of memories.splice(0)) new Uint8Array(memory.buffer).fill(0xff);
  const began = performance.now();
  await client.getSecret(secret, { maxAgeMs: 0 }).catch(() => answer.failed++);
  answer.tookMs.push(performance.now() - began);
}
console.log(JSON.stringify(answer));
process.exit(0);
