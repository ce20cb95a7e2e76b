//! Ways to drive the futures under measurement that add as little of their own as can be.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::ops::Range;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// The output of a future that is ready when first polled, as every cached read must be.
///
/// # Panics
/// If it is not.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a cached read had to wait"),
    }
}

/// A runtime for what really waits.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// A client whose cache is filled as a program's is: with a hundred secrets.
pub fn filled<C>(client: C, read: impl AsyncFn(&C, &str) -> usize) -> C {
    runtime().block_on(async {
        for n in 0..100 {
            read(&client, &crate::name(n)).await;
        }
    });
    client
}

/// How long cached reads take: so many on each of as many threads at once as there are names.
pub fn hits(names: &[String], iterations: u64, hit: impl Fn(&str) -> usize + Sync) -> Duration {
    on_threads(names.len(), iterations, |thread, iterations| {
        for _ in 0..iterations {
            black_box(hit(black_box(&names[thread])));
        }
    })
}

/// How long, by this clock, the reads of these names take, which must be new.
pub fn misses<M: Measurement<Value = Duration>>(
    clock: M,
    names: Range<u64>,
    miss: impl AsyncFn(&str) -> usize,
) -> Duration {
    let names: Vec<String> = names.map(crate::name).collect();
    runtime().block_on(async {
        let start = clock.start();
        for name in &names {
            black_box(miss(name).await);
        }
        clock.end(start)
    })
}

/// Runs `work(thread, iterations)` on that many threads at once; how long until the last of them was done.
/// Starting the threads is not counted.
fn on_threads(threads: usize, iterations: u64, work: impl Fn(usize, u64) + Sync) -> Duration {
    let line = Barrier::new(threads + 1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (line, work) = (&line, &work);
                scope.spawn(move || {
                    line.wait();
                    let start = Instant::now();
                    work(thread, iterations);
                    (start, Instant::now())
                })
            })
            .collect();
        line.wait();
        let times: Vec<_> = workers.into_iter().map(|w| w.join().expect("a worker")).collect();
        let start = times.iter().map(|(start, _)| *start).min().expect("a thread");
        let end = times.iter().map(|(_, end)| *end).max().expect("a thread");
        end - start
    })
}

/// Measures in the processor time of the calling thread: what a neighbour on the machine takes is not counted.
#[derive(Clone, Copy, Debug)]
pub struct ThreadTime;

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
