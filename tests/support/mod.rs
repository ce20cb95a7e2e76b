//! A world for scenarios: a KMS in process, a manual clock, and a client driven by tokio or by the mailbox.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::disallowed_methods, reason = "this is the manual clock")]

pub mod drive;
pub mod machine;
pub mod runtime;
pub mod sessions;
pub mod wire;

pub use drive::Driver;
pub use machine::{AnyHost, Machine};
pub use runtime::{START, TestRuntime};
pub use wire::{Trick, Wire};

use simsim::credentials::{CallbackCredentials, Credentials};
use simsim::runtime::Background;
use simsim::{Client, ClientBuilder, Error, Event, GetSecret, Result, Secret};
use simsim_emulator::{Emulator, SecretSeed};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What an observer was told.
pub type Events = Arc<Mutex<Vec<Event>>>;

pub const KEY_ID: &str = "STS.NTestTemporaryKeyId01";
pub const KEY_SECRET: &str = "needle-TempSecret/With+Base64=Chars";
pub const TOKEN: &str = "needle-CAISxTestToken/with+plus=and==padding";
pub const REGION: &str = "cn-hangzhou";

/// One scenario's world. Time stands still but for waits: it jumps when everything waits for it.
#[derive(Clone)]
pub struct World {
    pub kms: Emulator,
    pub wire: Wire,
    /// The clock of the client's machine (the service has its own).
    pub clock: TestRuntime,
    driver: Option<Driver>,
}

impl World {
    pub fn on_tokio() -> Self {
        Self::new(None)
    }

    pub fn on_mailbox() -> Self {
        let clock = TestRuntime::new();
        Self::with(Some(Driver::new(clock.clone())), clock)
    }

    fn new(driver: Option<Driver>) -> Self {
        Self::with(driver, TestRuntime::new())
    }

    fn with(driver: Option<Driver>, clock: TestRuntime) -> Self {
        let kms = Emulator::new(clock.server());
        kms.add_session(KEY_ID, KEY_SECRET, TOKEN, None);
        kms.put_secret(SecretSeed::text("db/password", "needle-value-1"));
        let wire = Wire::new(kms.clone());
        if let Some(driver) = &driver {
            driver.serve(wire.clone());
        }
        Self { kms, wire, clock, driver }
    }

    pub fn is_mailbox(&self) -> bool {
        self.driver.is_some()
    }

    pub fn session() -> Credentials {
        Credentials::session(KEY_ID, KEY_SECRET, TOKEN).expect("fits")
    }

    /// A builder with this world's transport and clocks, without credentials and region.
    pub fn nowhere(&self) -> ClientBuilder {
        match &self.driver {
            None => {
                Client::builder().fetch(self.wire.clone()).runtime(self.clock.clone()).background(Spawning)
            }
            Some(driver) => {
                driver.with(|m| Client::builder().fetch(m.seams()).runtime(m.seams()).background(m.seams()))
            }
        }
    }

    /// A builder with this world's transport and clocks, without credentials.
    pub fn bare(&self) -> ClientBuilder {
        self.nowhere().region(REGION)
    }

    /// A builder with a session's credentials.
    pub fn builder(&self) -> ClientBuilder {
        self.bare().credentials(Self::session())
    }

    pub fn client(&self) -> Client {
        self.builder().build().expect("a client")
    }

    /// A builder whose credentials come from an async callback.
    pub fn with_callback<F, R>(&self, ask: F) -> ClientBuilder
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Credentials>> + Send + 'static,
    {
        match &self.driver {
            None => self.bare().credentials(CallbackCredentials::new(ask)),
            Some(driver) => self.bare().credentials(driver.provide(Arc::new(move || Box::pin(ask())))),
        }
    }

    /// That machine, as this world's engine reaches it.
    pub fn host(&self, machine: &Machine) -> AnyHost {
        match &self.driver {
            None => AnyHost::Here(machine.clone()),
            Some(driver) => {
                driver.lend(machine.clone());
                AnyHost::Mailbox(driver.with(|m| m.host()))
            }
        }
    }

    /// Adds an observer that keeps every event.
    pub fn observed(&self, builder: ClientBuilder) -> (ClientBuilder, Events) {
        let events = Events::default();
        let kept = events.clone();
        let keep = move |event: &Event| kept.lock().expect("not poisoned").push(event.clone());
        let builder = match &self.driver {
            None => builder.observer(keep),
            Some(driver) => {
                driver.observe(Arc::new(keep));
                builder.observer(driver.with(|m| m.seams()))
            }
        };
        (builder, events)
    }

    /// Runs client calls to their end, on this world's engine.
    pub async fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        self.spawn(future).await.expect("the call ends")
    }

    /// Starts client calls. Aborting the handle drops them: on tokio their destructors run; on the mailbox the
    /// driver is gone and nobody tells the core, as with a cancelled worker request.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        match &self.driver {
            None => tokio::spawn(future),
            Some(driver) => {
                let driver = driver.clone();
                tokio::spawn(async move { driver.drive(future).await })
            }
        }
    }

    pub async fn read(&self, client: &Client, name: &str) -> Result<Secret> {
        let (client, name) = (client.clone(), name.to_owned());
        self.run(async move { client.get_secret(&name).await }).await
    }

    pub async fn refresh(&self, client: &Client, name: &str) -> Result<Secret> {
        let (client, name) = (client.clone(), name.to_owned());
        self.run(async move { client.refresh(&name).await }).await
    }

    /// Reads with options.
    pub async fn get(
        &self,
        client: &Client,
        name: &str,
        with: impl for<'a> FnOnce(GetSecret<'a>) -> GetSecret<'a> + Send + 'static,
    ) -> Result<Secret> {
        let (client, name) = (client.clone(), name.to_owned());
        self.run(async move { with(client.get(&name)).send().await }).await
    }

    /// Reads, and tells how long that took.
    pub async fn timed(&self, client: &Client, name: &str) -> (Result<Secret>, Duration) {
        let before = Instant::now();
        let result = self.read(client, name).await;
        (result, before.elapsed())
    }

    /// Reads that start at the same moment.
    pub fn spawn_reads(&self, client: &Client, name: &str, count: usize) -> Vec<JoinHandle<Result<Secret>>> {
        let read = |_| {
            let (client, name) = (client.clone(), name.to_owned());
            self.spawn(async move { client.get_secret(&name).await })
        };
        (0..count).map(read).collect()
    }

    /// Puts secrets named `s0`, `s1`, … with values `v0`, `v1`, ….
    pub fn seed(&self, count: usize) -> Vec<String> {
        let names: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
        for (n, name) in names.iter().enumerate() {
            self.kms.put_secret(SecretSeed::text(name.clone(), format!("v{n}")));
        }
        names
    }

    /// Reads and expects text.
    pub async fn text(&self, client: &Client, name: &str) -> String {
        self.read(client, name).await.expect("a secret").text().expect("text").to_owned()
    }

    /// Lets time pass on both machines.
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.settle().await;
    }

    /// Lets everything that can run now run.
    pub async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    pub fn kms_reads(&self) -> u64 {
        self.kms.calls("GetSecretValue")
    }
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// What an error shows to anyone who prints it.
pub fn shown(error: &Error) -> String {
    format!("{error} {error:?} {error:#?}")
}

/// A background on tokio's tasks.
#[derive(Debug)]
pub struct Spawning;

impl Background for Spawning {
    fn run(
        &self,
        task: simsim::sync::BoxFuture<'static, ()>,
    ) -> std::result::Result<(), simsim::sync::BoxFuture<'static, ()>> {
        tokio::spawn(task);
        Ok(())
    }
}

/// Each scenario as two tests: on tokio, and on the mailbox.
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        mod on_tokio {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name($crate::support::World::on_tokio()).await;
            })+
        }
        mod on_mailbox {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name($crate::support::World::on_mailbox()).await;
            })+
        }
    };
}
