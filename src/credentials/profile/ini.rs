//! Reads the INI file that Alibaba's own packages share: which section, and what its type asks for.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::host::shown;
use crate::credentials::plan::{Found, Plan, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::text::{cut, digits};

/// What the file says of the section that is wanted, or of `default`.
///
/// Source: what the official credential packages read from it.
pub(crate) fn read(content: &[u8], path: &str, wanted: Option<&str>) -> Result<Found> {
    let path = &shown(path);
    let wanted = wanted.unwrap_or("default");
    let Some(section) = section(content, path, wanted)? else {
        return Ok(Found::nothing(&[path, ": there is no section ", &shown(wanted)]));
    };
    if section.get("enable").is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        let why = ["section ", &shown(wanted), " has enable = false"].concat();
        return Ok(Found::nothing(&[path, ": ", &why]));
    }
    let plan = match section.required("type")? {
        "access_key" => Plan::Keys(section.keys()?),
        "ecs_ram_role" => {
            Plan::Ecs { role_name: section.get("role_name").map(str::to_owned), without_v1: false }
        }
        "ram_role_arn" => Plan::Role {
            source: Box::new(Plan::Keys(section.keys()?)),
            role: section.role()?,
            external_id: None,
        },
        "oidc_role_arn" => Plan::Oidc {
            provider_arn: section.required("oidc_provider_arn")?.to_owned(),
            token_file: section.required("oidc_token_file_path")?.to_owned(),
            role: section.role()?,
        },
        "rsa_key_pair" => {
            return Err(
                section.fault("type", "rsa_key_pair is not supported yet; use access_key or ram_role_arn")
            );
        }
        _ => {
            return Err(section
                .fault("type", "is unknown; use access_key, ecs_ram_role, ram_role_arn or oidc_role_arn"));
        }
    };
    Ok(Found::Plan(plan, section.place))
}

/// One section: its keys in the order of the file.
struct Section<'a> {
    place: String,
    entries: Vec<(&'a str, &'a str)>,
}

/// The section of that name. The same name again goes on with it.
fn section<'a>(content: &'a [u8], path: &str, wanted: &str) -> Result<Option<Section<'a>>> {
    let fault =
        |what: &[&str]| Error::new(ErrorKind::CredentialsUnavailable, [path, ": ", &what.concat()].concat());
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let content = crate::text::utf8(content).map_err(|_| fault(&["the file is not UTF-8"]))?;
    let mut section: Option<Section<'a>> = None;
    let mut inside = false;
    let mut rest = Some(content);
    let mut number = 0usize;
    while let Some(text) = rest {
        let (line, after) = cut(text, "\n").map_or((text, None), |(line, after)| (line, Some(after)));
        (rest, number) = (after, number.saturating_add(1));
        let line = line.trim_ascii();
        match line.as_bytes().first() {
            None | Some(b'#' | b';') => {}
            Some(b'[') => {
                let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) else {
                    return Err(fault(&["line ", &digits(number), ": a section is not closed"]));
                };
                inside = name.trim_ascii() == wanted;
                if inside && section.is_none() {
                    let place = [path, ", section ", &shown(wanted)].concat();
                    section = Some(Section { place, entries: Vec::new() });
                }
            }
            Some(_) if inside => match (cut(line, "="), &mut section) {
                (Some((key, value)), Some(section)) => {
                    section.entries.push((key.trim_ascii(), value.trim_ascii()));
                }
                _ => return Err(fault(&["line ", &digits(number), ": is not `key = value`"])),
            },
            // What other sections say is not looked at.
            Some(_) => {}
        }
    }
    Ok(section)
}

impl<'a> Section<'a> {
    fn fault(&self, key: &str, what: &str) -> Error {
        Error::new(ErrorKind::CredentialsUnavailable, [&self.place, ": ", key, ": ", what].concat())
    }

    /// A value; the last one where a key occurs twice, none where it is empty.
    fn get(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.entries.iter().rev().find(|(own, _)| *own == key)?;
        (!value.is_empty()).then_some(*value)
    }

    fn required(&self, key: &str) -> Result<&'a str> {
        self.get(key).ok_or_else(|| self.fault(key, "is missing; add it"))
    }

    fn keys(&self) -> Result<Credentials> {
        let (id, secret) = (self.required("access_key_id")?, self.required("access_key_secret")?);
        Credentials::new(id.to_owned(), secret.to_owned(), None, None).map_err(|error| {
            let what = error.explanation();
            let what = cut(what, ": ").map_or(what, |(_, what)| what);
            let secret = what.starts_with("AccessKeySecret");
            let key = if secret { "access_key_secret" } else { "access_key_id" };
            self.fault(key, cut(what, " ").map_or(what, |(_, what)| what))
        })
    }

    fn role(&self) -> Result<Role> {
        Ok(Role {
            arn: self.required("role_arn")?.to_owned(),
            session_name: self.get("role_session_name").map(str::to_owned),
            policy: self.get("policy").map(str::to_owned),
            ..Role::default()
        })
    }
}

#[cfg(test)]
mod tests;
