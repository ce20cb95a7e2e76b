//! A KMS's bad day, watched from a client: starts a local KMS, reads secrets through trouble, checks what it prints.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::disallowed_methods, reason = "the demo measures real time")]

mod calm;
mod change;
mod stage;
mod trouble;

use stage::{Outcome, Stage, Untrue};
use std::io::Write as _;
use std::process::ExitCode;

const HELP: &str = "\
Starts a local KMS on a free loopback port, reads secrets from it over HTTP with STS credentials, and prints what
happens: a first read, a stampede, a million cached reads, a throttle, an outage, rotations, a revocation.

Usage: cargo xtask demo [-- --help]

No account and no network are needed. Every statement is checked before it is printed. Status 0: all were true;
1: one was not, and the last line says which; 2: an argument that is not known.
";

#[tokio::main]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("-h" | "--help") => {
            let _ = std::io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Some(_) => return fail(2, "demo: the only argument is --help"),
    }
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(untrue) => fail(1, &format!("demo: {untrue}")),
    }
}

fn fail(status: u8, why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{why}");
    ExitCode::from(status)
}

async fn play() -> Outcome {
    let mut stage = Stage::open().await?;
    let client = stage.client(simsim::Client::builder())?;
    calm::first_read(&mut stage, &client).await?;
    calm::stampede(&mut stage, &client).await?;
    calm::several(&mut stage, &client).await?;
    calm::a_million_reads(&mut stage, &client).await?;
    trouble::throttle(&mut stage, &client).await?;

    let hasty = stage.client(stage::hasty())?;
    trouble::outage(&mut stage, &hasty).await?;
    change::rotation(&mut stage, &hasty).await?;
    change::login_after_a_rotation(&mut stage, &client).await?;
    change::revocation(&mut stage, &hasty).await?;

    stage.count(&[&client, &hasty])?;
    stage.search_for_secrets()?;
    stage.end().map_err(Untrue::from)
}
