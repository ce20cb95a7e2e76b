//! Reads the configuration of the Alibaba Cloud CLI: which profile, and what its mode asks for.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::external::split;
use crate::credentials::fields::{Fields, given, of_json};
use crate::credentials::host::shown;
use crate::credentials::plan::{Found, Plan, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{self, Value};
use crate::sensitive::Sensitive;
use std::time::Duration;

/// How many profiles may stand behind one another.
const MAX_CHAIN: usize = 8;

/// What the file says of the profile that is wanted, or of the current one.
///
/// Source: the CLI's own documentation of `config.json`, and what the official credential packages read from it.
pub(crate) fn read(content: &[u8], path: &str, wanted: Option<&str>) -> Result<Found> {
    let path = &shown(path);
    let fault =
        |what: &[&str]| Error::new(ErrorKind::CredentialsUnavailable, [path, ": ", &what.concat()].concat());
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let json = json::parse(content).map_err(|e| fault(&["the file is not JSON: ", &e.text()]))?;
    let root = json.root();
    let Some(profiles) = root.get("profiles").filter(|profiles| profiles.is_array()) else {
        return Err(fault(&["profiles: is not a list; run `aliyun configure`"]));
    };
    let file = File { path, profiles };
    let current = root.get("current").and_then(Value::text).map(Sensitive::into_exposed).unwrap_or_default();
    let name = wanted.unwrap_or(&current);
    match file.profile(name) {
        Some(found) => Ok(Found::Plan(file.plan(name, found, None)?, file.place(name))),
        // The other file may have it.
        None if wanted.is_some() => Ok(Found::nothing(&[path, ": there is no profile ", &shown(name)])),
        None => Err(fault(&[
            "current: names no profile that is there; run `aliyun configure`, or set ALIBABA_CLOUD_PROFILE",
        ])),
    }
}

/// A profile that stands before another.
#[derive(Clone, Copy)]
struct Link<'a> {
    name: &'a str,
    before: Option<&'a Self>,
}

#[derive(Clone, Copy)]
struct File<'a> {
    path: &'a str,
    profiles: Value<'a>,
}

impl<'a> File<'a> {
    fn profile(self, name: &str) -> Option<Value<'a>> {
        let mut found = None;
        self.profiles.elements(&mut |profile| {
            if found.is_none() && profile.get("name").is_some_and(|own| own.is(name)) {
                found = Some(profile);
            }
        });
        found
    }

    fn place(self, name: &str) -> String {
        [self.path, ", profile ", &shown(name)].concat()
    }

    fn plan(self, name: &str, profile: Value<'a>, before: Option<&Link<'_>>) -> Result<Box<Plan>> {
        let find = of_json(profile);
        let fields = Fields::new(self.place(name), "is missing; run `aliyun configure`", &find);
        let (mut earlier, mut length) = (before, 1usize);
        while let Some(link) = earlier {
            if link.name == name {
                return Err(fields.fault("source_profile", "leads back to this profile; correct it"));
            }
            (earlier, length) = (link.before, length.saturating_add(1));
        }
        if length > MAX_CHAIN {
            return Err(
                fields.fault("source_profile", "is one of too many behind one another; shorten the chain")
            );
        }
        let mode = fields.text("mode").unwrap_or_default();
        let plan = match mode.as_str() {
            "AK" => Plan::Keys(fields.keys(None)?),
            "StsToken" => Plan::Keys(fields.keys(Some(fields.required("sts_token")))?),
            "RamRoleArn" => {
                role(&fields, profile, Box::new(Plan::Keys(fields.keys(fields.text("sts_token"))?)))
            }
            "ChainableRamRoleArn" => {
                let source = fields.required("source_profile");
                match self.profile(&source) {
                    Some(found) => {
                        role(&fields, profile, self.plan(&source, found, Some(&Link { name, before }))?)
                    }
                    None => {
                        return Err(
                            fields.fault("source_profile", "names a profile that is not there; correct it")
                        );
                    }
                }
            }
            "EcsRamRole" => Plan::Ecs { role_name: fields.text("ram_role_name"), without_v1: false },
            "OIDC" => Plan::Oidc {
                provider_arn: fields.required("oidc_provider_arn"),
                token_file: fields.required("oidc_token_file"),
                role: session(&fields, profile),
            },
            "External" => {
                let command = Sensitive::new(fields.required("process_command"));
                match split(command.expose()) {
                    Ok(argv) => Plan::External(argv),
                    Err(what) => return Err(fields.fault("process_command", what)),
                }
            }
            mode => return Err(fields.fault("mode", unsupported(mode))),
        };
        fields.end(Box::new(plan))
    }
}

fn role(fields: &Fields<'_>, profile: Value<'_>, source: Box<Plan>) -> Plan {
    let external_id = fields.text("external_id");
    Plan::Role { source, role: session(fields, profile), external_id }
}

fn session(fields: &Fields<'_>, profile: Value<'_>) -> Role {
    let mut role = fields.role("ram_role_arn", "ram_session_name");
    role.region = fields.text("sts_region");
    role.endpoint = fields.text("sts_endpoint");
    if let Some(seconds) = given(profile, "expired_seconds") {
        match seconds.number() {
            // What the CLI writes where nothing was said.
            Some(0) => {}
            Some(seconds) => role.duration = Some(Duration::from_secs(seconds)),
            None => fields.note("expired_seconds", "is no whole number of seconds; correct it"),
        }
    }
    if let Some(vpc) = given(profile, "enable_vpc") {
        match vpc.boolean() {
            Some(vpc) => role.vpc = vpc,
            None => fields.note("enable_vpc", "is not true or false; correct it"),
        }
    }
    role
}

/// What to do in place of a mode that is not supported.
fn unsupported(mode: &str) -> &'static str {
    match mode {
        "CloudSSO" => {
            "CloudSSO is not supported yet; use a profile of mode External that asks the CLI for the session"
        }
        "OAuth" => {
            "OAuth is not supported yet; use a profile of mode External that asks the CLI for the session"
        }
        "RsaKeyPair" => "RsaKeyPair is not supported yet; use a profile of mode AK or RamRoleArn",
        "RamRoleArnWithEcs" => {
            "RamRoleArnWithEcs is not supported yet; use ChainableRamRoleArn with a source_profile of mode EcsRamRole"
        }
        "CredentialsURI" => {
            "CredentialsURI is not supported yet; set ALIBABA_CLOUD_CREDENTIALS_URI in its place"
        }
        "" => "is missing; use AK, StsToken, RamRoleArn, EcsRamRole, OIDC, ChainableRamRoleArn or External",
        _ => "is unknown; use AK, StsToken, RamRoleArn, EcsRamRole, OIDC, ChainableRamRoleArn or External",
    }
}

#[cfg(test)]
mod tests;
