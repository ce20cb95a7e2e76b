//! The project's commands: `cargo xtask --help`.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to a person")]
#![allow(clippy::disallowed_methods, reason = "the clock rules are those of the library")]
#![allow(clippy::arithmetic_side_effects, reason = "counts and sizes of this machine's files")]

mod args;
mod cargo_commands;
mod context;
mod demo;
mod error;
mod guards;
mod manifest;
mod npm;
mod shell;
mod size;
mod test;
mod toolchain;
mod tools;
mod wasm;

use args::Args;
use context::Context;
use error::{Error, Result};
use std::process::ExitCode;

/// A command: its name, one line about it, its help, and what it does.
struct Command {
    name: &'static str,
    about: &'static str,
    help: &'static str,
    run: fn(&Context, Args) -> Result<()>,
}

const fn command(
    name: &'static str,
    about: &'static str,
    help: &'static str,
    run: fn(&Context, Args) -> Result<()>,
) -> Command {
    Command { name, about, help, run }
}

const COMMANDS: &[Command] = &[
    command("demo", "watch a client live through a KMS's bad day", demo::HELP, demo::command),
    command("test", "install what is missing and run every check", test::HELP, test::command),
    command("lint", "the checks that take seconds", cargo_commands::LINT, cargo_commands::lint),
    command("guards", "layers, links, words, shape of files", guards::HELP, guards::command),
    command("wasm", "build the wasm artefacts into target/wasm/", wasm::HELP, wasm::command),
    command("npm", "assemble the npm package into pkg/", npm::HELP, npm::command),
    command("size", "what each consumer downloads, against the budgets", size::HELP, size::command),
    command(
        "bench",
        "benchmarks beside another client, as ratios",
        cargo_commands::BENCH,
        cargo_commands::bench,
    ),
    command("fuzz", "throw random bytes at every parser", cargo_commands::FUZZ, cargo_commands::fuzz),
];

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_told() {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(words: Vec<String>) -> Result<()> {
    let mut words = words.into_iter();
    let Some(name) = words.next().filter(|word| !is_help(word)) else {
        print!("{}", overview());
        return Ok(());
    };
    let rest: Vec<String> = words.collect();
    let command = COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| Error::new(format!("no command `{name}`")).advice("cargo xtask --help lists them"))?;
    if rest.iter().take_while(|word| *word != "--").any(|word| is_help(word)) {
        print!("{}", command.help);
        return Ok(());
    }
    (command.run)(&Context::find()?, Args::new(rest))
}

fn is_help(word: &str) -> bool {
    matches!(word, "--help" | "-h" | "help")
}

fn overview() -> String {
    let mut text = String::from("cargo xtask COMMAND [--help]\n\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:<6} {}\n", command.name, command.about));
    }
    text
}
