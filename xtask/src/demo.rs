//! `cargo xtask demo`: the native demo, then the npm package in Node, in workerd and as a Function Compute handler.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::args::Args;
use crate::context::Context;
use crate::error::Result;
use crate::manifest::Manifest;
use crate::shell::Cmd;
use crate::{npm, tools};

pub(crate) const HELP: &str = "\
cargo xtask demo [--native] [-- ARGUMENTS]

A local KMS on a free port, a client with STS credentials, and a readable timeline of what the client does through a
throttle, an outage, a rotation and a revocation. Then the npm package against such a KMS: in Node, as a Cloudflare
worker in workerd, and as a handler of Function Compute. It builds what is missing (the wasm takes minutes, once).
Ends by itself: status 0 when every statement it prints was true.

  --native   without the npm package; so it is, too, when there are arguments for the native demo
";

pub(crate) fn command(context: &Context, mut args: Args) -> Result<()> {
    let passed_on = args.passed_on();
    let native = args.flag(&["--native"]) || !passed_on.is_empty();
    args.finish("demo")?;
    let cmd = Cmd::cargo().args(["run", "--quiet", "--locked", "--release", "--package", "simsim"]);
    // The emulator's server is compiled for the demo, not for every test of the library.
    let cmd = cmd.args(["--features", "simsim-emulator/server", "--example", "demo", "--"]);
    cmd.args(passed_on).dir(&context.root).run(context)?;
    if native {
        return Ok(());
    }
    package(context)?;
    let cmd = Cmd::new("node").arg("examples/demo/npm.mjs").env("CARGO_TARGET_DIR", &context.target);
    // What cargo has just compiled for the native half serves here, too.
    cmd.env("SIMSIM_PROFILE", "release").dir(&context.root).run(context)
}

/// The package with today's scripts; its wasm is built where there is none.
fn package(context: &Context) -> Result<()> {
    let manifest = Manifest::read(context)?;
    let log = context.target.join("xtask/demo.log");
    println!("\nputting the npm package together ({})", log.display());
    let context = &context.logging_to(&log);
    tools::npm(context)?;
    npm::package(context, &manifest, !npm::has_artefacts(context, &manifest))
}
