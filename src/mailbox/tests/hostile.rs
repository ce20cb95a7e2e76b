//! The bytes between the wasm and its driver: round trips, and whatever else may come instead of them.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::super::wire::{Reader, saturate};
use super::super::{EffectId, OpId};
use crate::error::ErrorKind;
use crate::http::FetchErrorKind;
use crate::session::Session;
use proptest::prelude::*;

/// The driver's side of the layout.
#[derive(Clone, Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn f64(mut self, value: f64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(self, value: &[u8]) -> Self {
        let mut longer = self.u32(u32::try_from(value.len()).unwrap());
        longer.0.extend(value);
        longer
    }

    fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }
}

/// The flag of a client with an observer.
const OBSERVED: u8 = 16;
/// The flag of credentials that follow.
const FIXED: u8 = 8;

fn options(endpoint: &str, flags: u8, numbers: [f64; 11]) -> Bytes {
    numbers.into_iter().fold(Bytes::default().text("cn-hangzhou").text(endpoint).u8(flags), Bytes::f64)
}

/// A session with the options that nobody gave.
fn open(flags: u8) -> Session {
    Session::open(&options("", flags, [f64::NAN; 11]).0).unwrap()
}

/// An operation before which the driver's memo answered nothing.
fn operation(tag: u8) -> Bytes {
    timed(tag, f64::NAN)
}

/// The same with a time of its own.
fn timed(tag: u8, timeout: f64) -> Bytes {
    Bytes::default().u32(0).f64(timeout).u8(tag)
}

fn get(name: &str, timeout: f64) -> Bytes {
    timed(1, timeout).text(name).text("").text("").f64(f64::NAN).text("")
}

fn answered(status: u32, headers: &[(String, String)], body: &[u8]) -> Bytes {
    let start = Bytes::default().u8(1).u32(status).u32(u32::try_from(headers.len()).unwrap());
    headers.iter().fold(start, |bytes, (name, value)| bytes.text(name).text(value)).bytes(body)
}

fn credentials(token: &str, expiration: f64) -> Bytes {
    Bytes::default().u8(4).text("id").text("secret").text(token).f64(expiration).text("role/a")
}

/// What a driver reads after the operation and the count of removals: id and tag of each effect, and the results of `Done`. Panics where
/// the layout is not kept.
fn effects(bytes: &[u8]) -> Vec<(u8, EffectId, Vec<u8>)> {
    let mut reader = Reader::new(bytes);
    let (_op, _removals) = (reader.u32().unwrap(), reader.u32().unwrap());
    let mut found = Vec::new();
    while let Ok(id) = reader.u32() {
        let tag = reader.u8().unwrap();
        let mut done = Vec::new();
        match tag {
            1 => {
                let _max_body = reader.u32().unwrap();
                let (_method, _url) = (reader.text().unwrap(), reader.text().unwrap());
                for _ in 0..reader.u32().unwrap() {
                    let (_name, _value) = (reader.text().unwrap(), reader.text().unwrap());
                }
                reader.bytes().unwrap();
            }
            3 => assert!(reader.u8().unwrap() <= 1),
            4 | 6 => {}
            2 => drop((reader.u32().unwrap(), reader.u32().unwrap())),
            5 => {
                let (_kind, _name) = (reader.text().unwrap(), reader.text().unwrap());
                let (_took, _error) = (reader.u32().unwrap(), reader.text().unwrap());
            }
            7 => done = reader.rest().to_vec(),
            _ => panic!("effect {tag}"),
        }
        found.push((tag, id, done));
    }
    found
}

fn id_of(tag: u8, effects: &[(u8, EffectId, Vec<u8>)]) -> EffectId {
    effects.iter().find(|(t, ..)| *t == tag).unwrap_or_else(|| panic!("no effect {tag} in {effects:?}")).1
}

const ENTROPY: [u8; 32] = [3; 32];

fn begin(session: &mut Session, operation: &Bytes) -> (OpId, Vec<(u8, EffectId, Vec<u8>)>) {
    let out = session.start(&operation.0, false, 1.7e12, 1_000.0, &ENTROPY);
    (Reader::new(&out).u32().unwrap(), effects(&out))
}

fn step(session: &mut Session, op: OpId, effect: EffectId, reply: &Bytes) -> Vec<(u8, EffectId, Vec<u8>)> {
    effects(&session.step(op, effect, &reply.0, 1.7e12, 1_000.0, &ENTROPY))
}

#[test]
fn a_cold_read_crosses_as_documented() {
    let mut session = open(0);
    let (op, first) = begin(&mut session, &get("db/password", f64::NAN));
    let asked = step(&mut session, op, id_of(3, &first), &credentials("token", f64::NAN));
    let body = br#"{"SecretName":"db/password","VersionId":"v1","SecretData":"needle","RequestId":"r"}"#;
    let done = step(&mut session, op, id_of(1, &asked), &answered(200, &[], body));
    let (_, _, result) = done.last().unwrap();
    let mut result = Reader::new(result);
    assert_eq!(result.u8().unwrap(), 0);
    assert_eq!((result.text().unwrap(), result.text().unwrap()), ("db/password", "v1"));
    assert_eq!((result.u32().unwrap(), result.u8().unwrap()), (0, 0));
    assert_eq!(result.bytes().unwrap(), b"needle");
    // The second read asks nobody.
    let (_, second) = begin(&mut session, &get("db/password", f64::NAN));
    assert!(matches!(&second[..], [(7, _, result)] if result[0] == 0), "{second:?}");
}

/// A session that has read `names`, and the result of the last of these reads.
fn warm(names: &[&str]) -> (Session, Vec<u8>) {
    let mut session = open(0);
    let mut result = Vec::new();
    for name in names {
        let (op, mut turn) = begin(&mut session, &get(name, f64::NAN));
        while !turn.iter().any(|(tag, ..)| *tag == 7) {
            let body =
                format!(r#"{{"SecretName":"{name}","VersionId":"v1","SecretData":"x","RequestId":"r"}}"#);
            turn = match turn.iter().find(|(tag, ..)| *tag == 3) {
                Some((_, id, _)) => step(&mut session, op, *id, &credentials("token", f64::NAN)),
                None => step(&mut session, op, id_of(1, &turn), &answered(200, &[], body.as_bytes())),
            };
        }
        result = turn.pop().unwrap().2;
    }
    (session, result)
}

fn removals(session: &mut Session, operation: &Bytes) -> u32 {
    let out = session.start(&operation.0, false, 1.7e12, 1_000.0, &ENTROPY);
    Reader::new(&out[4..]).u32().unwrap()
}

/// The hits that a session counts.
fn hits(session: &mut Session, before: &Bytes) -> f64 {
    let (_, turn) = begin(session, &before.clone().u8(5));
    let mut status = Reader::new(&turn.last().unwrap().2);
    assert_eq!(status.u8().unwrap(), 0);
    let (_region, _source) = (status.text().unwrap(), status.text().unwrap());
    status.f64().unwrap();
    status.f64().unwrap().unwrap()
}

#[test]
fn behind_a_secret_stands_for_how_long_it_may_be_answered_again() {
    let (_, result) = warm(&["a"]);
    let fresh_for = f64::from_le_bytes(result[result.len() - 8..].try_into().unwrap());
    // Ten minutes, give or take a tenth.
    assert!((540_000.0..=660_000.0).contains(&fresh_for), "{fresh_for}");
}

#[test]
fn what_leaves_the_cache_changes_the_count_that_stands_before_every_turn() {
    let (mut session, _) = warm(&["a", "b"]);
    let idle = operation(5);
    let before = removals(&mut session, &idle);
    assert_eq!(removals(&mut session, &idle), before);
    let one = removals(&mut session, &operation(3).text("a"));
    assert_ne!(one, before);
    assert_ne!(removals(&mut session, &operation(3).text("")), one);
}

#[test]
fn answers_of_the_drivers_memo_count_as_hits() {
    let (mut session, _) = warm(&["a"]);
    let before = hits(&mut session, &Bytes::default().u32(0).f64(f64::NAN));
    let after =
        hits(&mut session, &Bytes::default().u32(2).text("a").u32(40).text("gone").u32(2).f64(f64::NAN));
    assert!((after - before - 42.0).abs() < 0.5, "{before} {after}");
}

#[test]
fn several_names_are_answered_each_in_its_place_or_left_to_a_read_of_their_own() {
    let (mut session, _) = warm(&["a"]);
    let names = ["", "a", "b", "c"].into_iter();
    let batch = names.fold(operation(4).u32(4), |bytes, name| bytes.text(name));
    let (op, turn) = begin(&mut session, &batch);
    let turn = step(&mut session, op, id_of(3, &turn), &credentials("token", f64::NAN));
    let body = br#"{"SecretValues":[{"SecretName":"b","VersionId":"v1","SecretData":"x"}],
        "Errors":[{"SecretName":"c","Code":"Forbidden.ResourceNotFound","HttpStatus":404}]}"#;
    let turn = step(&mut session, op, id_of(1, &turn), &answered(200, &[], body));
    let mut result = Reader::new(&turn.last().unwrap().2);
    assert_eq!((result.u32().unwrap(), result.u8().unwrap(), result.text().unwrap()), (2, 0, "b"));
    let end = turn.last().unwrap().2.windows(9).any(|bytes| bytes == b"NOT_FOUND");
    assert!(end, "and the error of c");
}

#[test]
fn a_malformed_reply_ends_its_operation_with_an_error_and_aborts_the_rest() {
    let mut session = open(0);
    let (op, first) = begin(&mut session, &get("a", f64::NAN));
    let asked = step(&mut session, op, id_of(3, &first), &credentials("", f64::NAN));
    let ended = step(&mut session, op, id_of(1, &asked), &Bytes::default().u8(99));
    assert!(ended.iter().any(|(tag, id, _)| (*tag, *id) == (6, id_of(2, &asked))), "{ended:?}");
    let (tag, _, result) = ended.last().unwrap();
    let mut result = Reader::new(result);
    assert_eq!((*tag, result.u8().unwrap(), result.text().unwrap()), (7, 1, "INTERNAL"));
    // The leader is gone, so the next reader leads.
    let (_, next) = begin(&mut session, &get("a", f64::NAN));
    assert_eq!(next.iter().filter(|(tag, ..)| *tag == 3).count(), 1);
}

#[test]
fn bad_options_and_operations_are_typed_errors() {
    for bytes in [Bytes::default(), Bytes::default().bytes(&[0xff])] {
        assert!(Session::open(&bytes.0).is_err());
    }
    let mut session = open(OBSERVED);
    for (operation, kind) in [
        (Bytes::default(), "INTERNAL"),
        (operation(77), "INTERNAL"),
        (Bytes::default().u32(9).text("a").u32(1).u8(5), "INTERNAL"),
        (get("", f64::NAN), "CONFIG"),
        (operation(1).text("a").text("s").text("v").f64(f64::NAN).text(""), "CONFIG"),
    ] {
        let (_, effects) = begin(&mut session, &operation);
        let (_, _, result) = effects.last().unwrap();
        let mut result = Reader::new(result);
        assert_eq!((result.u8().unwrap(), result.text().unwrap()), (1, kind));
    }
}

#[test]
fn a_number_of_milliseconds_saturates() {
    for (given, read) in [
        (0.0, 0),
        (-0.0, 0),
        (-5.0, 0),
        (1.9, 1),
        (f64::NAN, 0),
        (f64::NEG_INFINITY, 0),
        (f64::INFINITY, u64::MAX),
        (1e300, u64::MAX),
        (9_007_199_254_740_991.0, 9_007_199_254_740_991),
    ] {
        assert_eq!(saturate(given), read, "{given}");
        let bytes = Bytes::default().f64(given);
        let ms = Reader::new(&bytes.0).millis().unwrap();
        assert_eq!(ms, (!given.is_nan()).then_some(read));
    }
}

#[test]
fn every_kind_of_reply_is_read() {
    let kinds = [
        FetchErrorKind::Connect,
        FetchErrorKind::StaleConnection,
        FetchErrorKind::Timeout,
        FetchErrorKind::Interrupted,
        FetchErrorKind::BodyTooLarge,
        FetchErrorKind::Redirected,
        FetchErrorKind::Unsupported,
        FetchErrorKind::OverBudget,
    ];
    for (code, kind) in (0..).zip(kinds) {
        let bytes = Bytes::default().u8(2).u8(code).text("ECONN RESET!");
        let Ok(Err(error)) = Reader::new(&bytes.0).answer() else { panic!("{kind:?}") };
        assert_eq!((error.kind(), error.code()), (kind, Some("ECONNRESET")));
    }
    assert!(Reader::new(&Bytes::default().u8(2).u8(8).text("").0).answer().is_err());
    assert_eq!(Reader::new(&[3]).waited(), Ok(()));
    let given = |bytes: &Bytes| Reader::new(&bytes.0).provided(|given| given.credentials()).unwrap();
    let session = given(&credentials("token", 5.0)).unwrap();
    assert_eq!((session.access_key_id(), session.security_token()), ("id", Some("token")));
    assert_eq!(session.expiration().map(crate::Timestamp::as_millis), Some(5));
    let key = given(&credentials("", f64::NAN)).unwrap();
    assert_eq!((key.security_token(), key.expiration()), (None, None));
    let broken = given(&Bytes::default().u8(5).text("TypeError\n\u{1b}").text("")).unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::CredentialsUnavailable);
    assert!(broken.to_string().ends_with("TypeError"));
    // A provider of simsim's own says which kind of failure it is, as far as something else follows from it.
    for (code, kind) in [
        ("ERR_SIMSIM_CREDENTIALS_REJECTED", ErrorKind::CredentialsRejected),
        ("ERR_SIMSIM_BUDGET_EXCEEDED", ErrorKind::BudgetExceeded),
        ("ERR_SIMSIM_NOT_FOUND", ErrorKind::CredentialsUnavailable),
        ("CREDENTIALS_REJECTED", ErrorKind::CredentialsUnavailable),
    ] {
        assert_eq!(given(&Bytes::default().u8(5).text(code).text("")).unwrap_err().kind(), kind, "{code}");
    }
    let told =
        given(&Bytes::default().u8(5).text("ERR_SIMSIM_X").text("environment: nothing is set")).unwrap_err();
    assert_eq!(told.to_string(), "no credentials available: environment: nothing is set");
}

/// Clocks as a driver might bring them.
fn clock() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), 0.0..1e13, Just(1.7e12)]
}

fn hostile_reply() -> impl Strategy<Value = Vec<u8>> {
    let header = ("[a-zA-Z-]{0,8}|retry-after|date|x-acs-retry-after", any::<String>());
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        Just(br#"{"SecretName":"a","VersionId":"v1","SecretData":"x"}"#.to_vec()),
        Just(br#"{"Code":"Rejected.Throttling"}"#.to_vec()),
        Just(br#"{"Code":"InvalidSecurityToken.Expired"}"#.to_vec()),
        Just(br#"{"Code":"IllegalTimestamp"}"#.to_vec()),
    ];
    let status = prop_oneof![Just(200), Just(503), Just(403), any::<u32>()];
    prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..40),
        4 => (status, prop::collection::vec(header, 0..3), body).prop_map(|(s, h, b)| answered(s, &h, &b).0),
        2 => (0..9u8, any::<String>()).prop_map(|(kind, code)| Bytes::default().u8(2).u8(kind).text(&code).0),
        4 => Just(vec![3]),
        4 => (prop_oneof!["", "token", ".{0,5}"], clock()).prop_map(|(t, e)| credentials(&t, e).0),
        1 => any::<String>().prop_map(|text| Bytes::default().u8(5).text(&text).text(&text).0),
    ]
}

fn hostile_operation() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..40),
        6 => (prop_oneof!["a", ".{0,20}"], clock()).prop_map(|(name, timeout)| get(&name, timeout).0),
        2 => "a|b".prop_map(|name| operation(2).text(&name).text("").text("").f64(f64::NAN).text("").0),
        1 => "a|".prop_map(|name| operation(3).text(&name).0),
        1 => (clock(), "a|").prop_map(|(time, name)| timed(4, time).u32(2).text(&name).text("b").0),
        1 => (any::<u32>(), 5..7u8).prop_map(|(hits, tag)| Bytes::default().u32(1).text("a").u32(hits).f64(f64::NAN).u8(tag).0),
    ]
}

#[derive(Clone, Debug)]
enum Call {
    Start(Vec<u8>, bool),
    /// Answers what is owed, or an effect that there is not.
    Step {
        owed: prop::sample::Index,
        astray: Option<(OpId, EffectId)>,
        reply: Vec<u8>,
    },
    Cancel(OpId),
    Run(OpId),
}

fn call() -> impl Strategy<Value = Call> {
    let astray = prop::option::weighted(0.1, (0..9u32, 0..20u32));
    prop_oneof![
        3 => (hostile_operation(), any::<bool>()).prop_map(|(operation, behind)| Call::Start(operation, behind)),
        9 => (any::<prop::sample::Index>(), astray, hostile_reply())
            .prop_map(|(owed, astray, reply)| Call::Step { owed, astray, reply }),
        1 => (0..9u32).prop_map(Call::Cancel),
        1 => (0..9u32).prop_map(Call::Run),
    ]
}

#[test]
fn a_message_is_the_turn_that_it_describes() {
    let message = |want: u8, op, effect, rest: &Bytes| {
        let head = Bytes::default().u8(want).u32(op).u32(effect).f64(1.7e12).f64(1_000.0).bytes(&ENTROPY);
        [head.0, rest.0.clone()].concat()
    };
    let (mut session, mut other) = (open(OBSERVED), open(OBSERVED));
    let read = get("a", f64::NAN);
    let (op, first) = begin(&mut session, &read);
    let started = message(0, 0, 0, &read);
    assert_eq!(effects(&other.turn(&started).unwrap()), first);
    let (asked, key) = (id_of(3, &first), credentials("", f64::NAN));
    let next = step(&mut session, op, asked, &key);
    assert_eq!(effects(&other.turn(&message(3, op, asked, &key)).unwrap()), next);
    let none = Bytes::default();
    assert_eq!(other.turn(&message(2, 77, 0, &none)).unwrap(), session.run(77, 1.7e12, 1_000.0, &ENTROPY));
    assert_eq!(other.turn(&message(4, op, 0, &none)).unwrap(), session.cancel(op));
    for cut in 0..started.len() - read.0.len() {
        assert!(other.turn(&started[..cut]).is_err());
    }
}

proptest! {
    #[test]
    fn no_reply_panics_and_none_is_longer_than_its_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(Ok(response)) = Reader::new(&bytes).answer() {
            prop_assert!(response.body().len() <= bytes.len() && response.headers().len() <= bytes.len());
        }
    }

    #[test]
    fn an_answer_comes_through_byte_by_byte_and_no_part_of_it_passes_for_one(
        status in any::<u16>(),
        headers in prop::collection::vec((any::<String>(), any::<String>()), 0..5),
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let bytes = answered(u32::from(status), &headers, &body).0;
        match Reader::new(&bytes).answer() {
            Ok(Ok(response)) => {
                prop_assert_eq!(response.status(), status);
                prop_assert_eq!(response.headers(), &headers[..]);
                prop_assert_eq!(response.body(), &body[..]);
            }
            other => prop_assert!(false, "{other:?}"),
        }
        for cut in 0..bytes.len() {
            prop_assert!(Reader::new(&bytes[..cut]).answer().is_err());
        }
    }

    #[test]
    fn options_that_are_damaged_anywhere_open_or_are_refused(
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = options("kms.cn-hangzhou.aliyuncs.com", OBSERVED, [f64::NAN; 11]).0;
        prop_assert!(Session::open(&whole[..cut.index(whole.len())]).is_err());
        // A damaged length may make sense of any part of the bytes: only a panic would be wrong.
        let mut damaged = whole;
        let place = at.index(damaged.len());
        damaged[place] = with;
        drop(Session::open(&damaged));
        damaged.truncate(cut.index(damaged.len()));
        drop(Session::open(&damaged));
    }

    #[test]
    fn no_driver_makes_a_session_panic(
        calls in prop::collection::vec((call(), clock(), clock()), 1..60),
        entropy in prop::collection::vec(any::<u8>(), 0..40),
        numbers in prop::array::uniform11(prop_oneof![3 => Just(f64::NAN), 1 => clock()]),
        flags in any::<u8>().prop_map(|flags| flags & !FIXED | OBSERVED),
    ) {
        let mut session = Session::open(&options("h", flags, numbers).0).unwrap();
        let mut owed: Vec<(OpId, EffectId)> = Vec::new();
        for (call, wall, mono) in calls {
            let (op, out) = match call {
                Call::Start(operation, behind) => {
                    let out = session.start(&operation, behind, wall, mono, &entropy);
                    (Reader::new(&out).u32().unwrap(), out)
                }
                Call::Step { owed: which, astray, reply } => {
                    let next = (!owed.is_empty()).then(|| which.index(owed.len())).map(|at| owed.remove(at));
                    let Some((op, effect)) = astray.or(next) else { continue };
                    (op, session.step(op, effect, &reply, wall, mono, &entropy))
                }
                Call::Cancel(op) => (op, session.cancel(op)),
                Call::Run(op) => (op, session.run(op, wall, mono, &entropy)),
            };
            for (tag, id, _) in effects(&out) {
                match tag {
                    1..=3 => owed.push((op, id)),
                    6 => owed.retain(|(_, owed)| *owed != id),
                    _ => {}
                }
            }
        }
    }
}
