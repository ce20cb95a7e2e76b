// A KMS for tests: the emulator as an in-process fetch. The other side is pkg-template/testing-wasm/src/lib.rs.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/** The longest wait that a timer takes, in milliseconds. */
const LONGEST = 2 ** 31 - 1;
/** The key that an emulator takes when a test gives none: made up, and good nowhere else. */
const SESSION = { accessKeyId: "STS.simsim-testing", accessKeySecret: "not-a-real-key", securityToken: "not-a-real-token" };

const decoder = new TextDecoder();

const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** The emulator's time: the platform's clocks, looked up per call so that fake timers are seen, and what was added. */
class Clock {
  #wall = 0;
  #mono = 0;
  #waiting = new Set();

  now() {
    return Date.now() + this.#wall;
  }

  mono() {
    return Math.max(0, (globalThis.performance?.now?.() ?? Date.now()) + this.#mono);
  }

  advance(ms) {
    if (!Number.isSafeInteger(ms)) throw new TypeError("clock.advance: ms must be a whole number of milliseconds");
    this.#wall += ms;
    // A clock that is put back is a wrong date; no time passes.
    if (ms > 0) this.#mono += ms;
    for (const look of [...this.#waiting]) look();
  }

  /** Waits for so much time to pass on this clock, by itself or by `advance`. */
  wait(ms, signal) {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const due = this.mono() + ms;
      let timer;
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        signal.removeEventListener("abort", abort);
        settle(value);
      };
      const abort = () => end(reject, signal.reason);
      const look = () => {
        clearTimeout(timer);
        const left = due - this.mono();
        if (left <= 0) end(resolve);
        else if (left !== Infinity) timer = setTimeout(look, Math.min(Math.ceil(left), LONGEST));
      };
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort);
      this.#waiting.add(look);
      look();
    });
  }
}

/** What fetch rejects with when no answer came: the cause's code is what runtimes give. */
function failure(code) {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

/** A body whose second half comes late, or never. */
function halves(bytes, wait, cut, ended) {
  const middle = bytes.length >> 1;
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes.subarray(0, middle));
      await wait();
      if (cut) throw failure("UND_ERR_SOCKET");
      controller.enqueue(bytes.subarray(middle));
      controller.close();
    },
    cancel: () => ended.abort(),
  });
}

/** An item of the emulator's seed from what a test gives as a secret. */
function secret(name, given) {
  if (typeof given === "string") return { name, value: given };
  if (given instanceof Uint8Array) return { name, valueBase64: base64(given) };
  if (typeof given === "object" && given !== null) return { ...given, name };
  throw new TypeError(`secret ${JSON.stringify(name)}: must be a string, a Uint8Array or an object`);
}

/** Binds `createEmulator` to a platform: how the emulator's wasm arrives. */
export function emulatorFor({ createInstance, module }) {
  return function createEmulator(options = {}) {
    const { secrets = {}, credentials: key = SESSION, regionId = "cn-hangzhou", roles = [], ...more } = options;
    const { oidcProviders, instanceRole, credentialsUri, quotaPerSecond, ...unknown } = more;
    for (const name of Object.keys(unknown)) throw new TypeError(`createEmulator: unknown option ${JSON.stringify(name)}`);
    const clock = new Clock();
    const wasm = createInstance(module()).exports;

    const control = (method, call, body = {}) => {
      const answer = JSON.parse(wasm.control(method, call, JSON.stringify(body), clock.now(), clock.mono()));
      if (answer.error !== undefined) throw new TypeError(answer.error);
      return answer;
    };
    const post = (call, body) => void control("POST", call, body);

    const { accessKeyId: id, accessKeySecret, securityToken: token } = key;
    const fault = wasm.seed(
      JSON.stringify({
        ...(token ? { sessions: [{ id, secret: accessKeySecret, token }] } : { accessKeys: [{ id, secret: accessKeySecret }] }),
        roles: roles.map((role) => (typeof role === "string" ? { arn: role } : role)),
        secrets: Object.entries(secrets).map(([name, given]) => secret(name, given)),
        ...{ oidcProviders, instanceRole, credentialsUri, quotaPerSecond },
      }),
      clock.now(),
      clock.mono(),
    );
    if (fault) throw new TypeError(`createEmulator: ${fault}`);

    /** Takes what `fetch` takes; the time that faults ask for passes on the emulator's clock. */
    const fetch = async (input, init) => {
      const request = new Request(input, init);
      const ended = new AbortController();
      request.signal.addEventListener("abort", () => ended.abort(request.signal.reason));
      const body = new Uint8Array(await request.arrayBuffer());
      request.signal.throwIfAborted();
      const headers = JSON.stringify([...request.headers]);
      const out = wasm.exchange(request.method, request.url, headers, body, clock.now(), clock.mono());
      const length = new DataView(out.buffer, out.byteOffset).getUint32(0, true);
      const head = JSON.parse(decoder.decode(out.subarray(4, 4 + length)));
      const bytes = out.subarray(4 + length);
      if (head.failure === "hang") await clock.wait(Infinity, ended.signal);
      if (head.failure) throw failure(head.failure);
      await clock.wait(head.beforeHeadersMs, ended.signal);
      const late = head.cut || head.beforeBodyMs > 0;
      const sent = late ? halves(bytes, () => clock.wait(head.beforeBodyMs, ended.signal), head.cut, ended) : bytes;
      const answer = [...head.headers, ["content-length", String(bytes.length)]];
      // These statuses have no body, and Response refuses even an empty one.
      return new Response([204, 205, 304].includes(head.status) ? null : sent, { status: head.status, headers: answer });
    };

    return {
      fetch,
      clientOptions: { fetch, regionId, credentials: key },
      clock: { now: () => clock.now(), advance: (ms) => clock.advance(ms) },
      put: (name, given) => post("secret", secret(name, given)),
      rotate: (name, value) => {
        const given = value instanceof Uint8Array ? { valueBase64: base64(value) } : { value };
        return control("POST", "rotate", { ...given, name }).versionId;
      },
      remove: (name) => post("remove-secret", { name }),
      disable: (name) => post("disable", { name }),
      restore: (name) => post("restore", { name }),
      deny: (name) => post("deny", { name }),
      allow: (name) => post("allow", { name }),
      throttle: (times, more) => post("fault", { ...more, kind: "throttle", times }),
      fail: (described) => post("fault", described),
      recover: () => post("clear-faults"),
      expireSession: (accessKeyId = id) => post("session/expire", { id: accessKeyId }),
      oidcToken: (provider, described) => control("POST", "oidc-token", { ...described, provider }).token,
      log() {
        const { calls: counts, readsAnswered } = control("GET", "counts");
        return { counts, readsAnswered, calls: control("GET", "log").calls };
      },
      resetLog: () => post("reset-log"),
    };
  };
}
