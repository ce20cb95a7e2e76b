//! The steps of `cargo xtask test`, in the order in which a mistake is found soonest.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::runner::{Outcome, Step};
use super::scripts;
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::Manifest;
use crate::shell::Cmd;
use crate::toolchain::WasmToolchain;
use crate::{guards, size, tools};

/// Feature sets of the library that people really build, beside the default one. Each is only checked, not linked.
const FEATURE_SETS: &[(&str, &str)] = &[
    ("core", ""),
    ("http-only", "reqwest,tokio"),
    ("ring-bundled", "tokio,ring,bundled-roots"),
    ("aws-lc-native", "tokio,aws-lc,native-roots"),
    ("tokio-only", "tokio"),
    ("json-tracing", "json,tracing"),
];

/// wasm-bindgen's tool is built when it is used, and tested right after; with the workspace its 60 crates would be compiled
/// twice more.
const ALL_BUT_BINDGEN: [&str; 3] = ["--workspace", "--exclude", "xtask-bindgen"];

/// Every step.
pub(crate) fn all(context: &Context) -> Result<Vec<Step>> {
    let mut steps = lint();
    steps.extend([
        Step::new(
            "clippy/features",
            "clippy for each feature set and TLS choice, and for all together",
            features,
        ),
        Step::new(
            "clippy/wasm",
            "clippy for wasm32: the core, its adapters, the exports, the example",
            clippy_wasm,
        ),
        Step::new(
            "test/workspace",
            "unit, vector, property, scenario and documentation tests",
            test_workspace,
        ),
        Step::new("test/core", "the tests of the library without features", test_core),
        Step::new("doc", "documentation builds, every link in it leads somewhere", doc),
        Step::new("deny", "licences, banned crates, sources of all dependencies", deny),
        Step::new(
            "npm",
            "the npm package and the wasm examples: imports, build paths, size budgets",
            package,
        ),
        Step::new("test/bindgen", "the tests of the tool that binds and finishes wasm", test_bindgen),
    ]);
    steps.extend(scripts::steps(context)?);
    Ok(steps)
}

/// The steps that take seconds once dependencies are compiled.
pub(crate) fn lint() -> Vec<Step> {
    vec![
        Step::new("fmt", "rustfmt", |context| {
            tools::components(context)?;
            Cmd::cargo().args(["fmt", "--all", "--check"]).dir(&context.root).run(context)?;
            Ok(Outcome::passed(""))
        }),
        Step::new("guards", "layers, links, words, shape of files", |context| {
            guards::check(context).map(Outcome::passed)
        }),
        Step::new("clippy/workspace", "clippy for everything with the default features", |context| {
            tools::components(context)?;
            clippy(context, &[&ALL_BUT_BINDGEN[..], &["--all-targets"]].concat())?;
            Ok(Outcome::passed(""))
        }),
    ]
}

fn clippy(context: &Context, args: &[&str]) -> Result<()> {
    let cmd = Cmd::cargo().args(["clippy", "--locked"]).args(args).args(["--", "-D", "warnings"]);
    cmd.dir(&context.root).run(context)
}

fn features(context: &Context) -> Result<Outcome> {
    let mut failed = Vec::new();
    for (name, set) in FEATURE_SETS {
        let checked =
            clippy(context, &["--package", "simsim", "--lib", "--no-default-features", "--features", set]);
        failed.extend(checked.is_err().then_some(*name));
    }
    // Everything at once, with its tests: features are additive.
    let checked = clippy(context, &["--package", "simsim", "--all-targets", "--all-features"]);
    failed.extend(checked.is_err().then_some("all"));
    match failed.is_empty() {
        true => Ok(Outcome::passed(format!("{} sets", FEATURE_SETS.len() + 1))),
        false => Err(Error::new(format!("feature sets: {}", failed.join(", ")))),
    }
}

fn clippy_wasm(context: &Context) -> Result<Outcome> {
    let toolchain = WasmToolchain::find(context)?;
    let manifest = Manifest::read(context)?;
    let own = [("simsim", String::new()), ("simsim", String::from("js,json"))];
    for (package, features) in own.into_iter().chain(manifest.packages()) {
        // The profile of the artefacts, so that macros and build scripts are compiled once for both.
        let profile = manifest.profile.as_str();
        let args = ["--locked", "--lib", "--profile", profile, "--package", package];
        let args = [&args[..], &["--no-default-features", "--features", &features]].concat();
        let cmd = match toolchain.clippy(context) {
            Some(cmd) => cmd.args(args).args(["--", "-D", "warnings"]),
            // No clippy of this toolchain: its warnings at least.
            None => toolchain.cargo(context, "check", &["-Dwarnings".to_owned()]).args(args),
        };
        cmd.run(context)?;
    }
    let how = if toolchain.clippy(context).is_some() {
        "clippy"
    } else {
        "rustc's warnings only (no clippy installed)"
    };
    Ok(Outcome::passed(format!("{how}; {}", toolchain.origin)))
}

fn test_workspace(context: &Context) -> Result<Outcome> {
    let cmd = Cmd::cargo().args(["test", "--locked", "--no-fail-fast"]).args(ALL_BUT_BINDGEN);
    counted(context, cmd)
}

fn test_core(context: &Context) -> Result<Outcome> {
    let args = ["test", "--locked", "--no-fail-fast", "--package", "simsim", "--no-default-features"];
    counted(context, Cmd::cargo().args(args))
}

fn test_bindgen(context: &Context) -> Result<Outcome> {
    counted(context, Cmd::cargo().args(["test", "--locked", "--package", "xtask-bindgen"]))
}

/// Runs tests and counts them in the log, so that a run of no tests is no success.
fn counted(context: &Context, cmd: Cmd) -> Result<Outcome> {
    cmd.dir(&context.root).run(context)?;
    let Some(log) = context.log() else { return Ok(Outcome::passed("")) };
    let bytes = std::fs::read(log).during(|| format!("read {}", log.display()))?;
    match passed_tests(&String::from_utf8_lossy(&bytes)) {
        0 => Err(Error::new("no test ran")),
        count => Ok(Outcome::passed(format!("{count} tests"))),
    }
}

fn passed_tests(log: &str) -> usize {
    let results = log.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<usize>().ok()).sum()
}

fn doc(context: &Context) -> Result<Outcome> {
    let args = ["doc", "--locked", "--no-deps", "--package", "simsim", "--package", "simsim-emulator"];
    Cmd::cargo().args(args).env("RUSTDOCFLAGS", "-Dwarnings").dir(&context.root).run(context)?;
    Ok(Outcome::passed(""))
}

fn deny(context: &Context) -> Result<Outcome> {
    let program = tools::deny(context)?;
    let cmd = Cmd::new(program).args(["--all-features", "--locked", "check", "--hide-inclusion-graph"]);
    cmd.args(["licenses", "bans", "sources"]).dir(&context.root).run(context)?;
    Ok(Outcome::passed("not checked: advisories, whose database cannot be reached from CI"))
}

fn package(context: &Context) -> Result<Outcome> {
    let manifest = Manifest::read(context)?;
    crate::npm::package(context, &manifest, true)?;
    crate::wasm::examples(context, &manifest)?;
    let report = size::report(context, &manifest)?;
    print!("{}", report.indented());
    report.verdict().map(|()| Outcome::passed(""))
}

#[cfg(test)]
mod tests {
    use super::passed_tests;

    #[test]
    fn tests_are_counted_over_all_binaries() {
        let log = "test result: ok. 12 passed; 0 failed;\nnoise\ntest result: ok. 3 passed; 0 failed;\n";
        assert_eq!(passed_tests(log), 15);
        assert_eq!(passed_tests("test result: FAILED. 3 passed; 1 failed;"), 0);
    }
}
