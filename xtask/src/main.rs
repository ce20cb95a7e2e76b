//! The project's commands: `cargo xtask --help`.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to a person")]
#![allow(clippy::disallowed_methods, reason = "the clock rules are those of the library")]
#![allow(clippy::arithmetic_side_effects, reason = "counts and sizes of this machine's files")]

mod args;
mod context;
mod error;
mod manifest;
mod shell;
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

const COMMANDS: &[Command] = &[Command {
    name: "wasm",
    about: "build the wasm artefacts into target/wasm/",
    help: wasm::HELP,
    run: wasm::command,
}];

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
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
