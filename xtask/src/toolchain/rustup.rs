//! The user's way to the wasm target: the toolchain on the PATH, after `rustup target add` if need be.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{TARGET, WasmToolchain};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::shell::{Cmd, on_path};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// rustup's server either answers soon or is not reachable.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn find(context: &Context) -> Result<WasmToolchain> {
    let sysroot = PathBuf::from(Cmd::new("rustc").args(["--print", "sysroot"]).stdout()?.trim_end());
    if !has_target(&sysroot) {
        if !on_path("rustup") {
            return Err(Error::new(format!(
                "{TARGET} is not installed and there is no rustup to install it"
            )));
        }
        Cmd::new("rustup").args(["target", "add", TARGET]).limit(PATIENCE).run(context)?;
        if !has_target(&sysroot) {
            return Err(Error::new(format!(
                "rustup installed {TARGET} for another toolchain than the one in use"
            )));
        }
    }
    let version = Cmd::new("rustc").arg("--version").stdout()?;
    Ok(WasmToolchain {
        origin: format!("rustup or PATH, {}", version.trim_end()),
        cargo: std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).into(),
        clippy: on_path("cargo-clippy").then(|| PathBuf::from("cargo-clippy")),
        environment: Vec::new(),
        flags: Vec::new(),
        remap: vec![(sysroot, "rust")],
        own_std: false,
    })
}

fn has_target(sysroot: &Path) -> bool {
    let folder = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}
