//! A host driver of the mailbox: performs effects on tokio and steps the operations.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Machine, TestRuntime, Wire};
use simsim::credentials::{Context, ProvideCredentials};
use simsim::http::Fetch;
use simsim::mailbox::driver::{Driven, Effect, Reply};
use simsim::mailbox::host::answer;
use simsim::mailbox::{EffectId, OpId, Seams, Turn};
use simsim::runtime::Runtime;
use simsim::sync::BoxFuture;
use simsim::{Credentials, Error, Event, Observer, Result};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use tokio::task::{AbortHandle, JoinSet};

type Provide = Arc<dyn Fn() -> BoxFuture<'static, Result<Credentials>> + Send + Sync>;

/// What the callback gave, an error as it gave it: its cause does not cross.
pub struct Provided {
    seams: Seams,
    failed: Arc<Mutex<Vec<Error>>>,
}

impl ProvideCredentials for Provided {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        let crossed = match self.seams.provide(cx).await {
            Err(crossed) => crossed,
            given => return given,
        };
        let same = |failed: &&Error| failed.explanation() == crossed.explanation();
        let failed = self.failed.lock().expect("not poisoned").iter().rev().find(same).cloned();
        Err(failed.expect("the same came through"))
    }

    fn name(&self) -> &'static str {
        self.seams.name()
    }
}

#[derive(Clone)]
pub struct Driver {
    clock: TestRuntime,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    mailbox: Driven,
    wire: Option<Wire>,
    provide: Option<Provide>,
    observer: Option<Arc<dyn Observer>>,
    machine: Option<Machine>,
}

impl Driver {
    pub fn new(clock: TestRuntime) -> Self {
        let shared =
            Shared { mailbox: Driven::new(), wire: None, provide: None, observer: None, machine: None };
        Self { clock, shared: Arc::new(Mutex::new(shared)) }
    }

    pub fn serve(&self, wire: Wire) {
        self.shared.lock().expect("not poisoned").wire = Some(wire);
    }

    /// The provider that asks this callback through the mailbox.
    pub fn provide(&self, provide: Provide) -> Provided {
        let failed = Arc::<Mutex<Vec<Error>>>::default();
        let kept = failed.clone();
        let provide: Provide = Arc::new(move || {
            let (asked, kept) = (provide(), kept.clone());
            Box::pin(async move {
                let given = asked.await;
                kept.lock().expect("not poisoned").extend(given.as_ref().err().cloned());
                given
            })
        });
        let mut shared = self.shared.lock().expect("not poisoned");
        shared.provide = Some(provide);
        Provided { seams: shared.mailbox.seams(), failed }
    }

    pub fn lend(&self, machine: Machine) {
        self.shared.lock().expect("not poisoned").machine = Some(machine);
    }

    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.shared.lock().expect("not poisoned").observer = Some(observer);
    }

    pub fn with<R>(&self, f: impl FnOnce(&Driven) -> R) -> R {
        f(&self.shared.lock().expect("not poisoned").mailbox)
    }

    /// Every entry into the mailbox: with this moment's time and fresh randomness.
    fn enter<R>(&self, f: impl FnOnce(&mut Driven, Turn<'_>) -> R) -> R {
        let mut entropy = [0u8; 32];
        self.clock.fill_random(&mut entropy).expect("random");
        let turn = Turn { now: self.clock.now(), entropy: &entropy };
        f(&mut self.shared.lock().expect("not poisoned").mailbox, turn)
    }

    /// Runs one operation to its end.
    pub async fn drive<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        let (result, taken) = tokio::sync::oneshot::channel();
        let operation = Box::pin(async move {
            let _ = result.send(future.await);
            Vec::new()
        });
        let (op, effects) = self.enter(|m, turn| m.start(turn, true, operation));
        self.perform(op, effects).await;
        taken.await.expect("the operation was done")
    }

    /// Performs effects until the operation is done.
    fn perform(&self, op: OpId, effects: Vec<(EffectId, Effect)>) -> BoxFuture<'static, ()> {
        let this = self.clone();
        Box::pin(async move {
            let mut pending: JoinSet<(EffectId, Reply)> = JoinSet::new();
            let mut handles: HashMap<EffectId, AbortHandle> = HashMap::new();
            let mut effects = effects;
            loop {
                for (id, effect) in std::mem::take(&mut effects) {
                    match effect {
                        Effect::Done(_) => return,
                        Effect::Abort(aborted) => {
                            if let Some(handle) = handles.remove(&aborted) {
                                handle.abort();
                            }
                        }
                        Effect::Spawn(new) => {
                            let driver = this.clone();
                            tokio::spawn(async move {
                                let effects = driver.enter(|m, turn| m.run(new, turn));
                                driver.perform(new, effects).await;
                            });
                        }
                        Effect::Emit(event) => this.emit(&event),
                        effect => {
                            let reply = this.reply(effect);
                            handles.insert(id, pending.spawn(async move { (id, reply.await) }));
                        }
                    }
                }
                match pending.join_next().await {
                    Some(Ok((id, reply))) => {
                        handles.remove(&id);
                        effects = this.enter(|m, turn| m.step(op, id, reply, turn));
                    }
                    Some(Err(_aborted)) => {}
                    None => panic!("operation {op} waits for nothing and is not done"),
                }
            }
        })
    }

    fn emit(&self, event: &Event) {
        let observer = self.shared.lock().expect("not poisoned").observer.clone();
        if let Some(observer) = observer {
            observer.observe(event);
        }
    }

    fn reply(&self, effect: Effect) -> BoxFuture<'static, Reply> {
        let (wire, provide, machine) = {
            let shared = self.shared.lock().expect("not poisoned");
            (shared.wire.clone(), shared.provide.clone(), shared.machine.clone())
        };
        let clock = self.clock.clone();
        match effect {
            Effect::Fetch(request) => {
                let wire = wire.expect("a wire");
                Box::pin(async move { Reply::Answer(wire.fetch(request).await) })
            }
            Effect::Sleep(time) | Effect::Wait(_, time) => Box::pin(async move {
                clock.sleep(time).await;
                Reply::Slept
            }),
            Effect::Provide { .. } => {
                let provide = provide.expect("a provider");
                Box::pin(async move { Reply::Credentials(provide().await) })
            }
            Effect::Host(asked) => {
                let machine = machine.expect("a machine");
                Box::pin(async move { Reply::Host(answer(&machine, &asked).await.expect("whole")) })
            }
            other => panic!("no reply to {other:?}"),
        }
    }
}
