// HTTP by `fetch`: the runtime's own, or the caller's.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { CONNECT, INTERRUPTED, joined, REDIRECTED, TOO_LARGE } from "./wire.js";

/** Next.js stores answers without it; old workerd refuses the field. */
function noStore(url) {
  try {
    return new Request(url, { cache: "no-store" }).cache;
  } catch {
    return undefined;
  }
}

/** Reads a body up to `max` bytes; nothing when it is longer. */
async function read(response, max) {
  const reader = response.body?.getReader?.();
  if (!reader) {
    const whole = new Uint8Array(await response.arrayBuffer());
    return whole.length > max ? undefined : whole;
  }
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    if ((length += value.length) > max) {
      reader.cancel().catch(() => {});
      return undefined;
    }
  }
  return joined(chunks);
}

/** Sends a request. Gives { status, headers, body }, or { failed, cause } where there is no whole answer. */
export async function byFetch({ method, url, headers, body, maxBody }, { fetch = globalThis.fetch }, signal) {
  let failed = CONNECT;
  try {
    // The global one is looked up per call, and either is called unbound: tests and frameworks replace it.
    const response = await fetch(url, {
      __proto__: null, method, headers, body: body.length ? body : undefined, redirect: "manual", signal, cache: noStore(url),
    });
    if (response.redirected || response.type === "opaqueredirect") return { failed: REDIRECTED };
    failed = INTERRUPTED;
    const bytes = await read(response, maxBody);
    return bytes ? { __proto__: null, status: response.status, headers: [...response.headers], body: bytes } : { failed: TOO_LARGE };
  } catch (cause) {
    return { __proto__: null, failed, cause };
  }
}
