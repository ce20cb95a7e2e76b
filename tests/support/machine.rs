//! A machine for providers: variables, files and programs as a test sets them, and what was asked of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::credentials::{Host, HostError};
use simsim::mailbox::host::MailboxHost;
use simsim::{Result, Sensitive};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

type Content = std::result::Result<Vec<u8>, HostError>;

#[derive(Default)]
struct State {
    vars: HashMap<String, String>,
    files: HashMap<String, Content>,
    output: Option<Content>,
    asked: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Machine(Arc<Mutex<State>>);

impl Machine {
    /// With a home.
    pub fn new() -> Self {
        let machine = Self::default();
        machine.set("HOME", "/home/user");
        machine
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("not poisoned")
    }

    pub fn set(&self, name: &str, value: &str) {
        self.state().vars.insert(name.to_owned(), value.to_owned());
    }

    pub fn unset(&self, name: &str) {
        self.state().vars.remove(name);
    }

    pub fn write(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.state().files.insert(path.to_owned(), Ok(content.into()));
    }

    pub fn remove(&self, path: &str) {
        self.state().files.remove(path);
    }

    pub fn break_file(&self, path: &str, error: HostError) {
        self.state().files.insert(path.to_owned(), Err(error));
    }

    /// What every program writes from now on, or how it fails. Before, programs never end.
    pub fn outputs(&self, output: Content) {
        self.state().output = Some(output);
    }

    /// Everything that was asked, and nothing of it twice.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }

    fn note(&self, parts: &[&str]) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.asked.push(parts.join(" "));
        state
    }
}

fn bounded(content: Content, max: usize) -> Result<Sensitive<Vec<u8>>, HostError> {
    let content = content?;
    if content.len() > max { Err(HostError::TooLarge) } else { Ok(Sensitive::new(content)) }
}

impl Host for Machine {
    async fn var(&self, name: &str) -> Option<Sensitive<String>> {
        self.note(&["var", name]).vars.get(name).cloned().map(Sensitive::new)
    }

    async fn read(&self, path: &str, max: usize) -> Result<Option<Sensitive<Vec<u8>>>, HostError> {
        let found = self.note(&["read", path]).files.get(path).cloned();
        found.map(|content| bounded(content, max)).transpose()
    }

    async fn run(&self, argv: &[String], max: usize) -> Result<Sensitive<Vec<u8>>, HostError> {
        let output = self.note(&["run", &argv.join("|")]).output.clone();
        match output {
            Some(output) => bounded(output, max),
            None => std::future::pending().await,
        }
    }
}

/// The same machine on both engines.
pub enum AnyHost {
    Here(Machine),
    Mailbox(MailboxHost),
}

impl Host for AnyHost {
    async fn var(&self, name: &str) -> Option<Sensitive<String>> {
        match self {
            Self::Here(machine) => machine.var(name).await,
            Self::Mailbox(mailbox) => mailbox.var(name).await,
        }
    }

    async fn read(&self, path: &str, max: usize) -> Result<Option<Sensitive<Vec<u8>>>, HostError> {
        match self {
            Self::Here(machine) => machine.read(path, max).await,
            Self::Mailbox(mailbox) => mailbox.read(path, max).await,
        }
    }

    async fn run(&self, argv: &[String], max: usize) -> Result<Sensitive<Vec<u8>>, HostError> {
        match self {
            Self::Here(machine) => machine.run(argv, max).await,
            Self::Mailbox(mailbox) => mailbox.run(argv, max).await,
        }
    }
}
