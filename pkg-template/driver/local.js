// The sources of this machine: what each takes, checked, and what its wasm is told of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { checked, endpoint, flag, text as some } from "./checks.js";
import { byFetch } from "./fetch.js";
import { machine } from "./machine.js";
import { send as direct } from "./node.js";
import { Provider } from "./provider.js";
import { OIDC_OPTIONS, roleSession, sourcesFor, taken, TRANSPORT } from "./sources.js";
import { text, u8 } from "./wire.js";

/** What a description begins with; the other side is pkg-template/credentials-wasm/src/lib.rs. */
const OIDC_FILE = 4, ECS_RAM_ROLE = 5, PROFILE = 6, DEFAULT_CHAIN = 7;

const ECS_OPTIONS = {
  __proto__: null,
  roleName: some,
  withoutImdsV1: flag,
  endpoint(value, field) {
    const url = endpoint(value, field);
    if (url.protocol === "http:") return url;
    throw config(field, "must be http:// and a loopback address; leave it out elsewhere");
  },
  ...TRANSPORT,
};
const PROFILE_OPTIONS = { __proto__: null, profile: some, file: some, ...TRANSPORT };

/** Where an instance's metadata are: never asked through a proxy, which `fetch` may have from the environment. */
const METADATA = "http://100.100.100.200/";
const send = (request, ...rest) => (request.url.startsWith(METADATA) ? direct : byFetch)(request, ...rest);

/** The functions of simsim/credentials where there is a machine, on a platform. */
export function localSourcesFor(given) {
  const platform = { send, ...given };
  const sources = sourcesFor(platform);
  const other = machine(platform.variables);
  const make = (name, options, description) => new Provider(platform, name, options, description, { other });
  const shaped = (shape) => ({ __proto__: null, ...shape, ...platform.options });
  return {
    ...sources,

    oidc(given) {
      if (given?.tokenFile === undefined) return sources.oidc(given);
      const { token, ...shape } = OIDC_OPTIONS;
      const options = taken(given, shaped({ ...shape, tokenFile: some }), ["roleArn", "oidcProviderArn", "tokenFile"]);
      return make("oidc", options, [u8(OIDC_FILE), text(options.roleArn), text(options.oidcProviderArn), text(options.tokenFile), roleSession(options)]);
    },

    ecsRamRole(given) {
      const options = checked(given, shaped(ECS_OPTIONS));
      return make("ecs_ram_role", options, [u8(ECS_RAM_ROLE), text(options.roleName), u8(options.withoutImdsV1 ? 1 : 0), text(options.endpoint?.origin)]);
    },

    profile(given) {
      const options = checked(given, shaped(PROFILE_OPTIONS));
      return make("profile", options, [u8(PROFILE), text(options.profile), text(options.file)]);
    },

    defaultChain: (given) => make("default_chain", checked(given, shaped(TRANSPORT)), [u8(DEFAULT_CHAIN)]),
  };
}
