//! Hit, miss, hits on two threads, one signature, and the floor: simsim and its peer in one run.
//!
//! What one thread does without ever waiting is measured in the processor time of that thread, so that a busy machine
//! does not blur it; what two threads do at once is measured by the wall clock and wants two idle cores.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use criterion::measurement::{Measurement, WallTime};
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use simsim_peers::drive::{ThreadTime, filled, hits, misses, ready};
use simsim_peers::floor::Floor;
use simsim_peers::{aws, name};
use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

fn group<'c, M: Measurement>(c: &'c mut Criterion<M>, name: &str) -> BenchmarkGroup<'c, M> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3)).sample_size(50);
    group
}

/// Hits on one thread, and misses: a new name each time.
fn alone(
    group: &mut BenchmarkGroup<'_, ThreadTime>,
    hit: impl Fn(&str) -> usize,
    miss: impl AsyncFn(&str) -> usize,
) {
    let cached = name(0);
    group.bench_function("hit", |b| b.iter(|| hit(black_box(&cached))));

    let next = Cell::new(1_000);
    group.bench_function("miss", |b| {
        b.iter_custom(|iterations| {
            let first = next.replace(next.get() + iterations);
            misses(ThreadTime, first..first + iterations, &miss)
        });
    });
}

/// Hits on one thread; on two with a secret each; on two with the same secret.
fn together(group: &mut BenchmarkGroup<'_, WallTime>, hit: impl Fn(&str) -> usize + Sync) {
    for (id, names) in [
        ("hit_1_thread", vec![name(0)]),
        ("hit_2_threads_different", vec![name(0), name(1)]),
        ("hit_2_threads_same", vec![name(0), name(0)]),
    ] {
        group.bench_function(id, |b| b.iter_custom(|iterations| hits(&names, iterations, &hit)));
    }
}

fn aws_alone(c: &mut Criterion<ThreadTime>) {
    let client = filled(aws::client(), aws::read);
    alone(&mut group(c, "aws"), |n| ready(aws::read(&client, n)), async |n| aws::read(&client, n).await);
}

fn aws_together(c: &mut Criterion) {
    let client = filled(aws::client(), aws::read);
    together(&mut group(c, "aws"), |n| ready(aws::read(&client, n)));
}

fn ours_alone(c: &mut Criterion<ThreadTime>) {
    use simsim_peers::ours;
    let client = filled(ours::client(), ours::read);
    let mut group = group(c, "simsim");
    alone(&mut group, |n| ready(ours::read(&client, n)), async |n| ours::read(&client, n).await);
    group.bench_function("acs3_signature", |b| b.iter(ours::sign));
}

fn ours_together(c: &mut Criterion) {
    use simsim_peers::ours;
    let client = filled(ours::client(), ours::read);
    together(&mut group(c, "simsim"), |n| ready(ours::read(&client, n)));
}

fn floor(c: &mut Criterion<ThreadTime>) {
    let floor = Floor::new();
    let name = name(0);
    let mut group = group(c, "floor");
    group.bench_function("clock_map_clone", |b| b.iter(|| floor.read(black_box(&name))));
    group.bench_function("clock", |b| b.iter(|| floor.clock()));
    group.bench_function("std_clock", |b| b.iter(Floor::std_clock));
}

criterion_group! {
    name = one_thread;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = ours_alone, aws_alone, floor
}
criterion_group!(two_threads, ours_together, aws_together);
criterion_main!(one_thread, two_threads);
