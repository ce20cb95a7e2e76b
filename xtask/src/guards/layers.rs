//! Who may import whom in src/: the table of the architecture, checked against every `crate::` path.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::source::{Source, words};
use std::collections::BTreeMap;

/// From the ground up; a module may import every module of a lower row.
const ROWS: &[&[&str]] = &[
    &["hash", "sorted", "text"],
    &["error", "json", "lease", "observe", "secret", "sensitive", "sync", "time"],
    &["gateway", "http", "runtime", "signing"],
    &["openapi"],
    &["cache", "credentials", "region", "store"],
    &["asking", "batch", "builder", "client", "read", "status"],
    &["admin", "config", "fuzzing", "ram", "session"],
];

/// Imports inside a row, or upwards, each for a reason.
const ALSO: &[(&str, &[&str])] = &[
    // Whether this is an isolate.
    ("text", &["sync"]),
    ("error", &["sensitive", "time", "sync"]),
    ("json", &["error", "sensitive"]),
    ("lease", &["error", "sync", "time"]),
    ("observe", &["error", "secret", "sensitive", "sync", "time"]),
    ("secret", &["error", "json", "sensitive", "sync", "time"]),
    ("time", &["error"]),
    // Plain values only: a request that is signed, an answer that is decoded, the credentials that sign.
    ("gateway", &["http", "signing"]),
    ("signing", &["http", "credentials"]),
    // The one loop: credentials → region → encode → sign → send → decide.
    ("openapi", &["credentials", "region"]),
    ("credentials", &["region"]),
    ("store", &["cache"]),
    ("builder", &["client"]),
    ("asking", &["client"]),
    ("client", &["builder", "read"]),
    ("batch", &["client", "read"]),
    ("read", &["builder", "client"]),
    ("status", &["client"]),
    ("session", &["mailbox"]),
    ("fuzzing", &["mailbox"]),
    ("ram", &["config"]),
    // Adapters: they implement seams, and only lib.rs names them.
    (
        "mailbox",
        &[
            "http",
            "runtime",
            "error",
            "hash",
            "observe",
            "secret",
            "sensitive",
            "sync",
            "sorted",
            "text",
            "time",
            "credentials",
            "store",
        ],
    ),
    // A builder that is given the adapters, for an author who has no other platform.
    ("js", &["http", "runtime", "error", "sync", "time", "builder", "client"]),
];

/// Pure and synchronous: time and nonce are arguments.
const PURE: &[&str] = &["gateway", "cache", "signing", "lease", "json"];
/// What pure code never says. (`BoxFuture` holds `Future`, which is found as a name of its own.)
const IMPURE: &[&str] = &["async", ".await", "Future", "BoxFuture", "Runtime", "Fetch"];

/// Every import that the table does not allow, and every impure word in a pure module.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let items = sources.iter().find(|source| source.path == "src/lib.rs").map(root_items).unwrap_or_default();
    let mut found = Vec::new();
    for source in sources {
        let Some(module) = module(&source.path) else { continue };
        if !known(module) {
            found
                .push(format!("{}: module `{module}` has no row in xtask/src/guards/layers.rs", source.path));
            continue;
        }
        for (at, name) in imports(&source.shipped) {
            let target = items.get(&name).unwrap_or(&name);
            if target != module && !may(module, target) {
                let place = source.place(&source.shipped, at);
                found.push(format!("{place}: `{module}` may not import `{target}`"));
            }
        }
        for at in words(&source.shipped, "super::super") {
            found.push(format!(
                "{}: say `crate::` where a path leaves its folder",
                source.place(&source.shipped, at)
            ));
        }
        if PURE.contains(&module) {
            let impure = IMPURE
                .iter()
                .flat_map(|word| source.places(word).into_iter().map(move |place| (word, place)));
            found.extend(
                impure.map(|(word, place)| format!("{place}: `{module}` is pure, but says `{word}`")),
            );
        }
        if module == "gateway" && source.path.starts_with("src/gateway/shared") {
            found.extend(
                source.places("dedicated").into_iter().map(|p| format!("{p}: shared may not use dedicated")),
            );
        }
    }
    found
}

fn known(module: &str) -> bool {
    ROWS.iter().any(|row| row.contains(&module)) || ALSO.iter().any(|(name, _)| *name == module)
}

fn may(module: &str, target: &str) -> bool {
    let row = |name: &str| ROWS.iter().position(|row| row.contains(&name));
    let below = matches!((row(module), row(target)), (Some(own), Some(other)) if other < own);
    below || ALSO.iter().any(|(name, targets)| *name == module && targets.contains(&target))
}

/// The top module of a file of src/; none for lib.rs, which only re-exports.
fn module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/").filter(|inside| *inside != "lib.rs")?;
    inside.split('/').next().map(|first| first.strip_suffix(".rs").unwrap_or(first))
}

/// The first name of every `crate::…` path, also of those in braces.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in words(code, "crate::") {
        let tail = code.get(at + "crate::".len()..).unwrap_or_default().trim_start();
        match tail.strip_prefix('{') {
            Some(group) => found.extend(group_names(group).into_iter().map(|name| (at, name))),
            None => found.push((at, name(tail))),
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}

/// The first name of each entry of `a::{b, c}, d}`.
fn group_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut entry = String::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut entry)),
            _ => {}
        }
        if depth == 0 && c != ',' {
            entry.push(c);
        }
    }
    names.push(entry);
    names.iter().map(|entry| name(entry.trim_start())).collect()
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What lib.rs re-exports, and from which module: `crate::Error` is an import of `error`.
fn root_items(lib: &Source) -> BTreeMap<String, String> {
    let mut items = BTreeMap::new();
    for at in words(&lib.shipped, "use ") {
        let tail = lib.shipped.get(at + 4..).unwrap_or_default();
        let path = tail.split(';').next().unwrap_or_default();
        let path = path.trim_start().trim_start_matches("crate::").trim_start_matches("self::");
        let module = name(path);
        let names = path.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty());
        items.extend(names.filter(|name| *name != module).map(|name| (name.to_owned(), module.clone())));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::{Source, check};

    fn lib() -> Source {
        Source::new("src/lib.rs", "pub use error::{Error, Result};\npub use client::Client;\n")
    }

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&[lib(), Source::new(path, text)])
    }

    #[test]
    fn an_import_downwards_is_allowed() {
        let text =
            "use crate::{Error, http::{Request, Response}, sync::BoxFuture};\nuse crate::openapi::call;";
        assert_eq!(found("src/client.rs", text), [""; 0]);
    }

    #[test]
    fn an_import_upwards_is_found_in_every_spelling() {
        for text in [
            "use crate::client::Client;",
            "use crate::{error::Error, client::Client};",
            "use crate::{\n  error::{Error, Result},\n  client,\n};",
            "fn f() { crate::client::go() }",
            "use crate::Client;",
        ] {
            assert_eq!(found("src/http/mod.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn the_core_may_not_import_adapters() {
        assert_eq!(found("src/client.rs", "use crate::js::JsFetch;").len(), 1);
        assert_eq!(found("src/client.rs", "use crate::mailbox::Effect;").len(), 1);
    }

    #[test]
    fn pure_modules_say_nothing_asynchronous() {
        assert_eq!(found("src/cache/mod.rs", "async fn f() { g().await }").len(), 2);
        assert_eq!(found("src/lease.rs", "fn f(now: u64) {}").len(), 0);
        assert_eq!(found("src/signing/acs3.rs", "use crate::http::Fetch;").len(), 1);
    }

    #[test]
    fn the_shared_gateway_does_not_know_the_dedicated_one() {
        assert_eq!(found("src/gateway/shared.rs", "use super::dedicated::x;").len(), 1);
    }

    #[test]
    fn a_module_without_a_row_is_found() {
        assert_eq!(found("src/helper.rs", "").len(), 1);
    }

    #[test]
    fn tests_may_import_anything() {
        assert_eq!(
            found("src/http/mod.rs", "#[cfg(test)] mod tests { use crate::client::Client; }").len(),
            0
        );
    }
}
