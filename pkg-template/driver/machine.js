// What a source of this machine asks for: variables, files, programs. The other side is src/mailbox/host.rs.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { encoder, HOST, Reader, SAID, u8 } from "./wire.js";

/** What is asked. */
const VARIABLE = 1, READ = 2;
/** What is said. */
const NOTHING = 0, FOUND = 1, FAILED = 2;
/** Why nothing can be said. */
const UNSUPPORTED = 0, DENIED = 1, NOT_FOUND = 2, TOO_LARGE = 3, EXITED = 4, BROKEN = 5;

const nothing = [u8(NOTHING)];
const found = (content) => [u8(FOUND), content];
const failed = (why, code = -1) => [u8(FAILED), u8(why), new Uint8Array(Int32Array.of(code).buffer)];

/** Deno without the permission: the machine is as if it had nothing. */
const forbidden = (error) => error?.name === "NotCapable" || (globalThis.Deno && error?.name === "PermissionDenied");

const reason = ({ code }) =>
  ({ __proto__: null, ENOENT: NOT_FOUND, EACCES: DENIED, EPERM: DENIED, ERR_CHILD_PROCESS_STDIO_MAXBUFFER: TOO_LARGE })[code] ?? BROKEN;

async function read(path, max) {
  const { open } = await import("node:fs/promises");
  let file;
  try {
    file = await open(path);
    // One more than may be: then it is too large.
    const content = new Uint8Array(max + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(content, length, content.length - length);
      if (!bytesRead) return found(content.subarray(0, length));
      if ((length += bytesRead) > max) return failed(TOO_LARGE);
    }
  } catch (error) {
    if (forbidden(error) || error?.code === "ENOENT" || error?.code === "ENOTDIR") return nothing;
    return failed(reason(error));
  } finally {
    await file?.close();
  }
}

/** Runs a program without a shell; what it says of its own errors is not looked at. */
async function run([program, ...argv], maxBuffer, signal) {
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    const ended = (error, output) => {
      if (!error) resolve(output.length > maxBuffer ? failed(TOO_LARGE) : found(output));
      else if (forbidden(error)) resolve(failed(UNSUPPORTED));
      else if (typeof error.code === "number") resolve(failed(EXITED, error.code));
      else if (error.signal) resolve(failed(EXITED));
      else resolve(failed(reason(error)));
    };
    try {
      execFile(program, argv, { encoding: "buffer", maxBuffer, signal, shell: false, windowsHide: true }, ended).stdin?.end();
    } catch (error) {
      ended(error);
    }
  });
}

async function said(asked, variables, signal) {
  const kind = asked.u8();
  if (kind === VARIABLE) {
    const value = variables(asked.text());
    return value === undefined ? nothing : found(encoder.encode(value));
  }
  const max = asked.u32();
  return kind === READ ? read(asked.text(), max) : run(asked.list(() => asked.text()), max, signal);
}

/** Answers the effects of a core on this machine; `variables` is its environment. */
export const machine = (variables) => async (tag, fields, signal) => {
  if (tag !== HOST) throw new RangeError("unknown effect");
  return [u8(SAID), await said(new Reader(fields.bytes()), variables, signal).catch(() => failed(BROKEN))];
};
