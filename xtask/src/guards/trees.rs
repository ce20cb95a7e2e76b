//! What a build links, asked of `cargo tree`: the core has no runtime, no TLS and no bindings; the npm build less still.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::Result;
use crate::manifest::Manifest;
use crate::shell::Cmd;
use crate::toolchain::TARGET;

/// What the adapters for JavaScript must not bring: they have the platform's own.
const NOT_WITH_JS: &[&str] = &[
    "tokio",
    "rustls",
    "ring",
    "url",
    "regex",
    "chrono",
    "reqwest",
    "http",
    "hyper",
    "serde_json",
    "getrandom",
];

/// What `simsim` without features must not contain besides, on any target.
const NOT_IN_CORE: &[&str] = &["aws-lc-rs", "wasm-bindgen", "js-sys", "web-sys", "serde", "tracing"];

/// Forbidden crates in the core (host and wasm) and in the npm build.
pub(super) fn check(context: &Context) -> Result<Vec<String>> {
    let manifest = Manifest::read(context)?;
    let core = owned(&[NOT_WITH_JS, NOT_IN_CORE].concat());
    let plain = ["--package", "simsim", "--no-default-features"];
    let mut found = forbidden("simsim without features", &tree(context, &plain)?, &core);
    let wasm = [plain.as_slice(), &["--target", TARGET]].concat();
    found.extend(forbidden("simsim without features, for wasm", &tree(context, &wasm)?, &core));
    let js = ["--package", "simsim", "--no-default-features", "--features", "js", "--target", TARGET];
    found.extend(forbidden("simsim with js, for wasm", &tree(context, &js)?, &owned(NOT_WITH_JS)));
    for artefact in &manifest.artefacts {
        let features = artefact.features.join(",");
        let package = ["--package", &artefact.package, "--target", TARGET, "--features", &features];
        let what = format!("artefact {}", artefact.name);
        let mut names = manifest.forbidden_crates.clone();
        names.retain(|name| !artefact.may_link.contains(name));
        found.extend(forbidden(&what, &tree(context, &package)?, &names));
    }
    Ok(found)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn tree(context: &Context, args: &[&str]) -> Result<String> {
    // `no-proc-macro`: what a macro uses while it runs is not linked.
    let cmd = Cmd::cargo().args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none"]);
    cmd.args(["--format", "{p}"]).args(args).dir(&context.root).stdout()
}

fn forbidden(what: &str, tree: &str, names: &[String]) -> Vec<String> {
    let linked =
        |name: &&String| tree.lines().any(|line| line.split_whitespace().next() == Some(name.as_str()));
    names.iter().filter(linked).map(|name| format!("{what} links `{name}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::forbidden;

    #[test]
    fn a_forbidden_crate_is_found_by_its_whole_name() {
        let tree = "simsim v0.1.0 (/x)\nhttp-body v1.0.0\ntokio v1.0.0\n";
        let names = ["tokio".to_owned(), "http".to_owned()];
        assert_eq!(forbidden("core", tree, &names), ["core links `tokio`"]);
    }
}
