//! The JavaScript tests: every `tests/npm/run-*.mjs` is a step of its own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::runner::{Outcome, Step};
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::Manifest;
use crate::shell::Cmd;
use crate::{npm, tools, wasm};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a script exits with when the runtime it tests is not installed.
const RUNTIME_MISSING: i32 = 77;
/// What scripts with a browser import.
const NEEDS_BROWSER: &str = "harness/browser.mjs";
/// No script hangs for ever.
const LIMIT: Duration = Duration::from_secs(600);

/// One step for each script, in the order of their names.
pub(super) fn steps(context: &Context) -> Result<Vec<Step>> {
    let folder = context.root.join("tests/npm");
    let entries = std::fs::read_dir(&folder).during(|| format!("read {}", folder.display()))?;
    let mut scripts: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    scripts.sort();
    let mut steps = Vec::new();
    for script in scripts {
        let name = script.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".mjs").filter(|stem| stem.starts_with("run-")) else { continue };
        let about = first_line(&script);
        steps.push(Step::new(format!("js/{stem}"), about, move |context| run(context, &script)).beside());
    }
    Ok(steps)
}

fn text(script: &Path) -> String {
    std::fs::read_to_string(script).unwrap_or_default()
}

fn first_line(script: &Path) -> String {
    text(script).lines().next().unwrap_or_default().trim_start_matches("//!").trim().to_owned()
}

/// Installs and builds what scripts need.
fn prepare(context: &Context, script: &Path) -> Result<()> {
    tools::npm(context)?;
    // A person's machine may do without a browser: the script then says that it was skipped.
    if context.ci && text(script).contains(NEEDS_BROWSER) {
        tools::browser(context)?;
    }
    let manifest = Manifest::read(context)?;
    if !npm::folder(context).join("package.json").is_file() {
        npm::package(context, &manifest, true)?;
    }
    let example = |name: &str| wasm::folder(context, name).join(format!("{name}_bg.js")).is_file();
    if !manifest.examples.iter().all(|built| example(&built.name)) {
        wasm::examples(context, &manifest)?;
    }
    Ok(())
}

fn run(context: &Context, script: &Path) -> Result<Outcome> {
    // By one at a time: the others then find it there.
    static PREPARING: Mutex<()> = Mutex::new(());
    let preparing = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
    prepare(context, script)?;
    drop(preparing);
    let cmd =
        Cmd::new("node").arg(script).env("CARGO_TARGET_DIR", &context.target).dir(&context.root).limit(LIMIT);
    let status = cmd.status(context)?;
    match status.code() {
        Some(0) => Ok(Outcome::passed("")),
        Some(RUNTIME_MISSING) => Ok(Outcome::Skipped("its runtime is not installed".to_owned())),
        _ => Err(Error::new(format!("{} ended with {status}", script.display()))),
    }
}
