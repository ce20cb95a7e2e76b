//! Turns the compiled cdylib into wasm plus glue, with the wasm-bindgen version that Cargo.lock pins.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::print_stderr, reason = "a command line tool reports on stderr")]

mod panics;

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, name] = arguments.as_slice() else {
        eprintln!("usage: xtask-bindgen INPUT.wasm OUTPUT-FOLDER NAME");
        return ExitCode::from(2);
    };
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
