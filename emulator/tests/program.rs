//! The program as a person starts it: where it listens, and what it says and returns when it cannot.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic as the test itself does")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_simsim-emulator"))
}

fn ended(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

#[test]
fn it_tells_where_it_listens_once_it_does() {
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/seed.json");
    let mut child = program().args(["--port", "0", "--seed", seed]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("simsim-emulator listens on http://").unwrap();
    let reached = std::net::TcpStream::connect(address).is_ok();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reached, "{line}");
}

#[test]
fn what_it_cannot_do_is_told_by_the_name_of_the_option_with_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let in_use = format!("--port {port}: ");
    let here = env!("CARGO_MANIFEST_DIR");
    for (arguments, expected) in [
        (&["--port", port.as_str()][..], in_use.as_str()),
        (&["--tls", "--port", &port], &in_use),
        (&["--port", &port], "0 takes any port that is free"),
        (&["--seed", "/no/such/seed.json"], "seed /no/such/seed.json: "),
        (&["--seed", here], "seed "),
        (&["--seed", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], "not JSON at line 1"),
        (&["--tls", "--ca-out", here], "--ca-out "),
        (&["--tls", "--tls-name", "mün"], "--tls-name: "),
        (&["--prot", "1"], "unknown argument --prot (see --help)"),
    ] {
        let output = ended(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with("simsim-emulator: ") && told.contains(expected), "{arguments:?}: {told}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_no_failures() {
    let help = ended(&["--help"]);
    assert!(help.status.success() && String::from_utf8(help.stdout).unwrap().contains("--tls-name NAME"));
    assert!(ended(&["--version"]).status.success());
}
