//! A day of reads on a manual clock while what issues the sessions is out now and then, for up to an hour.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::sessions::Kind;
use crate::support::{World, millis, minutes, seconds};
use simsim::{CacheOptions, Client};
use simsim_emulator::{Fault, Service};
use std::time::Duration;
use tokio::time::Instant;

scenarios![
    a_day_with_outages_of_sts_for_a_role,
    a_day_with_outages_of_sts_for_a_workload,
    a_day_with_outages_of_a_credentials_uri,
];

const DAY: Duration = Duration::from_secs(24 * 3600);
const LIFETIME: Duration = Duration::from_secs(3600);
/// How long before its end a session counts as over.
const MARGIN: Duration = Duration::from_secs(5);
/// A session of an hour is renewed from twelve minutes before its end on.
const RENEWED_AFTER: Duration = Duration::from_secs(48 * 60);

async fn a_day_with_outages_of_sts_for_a_role(w: World) {
    for seed in 1..=3 {
        day(&w, Kind::AssumeRole, Service::Sts, Dice(seed)).await;
    }
}

async fn a_day_with_outages_of_sts_for_a_workload(w: World) {
    day(&w, Kind::Oidc, Service::Sts, Dice(4)).await;
}

async fn a_day_with_outages_of_a_credentials_uri(w: World) {
    day(&w, Kind::Uri, Service::CredentialsUri, Dice(5)).await;
}

/// Numbers that are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        millis((z ^ (z >> 31)) % (most.as_millis() as u64 + 1))
    }
}

/// Sets outages off until the day is over, and reads five seconds after each; tells how many there were.
async fn outages(w: World, client: Client, service: Service, mut dice: Dice, ends: Instant) -> usize {
    let mut count = 0;
    loop {
        tokio::time::sleep(minutes(1) + dice.up_to(minutes(150))).await;
        if Instant::now() >= ends {
            return count;
        }
        let fault = match dice.up_to(millis(3)).as_millis() {
            0 => Fault::unreachable(),
            1 => Fault::hang(),
            2 => Fault::status(503, "ServiceUnavailable"),
            _ => Fault::html(502),
        };
        w.kms.inject(fault.for_service(service));
        tokio::time::sleep(dice.up_to(minutes(60))).await;
        w.kms.clear_faults();
        tokio::time::sleep(seconds(5)).await;
        let (read, waited) = w.timed(&client, "db/password").await;
        assert!(read.is_ok() && waited.is_zero(), "{waited:?} {read:?} after outage {count}");
        count += 1;
    }
}

/// What was answered at some time, of the requests that issue sessions.
fn issued(w: &World, kind: Kind) -> Vec<i64> {
    let log = w.kms.log().into_iter();
    log.filter(|c| c.action == kind.action() && c.status == 200).map(|c| c.at.as_millis()).collect()
}

async fn day(w: &World, kind: Kind, service: Service, mut dice: Dice) {
    // Every read asks KMS. With a cache a failure is remembered for five seconds: it must not add to the recovery.
    let cached = dice.up_to(millis(1)).is_zero();
    let builder = w.with_sessions(kind);
    let client = match cached {
        true => builder.cache(CacheOptions::default().ttl(millis(1)).stale_if_error(Duration::ZERO)),
        false => builder.no_cache(),
    };
    let client = client.build().unwrap();
    w.kms.reset_log();
    let started = Instant::now();
    let own = Dice(dice.up_to(DAY).as_millis() as u64);
    let trouble = tokio::spawn(outages(w.clone(), client.clone(), service, own, started + DAY));
    let at = |moment: Instant| crate::support::START + (moment - w.clock.started()).as_millis() as i64;
    let mut failed = Vec::new();
    while started.elapsed() < DAY {
        let (read, waited) = w.timed(&client, "db/password").await;
        let now = Instant::now();
        match read {
            Ok(secret) => {
                assert!(!secret.stale());
                w.pass(seconds(1) + dice.up_to(seconds(100))).await;
            }
            Err(error) => {
                assert!(waited <= seconds(11), "{waited:?} {error}");
                failed.push((at(now - waited), error));
                w.pass(seconds(4)).await;
            }
        }
    }
    let outages = trouble.await.unwrap();
    let sessions = issued(w, kind);
    // No request was signed with a session that was over, or with none.
    for call in w.kms.log().iter().filter(|call| call.action == "GetSecretValue") {
        assert_eq!((call.status, call.code.as_deref()), (200, None));
    }
    // No read failed while a session held; its end is told in whole seconds.
    let held = (LIFETIME - MARGIN - seconds(1)).as_millis() as i64;
    for (moment, error) in &failed {
        let last = sessions.iter().rfind(|issued| *issued <= moment);
        assert!(last.is_none_or(|issued| *moment >= issued + held), "{error} at {moment}, issued {last:?}");
    }
    let bound = 1.1 * DAY.as_secs_f64() / RENEWED_AFTER.as_secs_f64();
    assert!(sessions.len() as f64 <= bound, "{} sessions, at most {bound}", sessions.len());
    assert!(sessions.len() >= 12 && outages >= 8, "{} {outages}", sessions.len());
}
