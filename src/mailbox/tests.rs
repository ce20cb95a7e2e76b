//! Operations under a driver that answers in any order, late, twice or not at all.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod hostile;

use super::driver::{Driven, Effect, Reply};
use super::*;
use crate::credentials::{Context as Ask, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind};
use crate::http::{Fetch, Method, Request, Response};
use crate::runtime::{Background, Runtime, Within};
use crate::sync::{Guarded, MaybeSend};
use crate::time::{Instant64, Timestamp};
use proptest::prelude::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Wake;
use std::time::Duration;

fn turn() -> Turn<'static> {
    Turn { now: Now::default(), entropy: &[7; 16] }
}

/// As a request with its time limit.
fn race<'a, T>(
    work: impl Future<Output = T> + MaybeSend + 'a,
    time: impl Future<Output = ()> + MaybeSend + 'a,
) -> Within<'a, T> {
    Within { work: Box::pin(work), time: Box::pin(time) }
}

fn request(name: &str) -> Request {
    Request {
        method: Method::Post,
        url: name.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Duration::from_secs(3),
        max_body: 1,
    }
}

fn answer(status: u16) -> Reply {
    Reply::Answer(Ok(Response::new(status, Vec::new(), Vec::new())))
}

/// One child of [`Unordered`], and its waker.
struct Child {
    woken: AtomicBool,
    polls: AtomicUsize,
    parent: Guarded<Option<Waker>>,
}

impl Wake for Child {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        if let Some(parent) = self.parent.with(Option::take) {
            parent.wake();
        }
    }
}

/// Runs futures side by side as `FuturesUnordered` does: a child is polled only when its own waker was woken.
struct Unordered(Vec<(Option<BoxFuture<'static, ()>>, Arc<Child>)>);

impl Unordered {
    fn new(children: Vec<BoxFuture<'static, ()>>) -> Self {
        let child =
            || Child { woken: AtomicBool::new(true), polls: AtomicUsize::new(0), parent: Guarded::new(None) };
        Self(children.into_iter().map(|future| (Some(future), Arc::new(child()))).collect())
    }
}

impl Future for Unordered {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for (future, child) in &mut self.0 {
            child.parent.with(|parent| *parent = Some(cx.waker().clone()));
            let Some(running) = future else { continue };
            if child.woken.swap(false, Ordering::Relaxed) {
                child.polls.fetch_add(1, Ordering::Relaxed);
                let waker = Waker::from(child.clone());
                if running.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                    *future = None;
                }
            }
        }
        if self.0.iter().all(|(future, _)| future.is_none()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn ids(effects: &[(EffectId, Effect)]) -> Vec<EffectId> {
    effects.iter().map(|(id, _)| *id).collect()
}

fn aborted(effects: &[(EffectId, Effect)]) -> Vec<EffectId> {
    effects.iter().filter_map(|(_, e)| if let Effect::Abort(id) = e { Some(*id) } else { None }).collect()
}

fn is_done(effects: &[(EffectId, Effect)]) -> bool {
    effects.iter().any(|(_, effect)| matches!(effect, Effect::Done(_)))
}

/// Operation ids and effects of an operation without a result.
fn start(
    mailbox: &mut Driven,
    future: impl Future<Output = ()> + Send + 'static,
) -> (OpId, Vec<(EffectId, Effect)>) {
    let future = Box::pin(async move {
        future.await;
        Vec::new()
    });
    mailbox.start(turn(), true, future)
}

proptest! {
    #[test]
    fn futures_that_are_polled_by_their_own_wakers_all_end_in_any_order(
        kinds in prop::collection::vec(0..4u8, 1..12),
        order in any::<prop::sample::Index>(),
    ) {
        let mut mailbox = Driven::new();
        let (fetch, runtime, credentials) = (mailbox.seams(), mailbox.seams(), mailbox.seams());
        let children = kinds.iter().map(|kind| {
            let (fetch, runtime, credentials) = (fetch.clone(), runtime.clone(), credentials.clone());
            let future: BoxFuture<'static, ()> = match kind {
                0 => Box::pin(async move { drop(fetch.fetch(request("a")).await) }),
                1 => Box::pin(async move { Runtime::sleep(&runtime, Duration::from_secs(1)).await }),
                2 => Box::pin(async move {
                    drop(credentials.provide(&Ask::alone(Timestamp::default(), false)).await);
                }),
                // Two effects of one child, as a request with its time limit.
                _ => Box::pin(async move {
                    let timer = Runtime::sleep(&runtime, Duration::from_secs(1));
                    race(fetch.fetch(request("b")), timer).await;
                }),
            };
            future
        });
        let unordered = Unordered::new(children.collect());
        let watched: Vec<Arc<Child>> = unordered.0.iter().map(|(_, child)| child.clone()).collect();
        let (op, mut owed) = start(&mut mailbox, unordered);
        let mut steps: usize = 0;
        while !is_done(&owed) {
            prop_assert!(!owed.is_empty(), "nothing is owed, and the operation waits");
            let (id, effect) = owed.swap_remove(order.index(owed.len()));
            let reply = match effect {
                Effect::Fetch(_) => answer(200),
                Effect::Sleep(_) => Reply::Slept,
                _ => Reply::Credentials(Credentials::access_key("id", "secret")),
            };
            let more = mailbox.step(op, id, reply, turn());
            let gone = aborted(&more);
            owed.retain(|(id, _)| !gone.contains(id));
            owed.extend(more.into_iter().filter(|(_, e)| !matches!(e, Effect::Abort(_))));
            steps = steps.saturating_add(1);
        }
        prop_assert_eq!(steps, kinds.len(), "one reply ends one child");
        prop_assert_eq!(owed.len(), 1);
        prop_assert!(watched.iter().all(|child| child.polls.load(Ordering::Relaxed) == 2));
        prop_assert_eq!(mailbox.operations(), 0);
    }
}

#[test]
fn a_reply_wakes_the_waker_of_the_last_poll_alone() {
    let mut mailbox = Driven::new();
    let runtime = mailbox.seams();
    let child = || {
        Arc::new(Child {
            woken: AtomicBool::new(false),
            polls: AtomicUsize::new(0),
            parent: Guarded::new(None),
        })
    };
    let (first, last) = (child(), child());
    let (one, two) = (Waker::from(first.clone()), Waker::from(last.clone()));
    let (op, effects) = start(&mut mailbox, async move {
        let mut nap = Box::pin(async move { Runtime::sleep(&runtime, Duration::from_secs(1)).await });
        for waker in [one, two] {
            assert!(nap.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        std::future::poll_fn(|_| nap.as_mut().poll(&mut Context::from_waker(Waker::noop()))).await;
    });
    // The last poll of all was with the waker that does nothing.
    assert!(!is_done(&effects));
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&last)), (1, 1), "former wakers are let go");
    assert!(is_done(&mailbox.step(op, effects[0].0, Reply::Slept, turn())));
    assert!(!first.woken.load(Ordering::Relaxed) && !last.woken.load(Ordering::Relaxed));
}

#[test]
fn a_cancelled_operation_aborts_everything_that_it_waited_for() {
    let mut mailbox = Driven::new();
    let (fetch, runtime) = (mailbox.seams(), mailbox.seams());
    let (op, effects) = start(&mut mailbox, async move {
        let timer = Runtime::sleep(&runtime, Duration::from_secs(1));
        race(fetch.fetch(request("a")), timer).await;
    });
    let mut ended = aborted(&mailbox.cancel(op));
    ended.sort_unstable();
    assert_eq!(ended, ids(&effects));
    assert_eq!(mailbox.operations(), 0);
    // Late replies and a second cancel find nobody.
    for id in ids(&effects) {
        assert!(mailbox.step(op, id, Reply::Slept, turn()).is_empty());
    }
    assert!(mailbox.cancel(op).is_empty());
}

#[test]
fn a_reply_that_has_come_is_not_aborted() {
    let mut mailbox = Driven::new();
    let (fetch, runtime) = (mailbox.seams(), mailbox.seams());
    let (op, effects) = start(&mut mailbox, async move {
        let timer = Runtime::sleep(&runtime, Duration::from_secs(1));
        race(fetch.fetch(request("a")), timer).await;
    });
    let after = mailbox.step(op, effects[0].0, answer(200), turn());
    assert_eq!(aborted(&after), [effects[1].0]);
    assert!(is_done(&after));
}

#[test]
fn an_effect_that_is_withdrawn_in_the_turn_that_posts_it_is_never_sent() {
    let mut mailbox = Driven::new();
    let (fetch, runtime) = (mailbox.seams(), mailbox.seams());
    let (_, effects) = start(&mut mailbox, async move {
        let ready = std::future::ready(());
        let None = race(fetch.fetch(request("a")), ready).await else { return };
        Runtime::sleep(&runtime, Duration::from_secs(1)).await;
    });
    assert!(matches!(effects[..], [(_, Effect::Sleep(_))]), "{effects:?}");
}

#[test]
fn unknown_and_repeated_replies_do_no_harm() {
    let mut mailbox = Driven::new();
    let fetch = mailbox.seams();
    let (op, effects) = start(&mut mailbox, async move {
        for status in [503, 204] {
            assert_eq!(fetch.fetch(request("a")).await.expect("an answer").status(), status);
        }
    });
    let first = effects[0].0;
    assert!(mailbox.step(op, first.wrapping_add(9), answer(500), turn()).is_empty());
    assert!(mailbox.step(op.wrapping_add(9), first, answer(500), turn()).is_empty());
    let second = mailbox.step(op, first, answer(503), turn())[0].0;
    // The first effect is over: its late reply is not taken for the second's.
    assert!(mailbox.step(op, first, answer(500), turn()).is_empty());
    assert!(is_done(&mailbox.step(op, second, answer(204), turn())));
}

#[test]
fn a_reply_of_the_wrong_kind_ends_its_operation_with_an_error_and_aborts_the_rest() {
    let internal = |effects: &[(EffectId, Effect)]| match effects.last() {
        Some((0, Effect::Done(result))) => result[0] == 1 && result.windows(8).any(|w| w == b"INTERNAL"),
        _ => false,
    };
    let mut mailbox = Driven::new();
    let seams = mailbox.seams();
    let (op, effects) = start(&mut mailbox, async move {
        let timer = Runtime::sleep(&seams, Duration::from_secs(1));
        drop(race(seams.fetch(request("a")), timer).await);
    });
    let timer = effects.iter().find(|(_, effect)| matches!(effect, Effect::Sleep(_))).expect("a timer").0;
    let fetch = effects.iter().find(|(_, effect)| matches!(effect, Effect::Fetch(_))).expect("a fetch").0;
    let ended = mailbox.step(op, fetch, Reply::Slept, turn());
    assert!(internal(&ended) && aborted(&ended) == [timer], "{ended:?}");

    let credentials = mailbox.seams();
    let (op, effects) = start(&mut mailbox, async move {
        drop(credentials.provide(&Ask::alone(Timestamp::default(), true)).await);
    });
    assert!(matches!(effects[0].1, Effect::Provide { rejected: true }));
    assert!(internal(&mailbox.step(op, effects[0].0, answer(200), turn())));
    assert_eq!(mailbox.operations(), 0);
}

#[test]
fn operations_do_not_touch_each_other() {
    let mut mailbox = Driven::new();
    let started: Vec<_> = (0..3)
        .map(|_| {
            let fetch = mailbox.seams();
            start(&mut mailbox, async move { drop(fetch.fetch(request("a")).await) })
        })
        .collect();
    mailbox.cancel(started[1].0);
    for (op, effects) in [&started[2], &started[0]] {
        assert!(is_done(&mailbox.step(*op, effects[0].0, answer(200), turn())));
    }
    let mut names: Vec<_> = started.iter().map(|(op, effects)| (*op, effects[0].0)).collect();
    names.dedup_by(|a, b| a.0 == b.0 || a.1 == b.1);
    assert_eq!(names.len(), 3, "no two operations and no two effects share a name");
}

#[test]
fn work_behind_the_answer_is_an_operation_of_its_own_or_handed_back() {
    let mut mailbox = Driven::new();
    let (background, runtime) = (mailbox.seams(), mailbox.seams());
    let task = move |background: Seams| {
        let runtime = runtime.clone();
        let work: BoxFuture<'static, ()> =
            Box::pin(async move { Runtime::sleep(&runtime, Duration::from_secs(1)).await });
        async move { vec![u8::from(background.run(work).is_ok())] }
    };
    let (_, effects) = mailbox.start(turn(), true, Box::pin(task(background.clone())));
    let [(_, Effect::Spawn(spawned)), (0, Effect::Done(taken))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(taken, &[1]);
    let first = mailbox.run(*spawned, turn());
    assert!(is_done(&mailbox.step(*spawned, first[0].0, Reply::Slept, turn())));
    assert!(mailbox.run(*spawned, turn()).is_empty() && mailbox.operations() == 0);

    let (_, effects) = mailbox.start(turn(), false, Box::pin(task(background)));
    assert!(matches!(&effects[..], [(0, Effect::Done(taken))] if taken == &[0]), "{effects:?}");
}

#[test]
fn an_operation_sees_the_time_of_its_own_turn() {
    let mut mailbox = Driven::new();
    let runtime = mailbox.seams();
    let at = |ms: u64| Now { wall: Timestamp::from_millis(5), mono: Instant64::from_millis(ms) };
    let future = Box::pin(async move {
        assert_eq!(Runtime::now(&runtime), at(10));
        Runtime::sleep(&runtime, Duration::ZERO).await;
        assert_eq!((runtime.mono(), runtime.wall()), (at(20).mono, at(20).wall));
        let mut random = [0; 8];
        assert!(Runtime::fill_random(&runtime, &mut random).is_err());
        vec![1]
    });
    let (op, effects) = mailbox.start(Turn { now: at(10), entropy: &[] }, false, future);
    assert!(is_done(&mailbox.step(op, effects[0].0, Reply::Slept, Turn { now: at(20), entropy: &[1; 15] })));
}

#[test]
fn an_error_of_the_provider_arrives_with_its_explanation() {
    let mut mailbox = Driven::new();
    let credentials = mailbox.seams();
    let (op, effects) = start(&mut mailbox, async move {
        let error =
            credentials.provide(&Ask::alone(Timestamp::default(), false)).await.expect_err("an error");
        assert_eq!((error.kind(), error.explanation()), (ErrorKind::CredentialsUnavailable, "down"));
    });
    let reply = Reply::Credentials(Err(Error::new(ErrorKind::Transport, "down")));
    assert!(is_done(&mailbox.step(op, effects[0].0, reply, turn())));
}
