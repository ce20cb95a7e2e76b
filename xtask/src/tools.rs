//! Installs the programs the commands need: npm's development tools, Debian's packages, cargo-deny, cargo-fuzz, rustup components.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::shell::{Cmd, on_path};
use std::path::{Path, PathBuf};

const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
const FUZZ: (&str, &str) = ("cargo-fuzz", "0.13.2");

/// The programs of the JavaScript build and tests.
pub(crate) fn npm(context: &Context) -> Result<()> {
    npm_in(context, &context.root.join("tests/npm"))
}

/// What a folder's package-lock.json names, installed once per lock file.
pub(crate) fn npm_in(context: &Context, folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let wanted = std::fs::read(&lock).during(|| format!("read {}", lock.display()))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    Cmd::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).dir(folder).run(context)?;
    std::fs::write(&stamp, wanted).during(|| format!("write {}", stamp.display()))
}

/// The browser of the JavaScript tests, from Debian: playwright's own is a download that CI cannot reach.
pub(crate) fn browser(context: &Context) -> Result<()> {
    match on_path("chromium") {
        true => Ok(()),
        false => debian_packages(context, &["chromium"]),
    }
}

/// Packages of Debian's, where we may install them.
pub(crate) fn debian_packages(context: &Context, packages: &[&str]) -> Result<()> {
    let user = Cmd::new("id").arg("-u").stdout()?;
    if user.trim() != "0" || !Path::new("/usr/bin/apt-get").is_file() {
        return Err(Error::new(format!("Debian's {} is missing", packages.join(", ")))
            .advice(format!("as root: apt-get install --no-install-recommends {}", packages.join(" "))));
    }
    let apt = || Cmd::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt().args(["update", "-q"]).run(context)?;
    apt().args(["install", "-y", "-q", "--no-install-recommends"]).args(packages).run(context)
}

/// cargo-deny's program.
pub(crate) fn deny(context: &Context) -> Result<PathBuf> {
    installed(context, DENY)
}

/// cargo-fuzz's program.
pub(crate) fn fuzz(context: &Context) -> Result<PathBuf> {
    installed(context, FUZZ)
}

/// One version of a cargo tool, in a folder of its own in the cache: nothing of the user's is changed.
fn installed(context: &Context, (name, version): (&str, &str)) -> Result<PathBuf> {
    let folder = context.cache.join("tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    // `--debug`: a third of the time to build, and these tools run for a second.
    Cmd::cargo()
        .args(["install", "--locked", "--debug", "--version", version, "--root"])
        .arg(&folder)
        .arg(name)
        .env("CARGO_TARGET_DIR", context.target.join("tools-build"))
        .run(context)
        .map_err(|error| error.advice(format!("cargo install --locked {name} --version {version}")))?;
    match program.is_file() {
        true => Ok(program),
        false => Err(Error::new(format!("{name} was installed but {} is missing", program.display()))),
    }
}

/// rustfmt and clippy of the toolchain in use.
pub(crate) fn components(context: &Context) -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if Cmd::cargo().args([subcommand, "--version"]).stdout().is_ok() {
            continue;
        }
        if !on_path("rustup") {
            return Err(Error::new(format!("`cargo {subcommand}` is missing"))
                .advice(format!("install {component} of the Rust toolchain in use")));
        }
        Cmd::new("rustup").args(["component", "add", component]).run(context)?;
    }
    Ok(())
}
