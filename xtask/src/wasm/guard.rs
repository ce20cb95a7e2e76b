//! Looks into a finished artefact: which imports it has, and whether a path of the build machine is in its bytes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::compile;
use super::measure;
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::Manifest;
use crate::toolchain::WasmToolchain;
use std::path::Path;

/// Fails when the artefact has an import that is not wasm-bindgen's own, or a build path inside.
pub(super) fn check(
    context: &Context,
    toolchain: &WasmToolchain,
    plan: &Manifest,
    wasm: &Path,
) -> Result<()> {
    let shape = measure::inspect(context, wasm)?;
    let bytes = std::fs::read(wasm).during(|| format!("read {}", wasm.display()))?;
    let mut needles =
        vec![".cargo/registry".to_owned(), "/usr/lib/rustlib".to_owned(), "/usr/src/rustc".to_owned()];
    let folders = compile::folders(context, toolchain);
    needles.extend(folders.iter().map(|(folder, _)| folder.display().to_string()));
    if toolchain.own_std {
        // rustup's std has `/rustc/<commit>/library/…`, the same on every machine and not to be remapped.
        needles.push("/rustc/".to_owned());
    }
    let mut found = foreign_imports(&shape.imports, &plan.allowed_imports);
    found.extend(paths_inside(&bytes, &needles));
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!("{}:\n    {}", wasm.display(), found.join("\n    "))).advice(
        "an import comes from js-sys, web-sys or a #[wasm_bindgen] extern block; a path from a missing remap",
    ))
}

fn foreign_imports(imports: &[String], allowed: &[String]) -> Vec<String> {
    let fits = |import: &str| {
        allowed.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => import.starts_with(prefix),
            None => import == pattern,
        })
    };
    imports.iter().filter(|name| !fits(name)).map(|name| format!("imports `{name}`")).collect()
}

fn paths_inside(bytes: &[u8], needles: &[String]) -> Vec<String> {
    let contains = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    let found = needles.iter().filter(|needle| contains(needle));
    found.map(|needle| format!("contains the build path `{needle}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::{foreign_imports, paths_inside};

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn an_import_that_is_not_wasm_bindgens_own_is_found() {
        let imports = owned(&["__wbg___wbindgen_throw_a1b2", "__wbg_fetch_c3d4", "__wbindgen_throw"]);
        let found = foreign_imports(&imports, &owned(&["__wbindgen_throw", "__wbg___wbindgen_throw_*"]));
        assert_eq!(found, ["imports `__wbg_fetch_c3d4`"]);
    }

    #[test]
    fn a_build_path_is_found() {
        let needles = owned(&["/home/someone/simsim", ".cargo/registry"]);
        assert_eq!(paths_inside(b"\0asm cargo/x.rs simsim/src/lib.rs", &needles).len(), 0);
        assert_eq!(paths_inside(b"\0asm /home/someone/simsim/src/lib.rs", &needles).len(), 1);
    }
}
