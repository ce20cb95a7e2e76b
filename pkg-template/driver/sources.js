// The sources that call somewhere: what each takes, checked, and what its wasm is told of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config, SimsimError } from "../errors.js";
import { callable, checked, credentials, endpoint, must, network, number, region } from "./checks.js";
import { credentialsFrom } from "./environment.js";
import { Provider } from "./provider.js";
import { encoder, f64, PROVIDED, text, u8 } from "./wire.js";

/** What a description begins with; the other side is pkg-template/credentials-wasm/src/lib.rs. */
export const ASSUME_ROLE = 1, OIDC = 2, CREDENTIALS_URI = 3;

/** A text of characters that the service allows, all of it. */
const word = (pattern, what) => must((value) => typeof value === "string" && pattern.test(value), what);
const source = (value, field) => must((value) => Object(value) === value, "credentials, or a provider of them")(value, field) && credentials(value);

/** What every provider has that sends requests. */
export const TRANSPORT = { __proto__: null, fetch: callable };
const ROLE = {
  __proto__: null,
  roleArn: word(/^acs:ram::\d+:role\/[\w.-]{1,128}$/, "acs:ram::ACCOUNT:role/NAME"),
  roleSessionName: word(/^[\w.@-]{2,64}$/, "2 to 64 of A-Z a-z 0-9 . @ _ -"),
  durationSeconds: number(900, 43_200),
  policy: must((value) => typeof value === "string" && value && value.length <= 2048, "a policy as a text of JSON, at most 2048 characters"),
  regionId: region,
  network,
  endpoint,
  ...TRANSPORT,
};
const ASSUME_ROLE_OPTIONS = { __proto__: null, source, externalId: word(/^[\w+=,.@:/-]{2,1224}$/, "2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -"), ...ROLE };
export const OIDC_OPTIONS = {
  __proto__: null,
  oidcProviderArn: word(/^acs:ram::\d+:oidc-provider\/[\w.-]{1,128}$/, "acs:ram::ACCOUNT:oidc-provider/NAME"),
  token: must((value) => typeof value === "function" || (typeof value === "string" && value !== ""), "the token, or a function that gives it"),
  ...ROLE,
};
const URI_OPTIONS = {
  __proto__: null,
  uri(value, field) {
    let url;
    try {
      url = new URL(value);
      // Everything of the host is checked there, and that plain http stays on this machine.
      if (!url.username && !url.password && !url.hash) return endpoint(url.origin, field) && url.href;
    } catch (error) {
      if (error instanceof SimsimError) throw error;
    }
    throw config(field, "must be https://host/path, or http on loopback; without a user, a password and a fragment");
  },
  ...TRANSPORT,
};

/** Options by a shape, and the required ones among them. */
export function taken(given, shape, required) {
  const options = checked(given, shape);
  // A check says best what is missing.
  for (const field of required) if (options[field] === undefined) shape[field](undefined, field);
  return options;
}

/** What the wasm is told of a role's session. */
export const roleSession = ({ roleSessionName, durationSeconds, policy, regionId, network, endpoint }) => [
  text(roleSessionName), f64(durationSeconds && durationSeconds * 1000), text(policy), text(regionId),
  u8(({ __proto__: null, public: 1, vpc: 2 }[network] ?? 0) | (endpoint?.protocol === "http:" ? 4 : 0)), text(endpoint?.host),
];

/** The functions of simsim/credentials that work everywhere, on a platform. */
export const sourcesFor = (platform) => ({
  assumeRole(given) {
    const options = taken(given, { __proto__: null, ...ASSUME_ROLE_OPTIONS, ...platform.options }, ["roleArn", "source"]);
    const description = [u8(ASSUME_ROLE), text(options.roleArn), roleSession(options), text(options.externalId)];
    return new Provider(platform, "assume_role", options, description);
  },

  oidc(given) {
    const options = taken(given, { __proto__: null, ...OIDC_OPTIONS, ...platform.options }, ["roleArn", "oidcProviderArn", "token"]);
    const { roleArn, oidcProviderArn, token } = options;
    const provide = async (cx) => {
      const text = typeof token === "function" ? await token(cx) : token;
      if (typeof text !== "string") throw config("token", "the function must give a text");
      return [u8(PROVIDED), encoder.encode(text)];
    };
    const description = [u8(OIDC), text(roleArn), text(oidcProviderArn), roleSession(options)];
    return new Provider(platform, "oidc", options, description, { provide });
  },

  credentialsUri(given) {
    const options = taken(typeof given === "string" ? { uri: given } : given, { __proto__: null, ...URI_OPTIONS, ...platform.options }, ["uri"]);
    return new Provider(platform, "credentials_uri", options, [u8(CREDENTIALS_URI), text(options.uri)]);
  },

  /** A provider of the keys that names and values hold: a process's environment, a worker's `env`. */
  environment(values) {
    const variable = values ? (name) => (Object.hasOwn(values, name) ? values[name] : undefined) : platform.variables;
    const found = () => {
      const keys = variable && credentialsFrom(variable);
      if (keys) return keys;
      throw new SimsimError("CREDENTIALS_UNAVAILABLE", "no credentials available: environment: ALIBABA_CLOUD_ACCESS_KEY_ID is not set");
    };
    return { getCredentials: async () => found(), getCredential: async () => found(), status: () => ({ source: "environment", closed: false }), close() {} };
  },
});
