//! `cargo xtask npm`: builds the npm package into pkg/, and shows that it can be built again to the same bytes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod assemble;
mod sbom;

use crate::args::Args;
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::{Artefact, Manifest};
use crate::size;
use crate::wasm;
use crate::wasm::measure::inspect;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(crate) const HELP: &str = "\
cargo xtask npm [--no-build] [--check-reproducible]

Builds every wasm artefact and assembles pkg/, the folder that `npm pack` and `npm publish` take:
  the files of pkg-template/ (but for the crates and what git ignores), with the version of Cargo.toml
  <artefact>.wasm, <artefact>.wasm.sha256, <artefact>.hex.js and .cjs (the same wasm as a script), <artefact>.glue.js,
  <artefact>.cdx.json (CycloneDX: the crates that are linked into it)
  node.bundle.cjs, everything for Node in one CommonJS file but the wasm, made from node.js; node.cjs and node.mjs
              re-export it
  testing.cjs the same for simsim/testing
  *.d.cts     the types again, for CommonJS
Prints the SHA-256 of each wasm.

  --no-build             assemble what target/wasm/ already holds
  --check-reproducible   do everything behind rustc twice and compare every file of the two packages
";

/// Where the package is.
pub(crate) fn folder(context: &Context) -> PathBuf {
    context.root.join("pkg")
}

pub(crate) fn command(context: &Context, mut args: Args) -> Result<()> {
    let (build, twice) = (!args.flag(&["--no-build"]), args.flag(&["--check-reproducible"]));
    args.finish("npm")?;
    let manifest = Manifest::read(context)?;
    package(context, &manifest, build)?;
    if twice {
        let first = contents(&folder(context))?;
        package(context, &manifest, true)?;
        same(&first, &contents(&folder(context))?)?;
        println!("{} files are the same in both packages", first.len());
    }
    for artefact in &manifest.artefacts {
        let name = format!("{}.wasm", artefact.name);
        println!("{}  {name}", inspect(context, &folder(context).join(&name))?.sha256);
    }
    println!("{}", folder(context).display());
    Ok(())
}

/// Every file below a folder, by its path.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let entries = std::fs::read_dir(folder).during(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry.during(|| format!("read {}", folder.display()))?.path();
        if path.is_dir() {
            found.append(&mut contents(&path)?);
        } else {
            let bytes = std::fs::read(&path).during(|| format!("read {}", path.display()))?;
            found.insert(path, bytes);
        }
    }
    Ok(found)
}

fn same(first: &BTreeMap<PathBuf, Vec<u8>>, second: &BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let names = first.keys().chain(second.keys());
    let differ: BTreeSet<String> = names
        .filter(|path| first.get(*path) != second.get(*path))
        .map(|path| path.display().to_string())
        .collect();
    match differ.is_empty() {
        true => Ok(()),
        false => {
            let list = differ.into_iter().collect::<Vec<_>>().join(", ");
            Err(Error::new(format!("not the same in both packages: {list}")))
        }
    }
}

fn missing<'a>(context: &Context, manifest: &'a Manifest) -> Option<&'a Artefact> {
    let built = |artefact: &&Artefact| wasm::folder(context, &artefact.name).join("glue.js").is_file();
    manifest.artefacts.iter().find(|artefact| !built(artefact))
}

/// Whether every wasm is there, from whatever sources.
pub(crate) fn has_artefacts(context: &Context, manifest: &Manifest) -> bool {
    missing(context, manifest).is_none()
}

/// Builds pkg/, artefacts first.
pub(crate) fn package(context: &Context, manifest: &Manifest, build: bool) -> Result<()> {
    if build {
        wasm::build(context, manifest, &manifest.artefacts, false)?;
    }
    if let Some(artefact) = missing(context, manifest) {
        let what = format!("the artefact `{}` is not built", artefact.name);
        return Err(Error::new(what).advice("cargo xtask wasm"));
    }
    assemble::run(context, manifest, &folder(context))?;
    let sizes = size::report(context, manifest)?.sentence();
    assemble::say(&folder(context).join("README.md"), &sizes)
}

#[cfg(test)]
mod tests {
    use super::same;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    #[test]
    fn a_file_that_differs_or_is_missing_is_named() {
        let package = |files: &[(&str, &[u8])]| -> BTreeMap<PathBuf, Vec<u8>> {
            files.iter().map(|(name, bytes)| (PathBuf::from(name), bytes.to_vec())).collect()
        };
        let whole = package(&[("a", b"1"), ("b", b"2")]);
        assert!(same(&whole, &whole).is_ok());
        for (other, name) in [(package(&[("a", b"1"), ("b", b"3")]), "b"), (package(&[("b", b"2")]), "a")] {
            assert!(same(&whole, &other).unwrap_err().to_string().ends_with(&format!(": {name}")));
        }
    }
}
