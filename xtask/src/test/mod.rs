//! `cargo xtask test`: everything that must be true before a change lands, in one command.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod runner;
mod scripts;
mod steps;

use runner::Step;
pub(crate) use runner::run;
pub(crate) use steps::{all, lint};

use crate::args::Args;
use crate::context::Context;
use crate::error::{Error, Result};

pub(crate) const HELP: &str = "\
cargo xtask test [--only STEP,…] [--skip STEP,…] [--list] [--verbose] [--fail-fast]

Installs what is missing and runs every check, the JavaScript tests as many at once as there are cores (with --verbose
one after the other). Nothing outside this folder and the cache folder is changed, but for `rustup target add`,
`rustup component add` and, as root on Debian, `apt-get install`.

  --only, --skip   a step (`clippy/wasm`) or a group of steps (`clippy`)
  --list           the steps, without running them
  --verbose        show what the started programs print (otherwise: target/xtask/<step>.log, and on failure its end)
  --fail-fast      stop at the first failure

Environment
  CI=true                      a runtime that is missing is a failure, not a skipped step
  WASM_TOOLCHAIN=rustup|debian how wasm is compiled (default: the first way that works)
  SIMSIM_CACHE=DIR             where compiled tools and std for wasm are kept (default: ~/.cache/simsim)
";

pub(crate) fn command(context: &Context, mut args: Args) -> Result<()> {
    let (only, skip) = (args.values("--only")?, args.values("--skip")?);
    let list = args.flag(&["--list"]);
    let verbose = args.flag(&["--verbose", "-v"]);
    let fail_fast = args.flag(&["--fail-fast"]);
    args.finish("test")?;
    let steps = chosen(all(context)?, &only, &skip)?;
    if list {
        for step in &steps {
            println!("  {:<20} {}", step.name, step.about);
        }
        return Ok(());
    }
    run(context, &steps, verbose, fail_fast)
}

fn chosen(mut steps: Vec<Step>, only: &[String], skip: &[String]) -> Result<Vec<Step>> {
    let fits = |step: &Step, word: &String| {
        step.name == *word || step.name.strip_prefix(word.as_str()).is_some_and(|tail| tail.starts_with('/'))
    };
    for word in only.iter().chain(skip) {
        if !steps.iter().any(|step| fits(step, word)) {
            return Err(Error::new(format!("no step `{word}`")).advice("cargo xtask test --list"));
        }
    }
    steps.retain(|step| only.is_empty() || only.iter().any(|word| fits(step, word)));
    steps.retain(|step| !skip.iter().any(|word| fits(step, word)));
    match steps.is_empty() {
        true => Err(Error::new("no step is left to run").advice("name fewer steps behind --skip")),
        false => Ok(steps),
    }
}

#[cfg(test)]
mod tests {
    use super::runner::Outcome;
    use super::{Step, chosen};

    fn names(only: &[&str], skip: &[&str]) -> Vec<String> {
        let steps = ["fmt", "clippy/core", "clippy/wasm", "js/run-node"];
        let steps = steps.map(|name| Step::new(name, "", |_| Ok(Outcome::passed("")))).into();
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        chosen(steps, &owned(only), &owned(skip)).unwrap().into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_group_names_all_its_steps() {
        assert_eq!(names(&["clippy"], &[]), ["clippy/core", "clippy/wasm"]);
        assert_eq!(names(&["clippy", "fmt"], &["clippy/wasm"]), ["fmt", "clippy/core"]);
    }

    #[test]
    fn an_unknown_step_is_refused_and_so_is_a_run_of_none() {
        assert!(chosen(Vec::new(), &["clipy".to_owned()], &[]).is_err());
        let (fmt, only) = (Step::new("fmt", "", |_| Ok(Outcome::passed(""))), ["fmt".to_owned()]);
        assert!(chosen(vec![fmt], &only, &only).is_err());
    }
}
