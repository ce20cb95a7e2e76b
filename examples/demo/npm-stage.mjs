// The stage of npm.mjs: the local KMS with its count of calls, the clock, and the printer that keeps what it printed.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** `1234567` as `1,234,567`. */
export const grouped = (number) => number.toLocaleString("en");

const counted = (calls) => (calls === 0 ? "no KMS call" : `${grouped(calls)} KMS call${calls === 1 ? "" : "s"}`);

export class Stage {
  #began = performance.now();
  #before = 0;
  #printed = "";
  #sessions = [];

  constructor(kms) {
    this.kms = kms;
  }

  /** A session that the KMS knows. */
  async newSession() {
    const number = this.#sessions.length + 1;
    const made = { accessKeyId: `STS.demo-invocation-${number}`, accessKeySecret: `invocation-key-${number}-Pq8x`, securityToken: `invocation-token-${number}-Ms3v` };
    this.#sessions.push(made);
    await this.kms.call("session", { id: made.accessKeyId, secret: made.accessKeySecret, token: made.securityToken });
    return made;
  }

  /** Who signed the newest call. */
  async signer() {
    return (await this.kms.call("log")).calls.at(-1).accessKeyId;
  }

  title(text) {
    this.#write(`\n${text}`);
  }

  /** Prints a statement, if it is true and cost as many calls as expected (nothing: any number); else the demo ends. */
  async say(statement, expected, holds) {
    const { calls: counts } = await this.kms.call("counts");
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const calls = all - this.#before;
    this.#before = all;
    if (!holds || calls !== (expected ?? calls)) throw new Error(`NOT TRUE: ${statement} (${counted(calls)})`);
    this.#line(statement, counted(calls));
  }

  /** Takes in what a program could have logged, for the search at the end. */
  overhear(log) {
    this.#printed += log;
  }

  /** Nothing that was printed, by us, by the programs or by simsim's types, holds a value or a key. */
  end(hidden) {
    const needles = [...hidden, ...this.#sessions.flatMap(({ accessKeySecret, securityToken }) => [accessKeySecret, securityToken])];
    const found = needles.filter((needle) => this.#printed.includes(needle)).length;
    if (found) throw new Error(`NOT TRUE: no value, key or token was printed (${found} of them are)`);
    this.title("At the end");
    this.#line(`none of the ${needles.length} values, keys and tokens is in what was printed`, "");
    this.#write(`\nAll of it was true, in ${this.#seconds()} s.`);
  }

  #seconds() {
    return ((performance.now() - this.#began) / 1000).toFixed(2);
  }

  #line(statement, calls) {
    this.#write(`${this.#seconds().padStart(6)} s  ${statement.padEnd(88)}  ${calls}`.trimEnd());
  }

  #write(line) {
    this.overhear(line);
    console.log(line);
  }
}
