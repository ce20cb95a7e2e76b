// Configuration from names and values: a process's environment, a worker's `env`.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";

const REGIONS = "cache_client_region_id";

/** A variable's text, or nothing where it is not set. */
function text(variable, name) {
  const value = variable(name) ?? "";
  if (typeof value !== "string") throw config(name, "must be a text");
  return value || undefined;
}

function pair(variable, idName, secretName, tokenName) {
  const [accessKeyId, accessKeySecret] = [text(variable, idName), text(variable, secretName)];
  if (!accessKeyId && !accessKeySecret) return undefined;
  if (!accessKeyId || !accessKeySecret) throw config(accessKeyId ? secretName : idName, "is not set, its other half is");
  return { accessKeyId, accessKeySecret, securityToken: tokenName && text(variable, tokenName) };
}

/** The credentials that the environment names, or nothing. Half a key is an error, so that a typo is found. */
export function credentialsFrom(variable) {
  const type = text(variable, "credentials_type");
  if (type === undefined) {
    return pair(variable, "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN");
  }
  // The secret client's own keys, as it reads them in other languages.
  const names = {
    __proto__: null,
    ak: ["credentials_access_key_id", "credentials_access_secret"],
    token: ["credentials_access_token_id", "credentials_access_token"],
  }[type];
  if (!names) throw config("credentials_type", "only ak and token work here; for others pass a provider as `credentials`");
  const given = pair(variable, ...names);
  if (!given) throw config(names[0], "is required by credentials_type");
  return given;
}

/** Where calls go: regionId, endpoint, network; each may be absent. */
export const placeFrom = (variable) => ({
  regionId: text(variable, "ALIBABA_CLOUD_REGION_ID") ?? text(variable, "FC_REGION"),
  endpoint: text(variable, "ALIBABA_CLOUD_KMS_ENDPOINT"),
  ...region(variable(REGIONS)),
});

/** The secret client's list of regions: one, since nothing here fails over. */
function region(list) {
  if (list === undefined || list === null || list === "") return undefined;
  let found = list;
  try {
    if (typeof list === "string") found = JSON.parse(list);
  } catch {
    found = undefined;
  }
  if (!Array.isArray(found) || found.length !== 1) throw config(REGIONS, 'must be a list of one region, such as [{"regionId":"cn-hangzhou"}]');
  const { regionId, endpoint, vpc = false, caFilePath } = { __proto__: null, ...found[0] };
  if (!regionId && !endpoint) throw config(REGIONS, "must name a regionId or an endpoint");
  for (const value of [regionId ?? "", endpoint ?? ""]) {
    if (typeof value !== "string") throw config(REGIONS, "regionId and endpoint must be texts");
  }
  if (!/^(true|false)$/i.test(String(vpc))) throw config(REGIONS, "vpc must be true or false");
  if (caFilePath) throw config(REGIONS, "caFilePath: files are not read here; pass `ca` to a client of Node");
  return { regionId, endpoint, network: String(vpc).toLowerCase() === "true" ? "vpc" : "public" };
}
