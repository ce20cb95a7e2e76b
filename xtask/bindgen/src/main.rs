//! Turns the compiled cdylib into wasm plus glue, with the wasm-bindgen version that Cargo.lock pins.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::print_stderr, reason = "a command line tool reports on stderr")]

mod leftovers;
mod locals;
mod order;
mod panics;

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;
use wasmparser::BinaryReaderError;

/// Only bytes, texts and numbers cross.
const BYTES_ONLY: &str = "--bytes-only";
/// Nothing touches the file after this.
const LAST: &str = "--last";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [input, output, name] => bind(input, output, name, false),
        [input, output, name, flag] if flag == BYTES_ONLY => bind(input, output, name, true),
        [wasm] => rewrite(wasm, |wasm| leftovers::blank(wasm).and_then(|()| order::name(wasm))),
        [wasm, flag] if flag == LAST => rewrite(wasm, |wasm| locals::renumber(wasm)),
        _ => {
            eprintln!(
                "usage: xtask-bindgen INPUT.wasm OUTPUT-FOLDER NAME [{BYTES_ONLY}], then xtask-bindgen OPTIMISED.wasm [{LAST}]"
            );
            ExitCode::from(2)
        }
    }
}

/// Changes an optimised file: first it loses what the cut-off panics left in it and has its functions named after their
/// places; at the very last its locals get other numbers.
fn rewrite(file: &str, change: impl FnOnce(&mut Vec<u8>) -> Result<(), BinaryReaderError>) -> ExitCode {
    let changed = std::fs::read(file).map_err(|e| e.to_string()).and_then(|mut wasm| {
        change(&mut wasm).map_err(|e| e.to_string())?;
        std::fs::write(file, wasm).map_err(|e| e.to_string())
    });
    match changed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says that the module uses no reference types: told otherwise, wasm-bindgen adds a table of JavaScript values and the
/// code that fills it.
fn without_references(module: &mut walrus::Module) {
    const NAME: &str = "target_features";
    const FEATURE: &[u8] = b"+\x0freference-types";
    let Some(section) = module.customs.remove_raw(NAME) else { return };
    let mut data = section.data;
    if let Some(at) = data.windows(FEATURE.len()).position(|part| part == FEATURE) {
        data.drain(at..at.saturating_add(FEATURE.len()));
        // The count of features is one byte: no compiler has 128.
        if let Some(count) = data.first_mut() {
            *count = count.saturating_sub(1);
        }
    }
    module.customs.add(walrus::RawCustomSection { name: NAME.to_owned(), data });
}

/// Takes back the exports that wasm-bindgen links in for JavaScript that goes on after a panic: an artefact aborts, and its
/// glue does not know them.
fn without_unwinding(module: &mut walrus::Module) {
    for name in ["__abort_handler", "__instance_terminated"] {
        let _not_there_in_other_versions = module.exports.remove(name);
    }
}

fn bind(input: &str, output: &str, name: &str, bytes_only: bool) -> ExitCode {
    let mut module = match walrus::Module::from_file(input) {
        Ok(module) => module,
        Err(error) => {
            eprintln!("read {input}: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    panics::trap(&mut module);
    if bytes_only {
        without_references(&mut module);
        without_unwinding(&mut module);
    }
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
