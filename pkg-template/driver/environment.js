// Configuration from names and values: a process's environment, a worker's `env`.
// SPDX-License-Identifier: Apache-2.0 OR MIT

import { config } from "../errors.js";
import { endpoint, region } from "./checks.js";

const ALIBABA = "ALIBABA_CLOUD_";
const ENDPOINT = `${ALIBABA}KMS_ENDPOINT`;
const REGIONS = "cache_client_region_id";

/** A variable's text, or nothing where it is not set. */
function text(variable, name) {
  const value = variable(name) ?? "";
  if (typeof value !== "string") throw config(name, "must be a text");
  return value || undefined;
}

/** The credentials that the environment names, or nothing. Half a key is an error, so that a typo is found. */
export function credentialsFrom(variable) {
  const type = text(variable, "credentials_type");
  // The secret client's own keys, as it reads them in other languages.
  const [id, secret, token] = {
    __proto__: null,
    undefined: [`${ALIBABA}ACCESS_KEY_ID`, `${ALIBABA}ACCESS_KEY_SECRET`, `${ALIBABA}SECURITY_TOKEN`],
    ak: ["credentials_access_key_id", "credentials_access_secret"],
    token: ["credentials_access_token_id", "credentials_access_token"],
  }[type] ?? [];
  if (!id) throw config("credentials_type", "only ak and token work here; else pass a provider as `credentials`");
  const [accessKeyId, accessKeySecret] = [text(variable, id), text(variable, secret)];
  if (accessKeyId && accessKeySecret) return { accessKeyId, accessKeySecret, securityToken: token && text(variable, token) };
  if (type || accessKeyId || accessKeySecret) throw config(accessKeyId ? secret : id, "is not set, but its other half or credentials_type is");
}

/** Where calls go: regionId, endpoint, network; each may be absent. */
export function placeFrom(variable) {
  const found = (check, name) => {
    const value = text(variable, name);
    return value && check(value, name, true);
  };
  return {
    regionId: found(region, `${ALIBABA}REGION_ID`) ?? found(region, "FC_REGION"),
    endpoint: found(endpoint, ENDPOINT),
    ...listed(variable(REGIONS)),
  };
}

/** The secret client's list of regions: one, since nothing here fails over. */
function listed(list) {
  if (!(list ?? "")) return undefined;
  let first;
  try {
    const found = typeof list === "string" ? JSON.parse(list) : list;
    first = found.length === 1 && { __proto__: null, ...found[0] };
  } catch {
    // Said below.
  }
  const { regionId, endpoint: address, vpc = false, caFilePath } = first || {};
  if (!(regionId || address) || caFilePath || !/^(true|false)$/i.test(vpc)) {
    throw config(REGIONS, 'must be a list of one region, such as [{"regionId":"cn-hangzhou","vpc":true}], without caFilePath');
  }
  return {
    regionId: regionId && region(regionId, REGIONS),
    endpoint: address && endpoint(address, REGIONS, true),
    network: /true/i.test(vpc) ? "vpc" : "public",
  };
}
