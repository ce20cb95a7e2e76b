//! Assembles the npm package: the template's files and the built artefacts side by side in pkg/.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::args::Args;
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::Manifest;
use crate::wasm;
use std::path::Path;

pub(crate) const HELP: &str = "\
cargo xtask npm

Builds every wasm artefact and assembles pkg/, the folder that `npm pack` and `npm publish` take:
  the files of pkg-template/ (but for wasm/ and what git ignores), and of each artefact
  <artefact>.wasm and <artefact>.glue.js
";

pub(crate) fn command(context: &Context, args: Args) -> Result<()> {
    args.finish("npm")?;
    let template = context.root.join("pkg-template");
    if !template.join("package.json").is_file() {
        return Err(Error::new("pkg-template/package.json is not in this tree")
            .advice("cargo xtask wasm builds the artefacts alone"));
    }
    let manifest = Manifest::read(context)?;
    wasm::build(context, &manifest, &manifest.artefacts, false)?;
    let output = context.root.join("pkg");
    if output.exists() {
        std::fs::remove_dir_all(&output).during(|| format!("empty {}", output.display()))?;
    }
    let files = context.files()?;
    let inside = files.iter().filter_map(|path| path.strip_prefix("pkg-template/"));
    for path in inside.filter(|path| !path.starts_with("wasm/")) {
        copy(&template.join(path), &output.join(path))?;
    }
    for artefact in &manifest.artefacts {
        let (name, built) = (&artefact.name, wasm::folder(context, &artefact.name));
        copy(&built.join(format!("{name}.wasm")), &output.join(format!("{name}.wasm")))?;
        copy(&built.join("glue.js"), &output.join(format!("{name}.glue.js")))?;
        copy(&built.join("glue.d.ts"), &output.join(format!("{name}.glue.d.ts")))?;
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&context.root.join(licence), &output.join(licence))?;
    }
    println!("{}", output.display());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).during(|| format!("create {}", parent.display()))?;
    }
    std::fs::copy(from, to).during(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
