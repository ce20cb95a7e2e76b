//! Rules that no compiler checks: layers, links, words, and the shape of files.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod layers;
mod places;
mod rules;
mod source;
mod trees;

use crate::args::Args;
use crate::context::Context;
use crate::error::{During, Error, Result};
use source::Source;

pub(crate) const HELP: &str = "\
cargo xtask guards

Checks, without compiling the library, what the compiler does not:
  links   `cargo tree`: the core has no runtime, TLS or bindings; the npm build none of wasm-pack.toml's forbidden crates
  layers  every `crate::` path in src/ against the table in xtask/src/guards/layers.rs; pure modules are synchronous
  shape   no file over 500 lines; every Rust file says on its first line what it is for
  words   no unwrap, panic or print in product code, no async_trait, `target_arch` only in adapters
  places  no registry host and no path of one machine in tracked files
Each has tests that show it finds a violation: cargo test -p xtask guards
";

pub(crate) fn command(context: &Context, args: Args) -> Result<()> {
    args.finish("guards")?;
    let checked = check(context)?;
    println!("guards: {checked}");
    Ok(())
}

/// Runs every guard; the answer says how much was looked at.
pub(crate) fn check(context: &Context) -> Result<String> {
    let (mut found, mut sources) = (Vec::new(), Vec::new());
    let mut files = 0;
    for path in &context.files()? {
        let file = context.root.join(path);
        let bytes = std::fs::read(&file).during(|| format!("read {path}"))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        files += 1;
        found.extend(places::check(path, &text));
        if [".rs", ".js", ".mjs", ".cjs"].iter().any(|end| path.ends_with(end)) {
            sources.push(Source::new(path, &text));
        }
    }
    found.extend(rules::shape(&sources));
    sources.retain(|source| source.path.ends_with(".rs"));
    // The guards themselves name what they look for.
    sources.retain(|source| !source.path.starts_with("xtask/"));
    if sources.is_empty() {
        return Err(Error::new("git lists no Rust file here").advice("run it inside a git work tree"));
    }
    Source::leave_out_tests(&mut sources);
    found.extend(rules::cfgs(&sources));
    found.extend(rules::words(&sources));
    found.extend(layers::check(&sources));
    found.extend(
        trees::check(context).unwrap_or_else(|error| vec![format!("links could not be checked: {error}")]),
    );
    match found.len() {
        0 => Ok(format!("{files} files, {} of them Rust", sources.len())),
        count => Err(Error::new(format!("{count} found:\n    {}", found.join("\n    ")))),
    }
}
