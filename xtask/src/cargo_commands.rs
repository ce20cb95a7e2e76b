//! The commands that hand over to another program: lint, bench, fuzz.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::args::Args;
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::Manifest;
use crate::shell::Cmd;
use crate::{npm, test, tools};

pub(crate) const LINT: &str = "\
cargo xtask lint [--verbose]

The fast part of `cargo xtask test`: rustfmt, guards, and clippy for the workspace with the default features.
";

pub(crate) fn lint(context: &Context, mut args: Args) -> Result<()> {
    let verbose = args.flag(&["--verbose", "-v"]);
    args.finish("lint")?;
    test::run(context, &test::lint(), verbose, false)
}

pub(crate) const BENCH: &str = "\
cargo xtask bench [FILTER] [--check] [-- CRITERION-ARGUMENTS]
cargo xtask bench --js [--check]

Runs the criterion benchmarks of benches/peers: this client beside aws_secretsmanager_caching, in one run and on the
same shape of work; then measures both in turn, in many short rounds, and prints their ratios. That member is not part
of the workspace, so that nobody else compiles it (the first run compiles the other cloud's SDK, which takes minutes).

  FILTER    only the criterion benchmarks with this in their names; the ratios are measured whatever it is

  --js      the npm package instead, beside the SDKs of Alibaba Cloud and AWS: import and client in a fresh Node, the
            first secret, cached reads against a map with a ttl in Node, Deno, Bun and workerd, reads after a trap
  --check   fail when a ratio misses its bar
";

pub(crate) fn bench(context: &Context, mut args: Args) -> Result<()> {
    let passed_on = args.passed_on();
    let check = args.flag(&["--check"]).then_some("--check");
    if args.flag(&["--js"]) {
        args.finish("bench --js")?;
        let folder = context.root.join("benches/js");
        tools::npm(context)?;
        tools::npm_in(context, &folder)?;
        npm::package(context, &Manifest::read(context)?, true)?;
        return Cmd::new("node").arg(folder.join("run.mjs")).args(check).dir(&context.root).run(context);
    }
    let filter = args.word();
    args.finish("bench")?;
    let folder = context.root.join("benches/peers");
    if !folder.join("Cargo.toml").is_file() {
        return Err(
            Error::new("benches/peers is not in this tree").advice("git pull; it is a member of its own")
        );
    }
    let cargo = |words: &[&str]| Cmd::cargo().args(words).dir(&folder);
    cargo(&["bench", "--locked", "--bench", "peers", "--"]).args(filter).args(passed_on).run(context)?;
    cargo(&["run", "--locked", "--quiet", "--release", "--bin", "ratios", "--"]).args(check).run(context)
}

pub(crate) const FUZZ: &str = "\
cargo xtask fuzz [TARGET] [--seconds N] [--list]

Runs the fuzz targets of fuzz/ (all of them, or one), each for N seconds (default 60), on a nightly toolchain.
What fails lands in fuzz/artifacts/<target>/, what reaches new code in fuzz/target/corpus/<target>/; inputs worth keeping
belong into fuzz/corpus/<target>/, which the tests replay.
";

pub(crate) fn fuzz(context: &Context, mut args: Args) -> Result<()> {
    let list = args.flag(&["--list"]);
    let seconds = args.values("--seconds")?.pop().unwrap_or_else(|| "60".to_owned());
    let seconds: u64 = seconds.parse().during(|| format!("--seconds {seconds}"))?;
    let chosen = args.word();
    args.finish("fuzz")?;
    let targets = fuzz_targets(context)?;
    if list {
        println!("{}", targets.join("\n"));
        return Ok(());
    }
    if let Some(name) = chosen.as_ref().filter(|name| !targets.contains(name)) {
        return Err(Error::new(format!("no fuzz target `{name}`; there are: {}", targets.join(", "))));
    }
    // The plain name would run the pinned toolchain again: rustup's marks are removed, `+nightly` chooses.
    let nightly =
        || Cmd::new("cargo").without("RUSTUP_TOOLCHAIN").without("CARGO").without("RUSTC").arg("+nightly");
    if nightly().arg("--version").stdout().is_err() {
        return Err(Error::new("fuzzing needs a nightly compiler (its sanitizers are not in stable)")
            .advice("rustup toolchain install nightly"));
    }
    let program = tools::fuzz(context)?;
    let folder = program.parent().unwrap_or(&program);
    let path = std::env::join_paths(
        std::iter::once(folder.to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .during(|| "put cargo-fuzz on the PATH".to_owned())?;
    for target in targets.iter().filter(|target| chosen.as_ref().is_none_or(|name| name == *target)) {
        println!("fuzz {target}: {seconds} s");
        // What is new goes into the first folder: thousands of inputs, of which few are worth keeping.
        let new = format!("fuzz/target/corpus/{target}");
        std::fs::create_dir_all(context.root.join(&new)).during(|| format!("make {new}"))?;
        let kept = format!("fuzz/corpus/{target}");
        let time = format!("-max_total_time={seconds}");
        let cmd = nightly().args(["fuzz", "run", target, &new, &kept, "--", &time]);
        cmd.env("PATH", &path).dir(&context.root).run(context)?;
    }
    Ok(())
}

/// The programs of fuzz/Cargo.toml.
fn fuzz_targets(context: &Context) -> Result<Vec<String>> {
    let file = context.root.join("fuzz/Cargo.toml");
    let text = std::fs::read_to_string(&file).during(|| format!("read {}", file.display()))?;
    let table: toml::Table = text.parse().during(|| file.display().to_string())?;
    let bins = table.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let names: Vec<String> = bins.filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())).collect();
    match names.is_empty() {
        true => Err(Error::new("fuzz/Cargo.toml has no [[bin]]")),
        false => Ok(names),
    }
}
