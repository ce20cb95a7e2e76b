//! Reads the configuration of the Alibaba Cloud CLI: which profile, and what its mode asks for.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::external::split;
use crate::credentials::host::shown;
use crate::credentials::plan::{Found, Plan, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{self, Value};
use crate::sensitive::Sensitive;
use crate::text::cut;
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
    let current = root.get("current").and_then(Value::text).filter(|name| !name.expose().is_empty());
    let (name, found) = match (wanted, &current) {
        (Some(name), _) => match file.profile(name) {
            Some(found) => (name, found),
            // The other file may have it.
            None => return Ok(Found::nothing(&[path, ": there is no profile ", &shown(name)])),
        },
        (None, Some(name)) => match file.profile(name.expose()) {
            Some(found) => (name.expose().as_str(), found),
            None => {
                return Err(fault(&["current: names a profile that is not there; run `aliyun configure`"]));
            }
        },
        (None, None) => {
            return Err(fault(&[
                "current: names no profile; run `aliyun configure`, or set ALIBABA_CLOUD_PROFILE",
            ]));
        }
    };
    let mut seen = Vec::new();
    let plan = file.plan(name, found, &mut seen)?;
    Ok(Found::Plan(plan, [path, ", profile ", &shown(name)].concat()))
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
            let named = profile.get("name").and_then(Value::text);
            if found.is_none() && named.is_some_and(|own| own.expose() == name) {
                found = Some(profile);
            }
        });
        found
    }

    fn plan(self, name: &str, fields: Value<'a>, seen: &mut Vec<String>) -> Result<Plan> {
        let profile = Profile { file: self, name, fields };
        if seen.iter().any(|earlier| earlier == name) {
            return Err(profile.fault("source_profile", "leads back to this profile; correct it"));
        }
        if seen.len() >= MAX_CHAIN {
            return Err(
                profile.fault("source_profile", "is one of too many behind one another; shorten the chain")
            );
        }
        seen.push(name.to_owned());
        let mode = profile.text("mode")?;
        Ok(match mode.as_ref().map(|mode| mode.expose().as_str()) {
            Some("AK") => Plan::Keys(profile.keys(None)?),
            Some("StsToken") => {
                let token = profile.required("sts_token")?;
                Plan::Keys(profile.keys(Some(token))?)
            }
            Some("RamRoleArn") => {
                let token = profile.text("sts_token")?.map(Sensitive::into_exposed);
                profile.role(Plan::Keys(profile.keys(token)?))?
            }
            Some("ChainableRamRoleArn") => {
                let source = profile.required("source_profile")?;
                let Some(found) = self.profile(&source) else {
                    return Err(
                        profile.fault("source_profile", "names a profile that is not there; correct it")
                    );
                };
                profile.role(self.plan(&source, found, seen)?)?
            }
            Some("EcsRamRole") => Plan::Ecs { role_name: profile.plain("ram_role_name")?, without_v1: false },
            Some("OIDC") => Plan::Oidc {
                provider_arn: profile.required("oidc_provider_arn")?,
                token_file: profile.required("oidc_token_file")?,
                role: profile.session()?,
            },
            Some("External") => {
                let command = Sensitive::new(profile.required("process_command")?);
                Plan::External(
                    split(command.expose()).map_err(|what| profile.fault("process_command", what))?,
                )
            }
            mode => return Err(profile.fault("mode", unsupported(mode))),
        })
    }
}

/// What to do in place of a mode that is not supported.
fn unsupported(mode: Option<&str>) -> &'static str {
    match mode {
        Some("CloudSSO") => {
            "CloudSSO is not supported yet; use a profile of mode External that asks the CLI for the session"
        }
        Some("OAuth") => {
            "OAuth is not supported yet; use a profile of mode External that asks the CLI for the session"
        }
        Some("RsaKeyPair") => "RsaKeyPair is not supported yet; use a profile of mode AK or RamRoleArn",
        Some("RamRoleArnWithEcs") => {
            "RamRoleArnWithEcs is not supported yet; use ChainableRamRoleArn with a source_profile of mode EcsRamRole"
        }
        Some("CredentialsURI") => {
            "CredentialsURI is not supported yet; set ALIBABA_CLOUD_CREDENTIALS_URI in its place"
        }
        Some(_) => {
            "is unknown; use AK, StsToken, RamRoleArn, EcsRamRole, OIDC, ChainableRamRoleArn or External"
        }
        None => "is missing; use AK, StsToken, RamRoleArn, EcsRamRole, OIDC, ChainableRamRoleArn or External",
    }
}

/// One profile, by whose name its faults are told.
struct Profile<'a> {
    file: File<'a>,
    name: &'a str,
    fields: Value<'a>,
}

impl Profile<'_> {
    fn fault(&self, field: &str, what: &str) -> Error {
        let place = [self.file.path, ", profile ", &shown(self.name)].concat();
        Error::new(ErrorKind::CredentialsUnavailable, [&place, ": ", field, ": ", what].concat())
    }

    /// A text; none where it is missing, null or empty, as the CLI writes what it was not given.
    fn text(&self, field: &str) -> Result<Option<Sensitive<String>>> {
        let Some(value) = self.fields.get(field).filter(|value| !value.is_null()) else { return Ok(None) };
        let text = value.text().ok_or_else(|| self.fault(field, "is no text; correct it"))?;
        Ok((!text.expose().is_empty()).then_some(text))
    }

    fn plain(&self, field: &str) -> Result<Option<String>> {
        Ok(self.text(field)?.map(Sensitive::into_exposed))
    }

    fn required(&self, field: &str) -> Result<String> {
        self.plain(field)?.ok_or_else(|| self.fault(field, "is missing; run `aliyun configure`"))
    }

    fn keys(&self, token: Option<String>) -> Result<Credentials> {
        let (id, secret) = (self.required("access_key_id")?, self.required("access_key_secret")?);
        Credentials::new(id, secret, token, None).map_err(|error| {
            let what = error.explanation();
            let what = cut(what, ": ").map_or(what, |(_, what)| what);
            let field = match cut(what, " ").map(|(part, _)| part) {
                Some("AccessKeyId") => "access_key_id",
                Some("AccessKeySecret") => "access_key_secret",
                _ => "sts_token",
            };
            self.fault(field, cut(what, " ").map_or(what, |(_, what)| what))
        })
    }

    fn role(&self, source: Plan) -> Result<Plan> {
        let external_id = self.plain("external_id")?;
        Ok(Plan::Role { source: Box::new(source), role: self.session()?, external_id })
    }

    fn session(&self) -> Result<Role> {
        let duration = match self.fields.get("expired_seconds").filter(|value| !value.is_null()) {
            // What the CLI writes where nothing was said.
            Some(value) if value.number() == Some(0) => None,
            Some(value) => match value.number() {
                Some(seconds) => Some(Duration::from_secs(seconds)),
                None => {
                    return Err(self.fault("expired_seconds", "is no whole number of seconds; correct it"));
                }
            },
            None => None,
        };
        let vpc = match self.fields.get("enable_vpc").filter(|value| !value.is_null()) {
            Some(value) => value.boolean().ok_or_else(|| self.fault("enable_vpc", "is not true or false"))?,
            None => false,
        };
        Ok(Role {
            arn: self.required("ram_role_arn")?,
            session_name: self.plain("ram_session_name")?,
            duration,
            policy: self.plain("policy")?,
            region: self.plain("sts_region")?,
            vpc,
            endpoint: self.plain("sts_endpoint")?,
        })
    }
}

#[cfg(test)]
mod tests;
