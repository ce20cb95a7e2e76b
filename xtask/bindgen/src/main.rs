//! Turns the compiled cdylib into wasm plus glue, with the wasm-bindgen version that Cargo.lock pins.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::print_stderr, reason = "a command line tool reports on stderr")]

mod leftovers;
mod panics;

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [input, output, name] => bind(input, output, name),
        [wasm] => blank(wasm),
        _ => {
            eprintln!(
                "usage: xtask-bindgen INPUT.wasm OUTPUT-FOLDER NAME, then xtask-bindgen OPTIMISED.wasm"
            );
            ExitCode::from(2)
        }
    }
}

/// The finished file without what the cut-off panics left in it.
fn blank(file: &str) -> ExitCode {
    let blanked = std::fs::read(file).map_err(|e| e.to_string()).and_then(|mut wasm| {
        leftovers::blank(&mut wasm).map_err(|e| e.to_string())?;
        std::fs::write(file, wasm).map_err(|e| e.to_string())
    });
    match blanked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bind(input: &str, output: &str, name: &str) -> ExitCode {
    let mut module = match walrus::Module::from_file(input) {
        Ok(module) => module,
        Err(error) => {
            eprintln!("read {input}: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    panics::trap(&mut module);
    let mut tool = Bindgen::new();
    // The bundler target is the one whose glue takes the instance from outside: `__wbg_set_wasm(exports)`.
    let built = tool
        .input_module(name, module)
        .typescript(true)
        .bundler(true)
        .and_then(|tool| tool.remove_producers_section(true).generate(output));
    match built {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}
