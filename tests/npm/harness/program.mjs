// A runtime as a running program: where it listens, what it printed, how much memory it holds, and how to freeze it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** A runtime that is not here: skipped on a person's machine, a failure in CI. */
export function missing(what) {
  console.error(`${what} is not installed: npm ci in tests/npm (Chromium: apt-get install chromium)`);
  process.exit(process.env.CI === "true" ? 1 : 77);
}

/** A package of tests/npm, or the file of one. */
export function installed(name, load = require) {
  try {
    return load(name);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return missing(name);
  }
}

/** The path of a program inside a package: npm's own links are scripts, or need a download at installation. */
export const binary = (path) => installed(path, require.resolve);

/** Deno's program, and Bun's: each lies in a package of its platform. */
export const deno = () => binary(`@deno/${process.platform}-${process.arch}-glibc/deno`);
export const bun = () => binary(`@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}/bin/bun`);

/** The process and all that descend from it. */
function family(pid) {
  const of = (one) => {
    try {
      return readFileSync(`/proc/${one}/task/${one}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    } catch {
      return [];
    }
  };
  return [pid, ...of(pid).flatMap(family)];
}

function resident(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Processes may end by themselves at any time. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** What can be done to any running runtime, whoever started it. */
export const control = (pid) => ({
  pid,
  /** Kilobytes in memory, with child processes. */
  rss: () => family(pid).map(resident).reduce((sum, one) => sum + one, 0),
  freeze: () => family(pid).forEach((one) => signal(one, "SIGSTOP")),
  thaw: () => family(pid).forEach((one) => signal(one, "SIGCONT")),
});

/** Starts a program that prints `listening on PORT` (workerd: tells on file descriptor 3). */
export async function startProgram(command, args, { cwd, env } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  // With what it started itself: miniflare's workerd would go on.
  const reap = () => family(child.pid).forEach((one) => signal(one, "SIGKILL"));
  process.once("exit", reap);
  let output = "";
  const port = await new Promise((resolve, reject) => {
    let told = "";
    const hear = (chunk) => {
      told += chunk;
      const found = /listening on (\d+)|"event":"listen".*?"port":(\d+)/.exec(told);
      if (found) resolve(Number(found[1] ?? found[2]));
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => (output += chunk)).on("data", hear);
    }
    child.stdio[3].on("data", hear).on("error", () => {});
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}:\n${output}`)));
  });
  let stopped = false;
  child.removeAllListeners("exit").once("exit", (code, signal) => {
    if (!stopped) output += `\nended by itself with ${code ?? signal}`;
  });
  return {
    ...control(child.pid),
    port,
    ask: overHttp(port),
    /** Everything printed so far. */
    output: () => output,
    stop() {
      stopped = true;
      process.off("exit", reap);
      reap();
    },
  };
}

/** Asks a host that serves questions by HTTP: every question is a request of its own. */
export const overHttp = (port) => async (path, params = {}) => {
  const response = await fetch(`http://127.0.0.1:${port}/${path}`, { method: "POST", body: JSON.stringify(params) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
};
