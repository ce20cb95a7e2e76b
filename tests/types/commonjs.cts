// The same types through require().
// SPDX-License-Identifier: Apache-2.0 OR MIT
import simsim = require("simsim");
import errors = require("simsim/errors");

const client: simsim.SecretClient = new simsim.SecretClient({ regionId: "cn-hangzhou" });
const secret: Promise<simsim.Secret> = client.getSecret("db");
const error: typeof simsim.SimsimError = errors.SimsimError;
export = { secret, error };
