//! Reads the INI file that Alibaba's own packages share: which section, and what its type asks for.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::fields::Fields;
use crate::credentials::host::shown;
use crate::credentials::plan::{Found, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::text::{cut, digits};

/// What the file says of the section that is wanted, or of `default`.
///
/// Source: what the official credential packages read from it.
pub(crate) fn read(content: &[u8], path: &str, wanted: Option<&str>) -> Result<Found> {
    let path = &shown(path);
    let wanted = wanted.unwrap_or("default");
    let Some(entries) = section(content, path, wanted)? else {
        return Ok(Found::nothing(&[path, ": there is no section ", &shown(wanted)]));
    };
    // The last one where a key occurs twice.
    let find = |key: &str| {
        let value = entries.iter().rev().find(|(own, _)| *own == key).map(|(_, value)| (*value).to_owned());
        Ok(value)
    };
    let place = [path, ", section ", &shown(wanted)].concat();
    let fields = Fields::new(place.clone(), "is missing; add it", &find);
    if fields.text("enable").is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        return Ok(Found::nothing(&[path, ": section ", &shown(wanted), " has enable = false"]));
    }
    let role = || fields.role("role_arn", "role_session_name");
    let plan = match fields.required("type").as_str() {
        "access_key" => Plan::Keys(fields.keys(None)?),
        "ecs_ram_role" => Plan::Ecs { role_name: fields.text("role_name"), without_v1: false },
        "ram_role_arn" => {
            let source = Box::new(Plan::Keys(fields.keys(None)?));
            Plan::Role { source, role: role(), external_id: None }
        }
        "oidc_role_arn" => Plan::Oidc {
            provider_arn: fields.required("oidc_provider_arn"),
            token_file: fields.required("oidc_token_file_path"),
            role: role(),
        },
        "rsa_key_pair" => {
            return Err(
                fields.fault("type", "rsa_key_pair is not supported yet; use access_key or ram_role_arn")
            );
        }
        _ => {
            return Err(fields
                .fault("type", "is unknown; use access_key, ecs_ram_role, ram_role_arn or oidc_role_arn"));
        }
    };
    Found::plan(fields.end(plan)?, &place)
}

/// Keys and values, in the order of the file.
type Entries<'a> = Vec<(&'a str, &'a str)>;

/// The section of that name. The same name again goes on with it.
fn section<'a>(content: &'a [u8], path: &str, wanted: &str) -> Result<Option<Entries<'a>>> {
    let fault =
        |what: &[&str]| Error::new(ErrorKind::CredentialsUnavailable, [path, ": ", &what.concat()].concat());
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let content = crate::text::utf8(content).map_err(|_| fault(&["the file is not UTF-8"]))?;
    let mut section: Option<Entries<'a>> = None;
    let mut inside = false;
    let mut rest = Some(content);
    let mut number = 0usize;
    while let Some(text) = rest {
        let (line, after) = cut(text, "\n").map_or((text, None), |(line, after)| (line, Some(after)));
        (rest, number) = (after, number.saturating_add(1));
        let line = line.trim_ascii();
        let wrong = match line.as_bytes().first() {
            None | Some(b'#' | b';') => continue,
            Some(b'[') => match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                Some(name) => {
                    inside = name.trim_ascii() == wanted;
                    if inside {
                        section.get_or_insert_default();
                    }
                    continue;
                }
                None => ": a section is not closed",
            },
            // What other sections say is not looked at.
            Some(_) if !inside => continue,
            Some(_) => match cut(line, "=") {
                Some((key, value)) => {
                    section.get_or_insert_default().push((key.trim_ascii(), value.trim_ascii()));
                    continue;
                }
                None => ": is not `key = value`",
            },
        };
        return Err(fault(&["line ", &digits(number), wrong]));
    }
    Ok(section)
}

#[cfg(test)]
mod tests;
