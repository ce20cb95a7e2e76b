//! Starts other programs: shown to the reader, logged, timed out, and with an error that says what was run.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often a silent step says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// One program with its arguments.
#[derive(Debug)]
pub(crate) struct Cmd {
    command: Command,
    limit: Option<Duration>,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(program), limit: None }
    }

    /// The cargo that runs this xtask.
    pub(crate) fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Ends the program after this long.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    fn shown(&self) -> String {
        let name = self.name();
        let args = self.command.get_args().map(OsStr::to_string_lossy);
        std::iter::once(name.into()).chain(args).collect::<Vec<_>>().join(" ")
    }

    fn name(&self) -> String {
        let path = Path::new(self.command.get_program());
        path.file_stem().unwrap_or(self.command.get_program()).to_string_lossy().into_owned()
    }

    /// Runs to the end; anything but success is an error that names the program.
    pub(crate) fn run(self, context: &Context) -> Result<()> {
        let shown = self.shown();
        let status = self.status(context)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::new(format!("this failed ({status}): {shown}")))
    }

    /// Runs to the end and gives the status.
    pub(crate) fn status(mut self, context: &Context) -> Result<ExitStatus> {
        let (shown, name) = (self.shown(), self.name());
        let log = context.log();
        match log {
            Some(path) => {
                let mut file = append(path)?;
                writeln!(file, "\n$ {shown}").during(|| format!("write {}", path.display()))?;
                let copy = file.try_clone().during(|| "share the log file".to_owned())?;
                self.command.stdin(Stdio::null()).stdout(copy).stderr(file);
            }
            None => eprintln!("$ {shown}"),
        }
        let mut child = self.command.spawn().map_err(|error| not_started(&name, &error))?;
        let start = Instant::now();
        let mut beat = start;
        let mut pause = Duration::from_millis(2);
        loop {
            if let Some(status) = child.try_wait().during(|| format!("wait for {name}"))? {
                return Ok(status);
            }
            if self.limit.is_some_and(|limit| start.elapsed() > limit) {
                let _already_gone = child.kill();
                let _status = child.wait();
                return Err(Error::new(format!("no answer in {} s: {shown}", start.elapsed().as_secs())));
            }
            if let Some(path) = log.filter(|_| beat.elapsed() > HEARTBEAT) {
                beat = Instant::now();
                let step = path.file_stem().unwrap_or_default().display();
                println!("      … {step}: {name}, {} s: {}", start.elapsed().as_secs(), last_line(path));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Runs to the end and gives what it printed on stdout; fails unless it succeeded.
    pub(crate) fn stdout(mut self) -> Result<String> {
        let (shown, name) = (self.shown(), self.name());
        let output =
            self.command.stdin(Stdio::null()).output().map_err(|error| not_started(&name, &error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::new(format!("this failed ({}): {shown}\n{}", output.status, said.trim_end())));
        }
        String::from_utf8(output.stdout).during(|| format!("read what {name} printed"))
    }
}

fn not_started(name: &str, error: &std::io::Error) -> Error {
    let what = Error::new(format!("{name} could not be started: {error}"));
    match name {
        "node" | "npm" => what.advice("install Node.js 20 or newer"),
        _ => what,
    }
}

fn append(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).during(|| format!("create {}", parent.display()))?;
    }
    OpenOptions::new().create(true).append(true).open(path).during(|| format!("open {}", path.display()))
}

/// The newest line of a log, short enough for one row.
fn last_line(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().take(90).collect()
}

/// Whether a program is on the PATH.
pub(crate) fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// Joins flags as `CARGO_ENCODED_RUSTFLAGS` wants them: a path may hold a space.
pub(crate) fn encoded(flags: &[String]) -> OsString {
    flags.join("\u{1f}").into()
}
