//! A Rust toolchain that can build wasm32-unknown-unknown: the one on the PATH, rustup's target, or Debian's packages.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod debian;
mod rustup;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::shell::{Cmd, encoded};
use std::path::PathBuf;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// A toolchain that has the target. rustc of one origin cannot use the std of another (E0514), so it is whole.
#[derive(Debug)]
pub(crate) struct WasmToolchain {
    /// Where it is from, for the reader.
    pub(crate) origin: String,
    cargo: PathBuf,
    clippy: Option<PathBuf>,
    /// Set, or removed, for every program of this toolchain.
    environment: Vec<(&'static str, Option<String>)>,
    /// Flags of every unit that is built for the target.
    flags: Vec<String>,
    /// Folders that must not show in what is built, and what stands for them.
    pub(crate) remap: Vec<(PathBuf, &'static str)>,
    /// Whether this toolchain's std was compiled here, without a trace of its sources' folder.
    pub(crate) own_std: bool,
}

impl WasmToolchain {
    /// The first way that works; `WASM_TOOLCHAIN=rustup` or `=debian` allows only that one.
    pub(crate) fn find(context: &Context) -> Result<Self> {
        let wanted = std::env::var("WASM_TOOLCHAIN").unwrap_or_else(|_| "auto".to_owned());
        match wanted.as_str() {
            "rustup" => rustup::find(context),
            "debian" => debian::find(context),
            "auto" | "" => rustup::find(context).or_else(|first| {
                debian::find(context).map_err(|second| {
                    Error::new(format!(
                        "no toolchain for {TARGET}\n  rustup's way: {first}\n  Debian's way: {second}"
                    ))
                })
            }),
            other => Err(Error::new(format!("WASM_TOOLCHAIN={other} is not known"))
                .advice("leave it unset, or set it to rustup or debian")),
        }
    }

    /// `cargo <subcommand> --target wasm32-unknown-unknown` in a target folder of its own, so that
    /// two toolchains never rebuild each other's work.
    pub(crate) fn cargo(&self, context: &Context, subcommand: &str, more: &[String]) -> Cmd {
        self.prepared(Cmd::new(&self.cargo).arg(subcommand), context, more)
    }

    /// clippy for the target, where this toolchain has one.
    pub(crate) fn clippy(&self, context: &Context) -> Option<Cmd> {
        let program = self.clippy.as_ref()?;
        // A plugin's first argument is its own name, as cargo passes it.
        let cmd = Cmd::new(program).arg("clippy").env("CARGO", &self.cargo);
        Some(self.prepared(cmd, context, &[]))
    }

    fn prepared(&self, cmd: Cmd, context: &Context, more: &[String]) -> Cmd {
        let flags: Vec<String> = self.flags.iter().chain(more).cloned().collect();
        let mut cmd = cmd.args(["--target", TARGET, "--target-dir"]).arg(self.target_dir(context));
        for (name, value) in &self.environment {
            cmd = match value {
                Some(value) => cmd.env(name, value),
                None => cmd.without(name),
            };
        }
        cmd.without("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", encoded(&flags)).dir(&context.root)
    }

    /// Where this toolchain builds.
    pub(crate) fn target_dir(&self, context: &Context) -> PathBuf {
        context.target.join("wasm-build")
    }
}
