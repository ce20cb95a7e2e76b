// Performs what an operation asks for, in the caller's own request context.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { nameOf } from "../errors.js";
import { CONNECT, FETCH, INTERRUPTED, PROVIDE, REDIRECTED, SLEEP, TOO_LARGE, Writer } from "./wire.js";

const failed = (kind, cause) => new Writer().u8(2).u8(kind).text(nameOf(cause)).done();

/** Reads a body up to `max` bytes; `null` when it is longer. */
async function read(response, max) {
  if (Number(response.headers.get("content-length")) > max) return null;
  const chunks = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) break;
    chunks.push(value);
    if ((length += value.length) > max) {
      reader.cancel().catch(() => {});
      return null;
    }
  }
  const body = new Uint8Array(length);
  length = 0;
  for (const chunk of chunks) {
    body.set(chunk, length);
    length += chunk.length;
  }
  return body;
}

async function request(host, { method, url, headers, body, maxBody }, signal) {
  let response;
  try {
    // Looked up per call and called unbound: tests and frameworks replace it.
    const send = host.fetch ?? globalThis.fetch;
    response = await send(url, {
      method, headers, body: body.length ? body.slice() : undefined, redirect: "manual", signal
    });
  } catch (cause) {
    return failed(CONNECT, cause);
  }
  if (response.redirected || response.type === "opaqueredirect") return failed(REDIRECTED);
  try {
    const bytes = await read(response, maxBody);
    if (!bytes) return failed(TOO_LARGE);
    const out = new Writer().u8(1).u32(response.status);
    const list = [...response.headers];
    out.u32(list.length);
    for (const [name, value] of list) out.text(name).text(value);
    return out.bytes(bytes).done();
  } catch (cause) {
    return failed(INTERRUPTED, cause);
  }
}

/** Writes credentials as the wasm reads them. */
export function credentials(out, given) {
  const { accessKeyId, accessKeySecret, securityToken, expiration } = given;
  const at = expiration === undefined || expiration === null ? undefined : new Date(expiration).getTime();
  return out.text(accessKeyId).text(accessKeySecret).text(securityToken).f64(at);
}

async function provide(host, signal) {
  try {
    const source = host.credentials;
    const given = await (typeof source === "function"
      ? source({ signal })
      : (source.getCredentials ?? source.getCredential).call(source));
    return credentials(new Writer().u8(4), given).done();
  } catch (cause) {
    return new Writer().u8(5).text(nameOf(cause)).done();
  }
}

/** Starts an effect; `reply` is called with its bytes unless it is ended before. Returns what ends it. */
export function perform(host, effect, reply) {
  if (effect.tag === SLEEP) {
    const timer = setTimeout(() => reply(new Writer().u8(3).done()), effect.ms);
    return () => clearTimeout(timer);
  }
  const abort = typeof AbortController === "function" ? new AbortController() : undefined;
  let ended = false;
  const started = effect.tag === FETCH ? request(host, effect, abort?.signal) : provide(host, abort?.signal);
  started.then((bytes) => ended || reply(bytes));
  return () => {
    ended = true;
    abort?.abort();
  };
}
