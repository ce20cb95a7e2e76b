//! The program `simsim-emulator`: a local KMS and STS on a loopback port.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim_emulator::Emulator;
use simsim_emulator::server::{SystemRuntime, serve, serve_tls};
use std::error::Error;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
A local Alibaba Cloud KMS and STS for tests, strict about signatures. It serves loopback only.

Usage: simsim-emulator [OPTIONS]

Options:
  --port PORT       the port on 127.0.0.1; 0, the default, takes any free one
  --seed FILE       secrets, access keys, roles and more to start with (see examples/seed.json)
  --tls             HTTPS, with a certificate authority made at start
  --ca-out FILE     write that authority's certificate (PEM) there; without it, it is printed
  --tls-name NAME   a further name in the server's certificate; can be repeated
  -h, --help        this text
  -V, --version     the version

One line tells the address once the server listens. Control calls (POST /_emulator/fault and others) are listed in
the README.
";

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    port: u16,
    seed: Option<PathBuf>,
    tls: bool,
    ca_out: Option<PathBuf>,
    tls_names: Vec<String>,
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Serve(Options),
    Help,
    Version,
}

fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Wish, String> {
    let mut options = Options::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--port" => options.port = value()?.parse().map_err(|_| "--port needs a number up to 65535")?,
            "--seed" => options.seed = Some(value()?.into()),
            "--tls" => options.tls = true,
            "--ca-out" => options.ca_out = Some(value()?.into()),
            "--tls-name" => options.tls_names.push(value()?),
            "-h" | "--help" => return Ok(Wish::Help),
            "-V" | "--version" => return Ok(Wish::Version),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    if !options.tls && (options.ca_out.is_some() || !options.tls_names.is_empty()) {
        return Err("--ca-out and --tls-name go with --tls".to_owned());
    }
    Ok(Wish::Serve(options))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::new(SystemRuntime::new());
    if let Some(path) = &options.seed {
        let named = |error: &dyn Error| format!("seed {}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        emulator.load_seed(&text).map_err(|error| named(&error))?;
    }
    let addr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), options.port);
    let started = |error: io::Error| match error.kind() {
        // The names of the certificate, the one thing that is not the system's to refuse.
        io::ErrorKind::Other => format!("--tls-name: {error}"),
        _ => format!("--port {}: {error}; 0 takes any port that is free", options.port),
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut out = io::stdout();
        let server = if options.tls {
            let (addr, server, ca) = serve_tls(emulator, addr, &options.tls_names).await.map_err(started)?;
            match &options.ca_out {
                Some(path) => {
                    std::fs::write(path, ca)
                        .map_err(|error| format!("--ca-out {}: {error}", path.display()))?;
                }
                None => out.write_all(ca.as_bytes())?,
            }
            writeln!(out, "simsim-emulator listens on https://{addr}")?;
            server
        } else {
            let (addr, server) = serve(emulator, addr).await.map_err(started)?;
            writeln!(out, "simsim-emulator listens on http://{addr}")?;
            server
        };
        out.flush()?;
        server.wait().await;
        Ok(())
    })
}

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let outcome = match parse(arguments) {
        Ok(Wish::Serve(options)) => run(&options).map_err(|error| error.to_string()),
        Ok(Wish::Help) => io::stdout().write_all(HELP.as_bytes()).map_err(|error| error.to_string()),
        Ok(Wish::Version) => {
            let line = concat!("simsim-emulator ", env!("CARGO_PKG_VERSION"), "\n");
            io::stdout().write_all(line.as_bytes()).map_err(|error| error.to_string())
        }
        Err(error) => Err(format!("{error} (see --help)")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to be told when this fails as well.
            let _ = writeln!(io::stderr(), "simsim-emulator: {error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Wish, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_read_or_refused_by_name() {
        let wish = parsed("--port 0 --seed s.json --tls --ca-out ca.pem --tls-name a --tls-name b").unwrap();
        let expected = Options {
            port: 0,
            seed: Some("s.json".into()),
            tls: true,
            ca_out: Some("ca.pem".into()),
            tls_names: vec!["a".to_owned(), "b".to_owned()],
        };
        assert_eq!(wish, Wish::Serve(expected));
        assert_eq!(parsed("").unwrap(), Wish::Serve(Options::default()));
        assert_eq!(
            (parsed("-h").unwrap(), parsed("--port 1 --version").unwrap()),
            (Wish::Help, Wish::Version)
        );
        for wrong in ["--prot 1", "--port", "--port x", "--port 65536", "--ca-out x", "extra"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
