//! The way without rustup's server: Debian's compiler, and std for wasm compiled once from Debian's sources.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{TARGET, WasmToolchain};
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::shell::{Cmd, encoded};
use crate::tools;
use std::path::{Path, PathBuf};

const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "lld-19"];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const CLIPPY: &str = "/usr/bin/cargo-clippy";
const LINKER: &str = "/usr/bin/wasm-ld-19";
const SOURCES: &str = "/usr/lib/rustlib/src/rust";
/// A panic is a trap, and no code of its own: nobody could read the message. Only a std that is compiled here can have
/// it, so the two toolchains differ by this.
const TRAPS: [&str; 2] = ["-Cpanic=immediate-abort", "-Zunstable-options"];
/// Changes whenever the way std is built changes, so that an older cached one is not used.
const RECIPE: &str = "r3";

pub(super) fn find(context: &Context) -> Result<WasmToolchain> {
    if !installed() {
        install(context)?;
    }
    let version = Cmd::new(RUSTC).arg("--version").stdout()?;
    let release = version.split_whitespace().nth(1).unwrap_or("unknown");
    let sources = Path::new(SOURCES).canonicalize().during(|| format!("look for {SOURCES}"))?;
    let sysroot = context.cache.join("wasm-std").join(format!("{release}-{RECIPE}"));
    if !sysroot.is_dir() {
        build_std(context, &sysroot, &sources)?;
    }
    Ok(WasmToolchain {
        origin: format!("Debian's packages, {}", version.trim_end()),
        cargo: CARGO.into(),
        clippy: Some(CLIPPY.into()),
        environment: vec![
            ("RUSTC", Some(RUSTC.to_owned())),
            ("RUSTC_BOOTSTRAP", Some("1".to_owned())),
            // rustup's cargo sets these for its children; they would bring its compiler back.
            ("RUSTUP_TOOLCHAIN", None),
            ("RUSTDOC", None),
            ("RUSTC_WRAPPER", None),
        ],
        // With `--target` these reach only what is built for wasm; build scripts and macros use the normal sysroot.
        flags: [format!("--sysroot={}", sysroot.display()), format!("-Clinker={LINKER}")]
            .into_iter()
            .chain(TRAPS.map(str::to_owned))
            .collect(),
        remap: vec![(SOURCES.into(), "std"), (sources, "std"), (sysroot, "rust")],
        own_std: true,
    })
}

fn installed() -> bool {
    let library = format!("{SOURCES}/library/std");
    [RUSTC, CARGO, CLIPPY, LINKER].iter().all(|file| Path::new(file).is_file())
        && Path::new(&library).is_dir()
}

fn install(context: &Context) -> Result<()> {
    tools::debian_packages(context, &PACKAGES)?;
    match installed() {
        true => Ok(()),
        false => Err(Error::new("the packages are installed, but not with the files that were expected")),
    }
}

/// Compiles std for wasm in a folder of its own and moves it into place in one step, so that two runs
/// at the same time do no harm.
fn build_std(context: &Context, sysroot: &Path, sources: &Path) -> Result<()> {
    let work = context.cache.join(format!("wasm-std-build-{}", std::process::id()));
    let write = |path: PathBuf, text: &str| {
        std::fs::write(&path, text).during(|| format!("write {}", path.display()))
    };
    std::fs::create_dir_all(work.join("src")).during(|| format!("create {}", work.display()))?;
    write(work.join("src/lib.rs"), "")?;
    write(
        work.join("Cargo.toml"),
        "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n[profile.release]\nopt-level = \"z\"\ncodegen-units = 1\n",
    )?;
    // The crates that std uses come with its sources: no download, and no path of cargo's folder inside.
    let vendored = format!(
        "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = {:?}\n",
        sources.join("library/vendor").display().to_string()
    );
    std::fs::create_dir_all(work.join(".cargo")).during(|| format!("create {}", work.display()))?;
    write(work.join(".cargo/config.toml"), &vendored)?;
    let flags = [
        TRAPS[0].to_owned(),
        TRAPS[1].to_owned(),
        // Cargo leaves bitcode out where the profile has no lto, and then `lto = true` later cannot reach into std.
        "-Cembed-bitcode=yes".to_owned(),
        format!("--remap-path-prefix={}=std", sources.display()),
        format!("--remap-path-prefix={SOURCES}=std"),
        format!("--remap-path-prefix={}=seed", work.display()),
    ];
    Cmd::new(CARGO)
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET])
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("CARGO_ENCODED_RUSTFLAGS", encoded(&flags))
        .without("RUSTFLAGS")
        .without("RUSTUP_TOOLCHAIN")
        .without("RUSTC_WRAPPER")
        .dir(&work)
        .run(context)?;
    let library = work.join("sysroot/lib/rustlib").join(TARGET).join("lib");
    std::fs::create_dir_all(&library).during(|| format!("create {}", library.display()))?;
    let built = work.join("target").join(TARGET).join("release/deps");
    for entry in std::fs::read_dir(&built).during(|| format!("read {}", built.display()))?.flatten() {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".rlib") && !text.starts_with("libseed") {
            std::fs::copy(entry.path(), library.join(&name)).during(|| format!("copy {text}"))?;
        }
    }
    if let Some(parent) = sysroot.parent() {
        std::fs::create_dir_all(parent).during(|| format!("create {}", parent.display()))?;
    }
    let moved = std::fs::rename(work.join("sysroot"), sysroot);
    std::fs::remove_dir_all(&work).during(|| format!("remove {}", work.display()))?;
    match moved {
        Err(_) if sysroot.is_dir() => Ok(()), // another run was first
        other => other.during(|| format!("create {}", sysroot.display())),
    }
}
