//! Builds the wasm artefacts: cargo, wasm-bindgen, wasm-opt, the glue as a factory, and the guard on the result.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod compile;
mod factory;
pub(crate) mod guard;
pub(crate) mod measure;

use crate::args::Args;
use crate::context::Context;
use crate::error::{During, Result};
use crate::manifest::{Artefact, Manifest};
use crate::shell::Cmd;
use crate::toolchain::WasmToolchain;
use crate::tools;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;

pub(crate) const HELP: &str = "\
cargo xtask wasm [ARTEFACT…] [--debug-names] [--examples]

Builds the wasm artefacts that wasm-pack.toml names into target/wasm/<artefact>/:
  <artefact>.wasm   optimised by wasm-opt; without build paths or names; checked by the import guard
  glue.js           exports createInstance(module): a fresh instance with its own memory at every call
  <artefact>.d.ts   what the instance's exports look like

  --examples      build the examples instead, into target/wasm/<example>/ as wasm-bindgen's bundler target leaves them
  --debug-names   keep function names (for profiles and readable traps; not for publishing)

The toolchain is the one on the PATH if it has the target, else `rustup target add`, else Debian's packages.
WASM_TOOLCHAIN=rustup or WASM_TOOLCHAIN=debian allows only that way.
";

/// Where an artefact's finished files are.
pub(crate) fn folder(context: &Context, artefact: &str) -> PathBuf {
    context.target.join("wasm").join(artefact)
}

pub(crate) fn command(context: &Context, mut args: Args) -> Result<()> {
    let names = args.flag(&["--debug-names"]);
    let only_examples = args.flag(&["--examples"]);
    let mut chosen = Vec::new();
    while let Some(word) = args.word() {
        chosen.push(word);
    }
    args.finish("wasm")?;
    let manifest = Manifest::read(context)?;
    if only_examples {
        return examples(context, &manifest);
    }
    build(context, &manifest, &manifest.chosen(&chosen)?, names)?;
    for artefact in manifest.chosen(&chosen)? {
        let wasm = folder(context, &artefact.name).join(format!("{}.wasm", artefact.name));
        println!("{}", measure::file(context, &wasm)?);
    }
    Ok(())
}

/// Builds and checks these artefacts.
pub(crate) fn build(
    context: &Context,
    manifest: &Manifest,
    artefacts: &[Artefact],
    names: bool,
) -> Result<()> {
    tools::npm(context)?;
    let toolchain = &WasmToolchain::find(context)?;
    // rustc has one thread for most of its time here: what it left is finished beside the next one.
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for artefact in artefacts {
            let compiled = compiled(context, toolchain, manifest, artefact)?;
            let finish = move || finish(context, toolchain, manifest, artefact, &compiled, names);
            threads.push(scope.spawn(finish));
        }
        let join =
            |thread: ScopedJoinHandle<'_, Result<()>>| thread.join().unwrap_or_else(|p| resume_unwind(p));
        threads.into_iter().try_for_each(join)
    })
}

/// Builds the examples, as their authors would: cargo and wasm-bindgen.
pub(crate) fn examples(context: &Context, manifest: &Manifest) -> Result<()> {
    let toolchain = WasmToolchain::find(context)?;
    for example in &manifest.examples {
        let output = empty(folder(context, &example.name))?;
        let compiled = compile::run(context, &toolchain, manifest, example)?;
        bindgen(context, &compiled, &output, &example.name).run(context)?;
    }
    Ok(())
}

/// That folder with nothing in it.
fn empty(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        std::fs::remove_dir_all(&folder).during(|| format!("empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).during(|| format!("create {}", folder.display()))?;
    Ok(folder)
}

/// What rustc makes of an artefact, in the folder of its further steps: the next artefact may have the same crate.
fn compiled(
    context: &Context,
    toolchain: &WasmToolchain,
    plan: &Manifest,
    artefact: &Artefact,
) -> Result<PathBuf> {
    let steps = empty(context.target.join("wasm-steps").join(&artefact.name))?;
    let (built, kept) = (compile::run(context, toolchain, plan, artefact)?, steps.join("compiled.wasm"));
    std::fs::copy(&built, &kept).during(|| format!("copy {}", built.display()))?;
    Ok(kept)
}

/// Turns that into the artefact.
fn finish(
    context: &Context,
    toolchain: &WasmToolchain,
    plan: &Manifest,
    artefact: &Artefact,
    compiled: &Path,
    names: bool,
) -> Result<()> {
    let name = &artefact.name;
    let output = empty(folder(context, name))?;
    let steps = compiled.with_file_name("");
    bindgen(context, compiled, &steps, name).arg("--bytes-only").run(context)?;
    let finished = output.join(format!("{name}.wasm"));
    let wasm_opt =
        |passes: &[String]| Cmd::new(context.npm_tool("wasm-opt")).args(passes).args(&plan.wasm_features);
    let input = steps.join(format!("{name}_bg.wasm"));
    optimise(context, wasm_opt, &artefact.wasm_opt, &input, &finished, names)?;
    factory::write(context, &steps.join(format!("{name}_bg.js")), name, &output.join("glue.js"))?;
    let types = steps.join(format!("{name}.d.ts"));
    std::fs::copy(&types, output.join(format!("{name}.d.ts")))
        .during(|| format!("copy {}", types.display()))?;
    guard::check(context, toolchain, plan, &finished)
}

/// wasm-bindgen, as the version that Cargo.lock pins.
fn bindgen(context: &Context, compiled: &Path, steps: &Path, name: &str) -> Cmd {
    own_tool().arg(compiled).arg(steps).arg(name).dir(&context.root)
}

fn own_tool() -> Cmd {
    Cmd::cargo().args(["run", "--locked", "--package", "xtask-bindgen", "--"])
}

/// The passes, then what needs the finished code.
fn optimise(
    context: &Context,
    wasm_opt: impl Fn(&[String]) -> Cmd,
    passes: &[String],
    input: &Path,
    output: &Path,
    names: bool,
) -> Result<()> {
    if names {
        // What follows needs names of its own.
        let kept: Vec<String> = passes.iter().filter(|pass| *pass != "--strip-debug").cloned().collect();
        return wasm_opt(&kept).arg("-g").arg(input).arg("-o").arg(output).run(context);
    }
    wasm_opt(passes).arg(input).arg("-o").arg(output).run(context)?;
    own_tool().arg(output).dir(&context.root).run(context)?;
    // Blanked data need not be in the file, and the functions are named after their places.
    let last = ["--memory-packing", "--reorder-functions-by-name", "--strip-debug"].map(str::to_owned);
    wasm_opt(&last).arg(output).arg("-o").arg(output).run(context)?;
    own_tool().arg(output).arg("--last").dir(&context.root).run(context)
}
