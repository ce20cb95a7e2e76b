// The same types through require().
// SPDX-License-Identifier: Apache-2.0 OR MIT
import simsim = require("simsim");
import errors = require("simsim/errors");
import functions = require("simsim/function-compute");
import testing = require("simsim/testing");

const client: simsim.SecretClient = new simsim.SecretClient(testing.createEmulator().clientOptions);
const secret: Promise<simsim.Secret> = client.getSecret("db");
const error: typeof simsim.SimsimError = errors.SimsimError;
const own: simsim.SecretClient = new simsim.SecretClient({ credentials: functions.functionCompute() });
export = { secret, error, own };
