//! `cargo xtask npm`: builds the npm package into pkg/, and shows that it can be built again to the same bytes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod assemble;

use crate::args::Args;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::wasm;
use crate::wasm::measure::inspect;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
cargo xtask npm [--no-build]

Builds every wasm artefact and assembles pkg/, the folder that `npm pack` and `npm publish` take:
  the files of pkg-template/ (but for the crates and what git ignores), with the version of Cargo.toml
  <artefact>.wasm, <artefact>.wasm.sha256, <artefact>.base64.js (the same wasm as a script), <artefact>.glue.js
  node.cjs    everything for Node in one CommonJS file, made from node.js; node.mjs re-exports it
  testing.cjs the same for simsim/testing
  *.d.cts     the types again, for CommonJS
Prints the SHA-256 of each wasm.

  --no-build   assemble what target/wasm/ already holds
";

/// Where the package is.
pub(crate) fn folder(context: &Context) -> PathBuf {
    context.root.join("pkg")
}

pub(crate) fn command(context: &Context, mut args: Args) -> Result<()> {
    let build = !args.flag(&["--no-build"]);
    args.finish("npm")?;
    let manifest = Manifest::read(context)?;
    package(context, &manifest, build)?;
    for artefact in &manifest.artefacts {
        let name = format!("{}.wasm", artefact.name);
        println!("{}  {name}", inspect(context, &folder(context).join(&name))?.sha256);
    }
    println!("{}", folder(context).display());
    Ok(())
}

/// Builds pkg/, artefacts first.
pub(crate) fn package(context: &Context, manifest: &Manifest, build: bool) -> Result<()> {
    if build {
        wasm::build(context, manifest, &manifest.artefacts, false)?;
    }
    for artefact in &manifest.artefacts {
        if !wasm::folder(context, &artefact.name).join("glue.js").is_file() {
            return Err(Error::new(format!("the artefact `{}` is not built", artefact.name))
                .advice("cargo xtask wasm"));
        }
    }
    assemble::run(context, manifest, &folder(context))
}
