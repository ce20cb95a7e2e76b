//! The cargo step of an artefact: reproducible flags, and the path of the compiled cdylib.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{Error, Result};
use crate::manifest::{Artefact, Manifest};
use crate::toolchain::{TARGET, WasmToolchain};
use std::path::{Path, PathBuf};

/// Compiles the package with the artefact's features and says where the result is.
pub(super) fn run(
    context: &Context,
    toolchain: &WasmToolchain,
    plan: &Manifest,
    artefact: &Artefact,
) -> Result<PathBuf> {
    let mut flags = vec![format!("-Clink-arg=-zstack-size={}", plan.stack_size)];
    flags.extend(plan.rustflags.iter().cloned());
    flags.extend(remaps(context, toolchain));
    toolchain
        .cargo(context, "build", &flags)
        .args(["--locked", "--lib", "--package", &artefact.package, "--profile", &plan.profile])
        .args(["--no-default-features", "--features", &artefact.features.join(",")])
        .run(context)?;
    let file = format!("{}.wasm", artefact.package.replace('-', "_"));
    let built = toolchain.target_dir(context).join(TARGET).join(&plan.profile).join(file);
    match built.is_file() {
        true => Ok(built),
        false => Err(Error::new(format!("cargo succeeded but did not write {}", built.display()))
            .advice(format!("does `{}` have crate-type = [\"cdylib\"]?", artefact.package))),
    }
}

/// Each folder of this machine that source paths can begin with, and the name that replaces it.
pub(super) fn folders(context: &Context, toolchain: &WasmToolchain) -> Vec<(PathBuf, &'static str)> {
    let mut folders = toolchain.remap.clone();
    if let Some(home) = context.cargo_home() {
        // One folder for each registry or mirror, named after its host: that name must not show either.
        let sources = std::fs::read_dir(home.join("registry/src"));
        folders.extend(sources.into_iter().flatten().flatten().map(|entry| (entry.path(), "crates")));
        folders.push((home, "cargo"));
    }
    folders.push((context.target.clone(), "target"));
    folders.push((context.root.clone(), "simsim"));
    let resolved: Vec<_> = folders
        .iter()
        .filter_map(|(folder, name)| Some((Path::canonicalize(folder).ok()?, *name)))
        .filter(|pair| !folders.contains(pair))
        .collect();
    folders.extend(resolved);
    // rustc takes the last rule that fits: the longest prefix must win.
    folders.sort_by_key(|(folder, _)| folder.as_os_str().len());
    folders
}

fn remaps(context: &Context, toolchain: &WasmToolchain) -> Vec<String> {
    let folders = folders(context, toolchain);
    folders.iter().map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display())).collect()
}
