//! A provider behind a mailbox: what it is described with, what it answers, and drivers that make no sense.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;
use crate::session::{Served, source};
use proptest::prelude::*;

/// Sources of every kind of question: credentials, tokens, addresses, the machine.
struct Known;

impl Sources for Known {
    fn source(kind: u8, mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
        match kind {
            1 => source::assume_role(mailbox, fields),
            2 => source::oidc(mailbox, fields),
            3 => source::credentials_uri(mailbox, fields),
            4 => source::oidc_file(mailbox, fields),
            5 => source::ecs_ram_role(mailbox, fields),
            6 => source::profile(mailbox, fields),
            7 => source::default_chain(mailbox, fields),
            _ => Err(Malformed),
        }
    }
}

type Session = Served<Provider<Known>>;

const ENTROPY: [u8; 32] = [7; 32];
const ROLE: &str = "acs:ram::1234567890123456:role/reader";
const IDP: &str = "acs:ram::1234567890123456:oidc-provider/ci";

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::new();
    write(&mut out);
    out.into_bytes()
}

/// Session name, duration, policy, region, network and endpoint that nobody gave.
fn plain_session(out: &mut Writer) {
    out.text("");
    out.time(None);
    out.text("");
    out.text("");
    out.u8(0);
    out.text("");
}

fn description(kind: u8) -> Vec<u8> {
    written(|out| {
        out.u8(kind);
        match kind {
            1 => {
                out.text(ROLE);
                plain_session(out);
                out.text("");
            }
            2 | 4 => {
                out.text(ROLE);
                out.text(IDP);
                if kind == 4 {
                    out.text("/token");
                }
                plain_session(out);
            }
            3 => out.text("https://h.example/"),
            5 => {
                out.text("");
                out.u8(0);
                out.text("");
            }
            6 => {
                out.text("");
                out.text("");
            }
            _ => {}
        }
    })
}

fn ask(rejected: bool) -> Vec<u8> {
    written(|out| {
        out.time(None);
        out.u8(operation::PROVIDE);
        out.u8(u8::from(rejected));
        out.text("cn-hangzhou");
        out.u8(0);
    })
}

/// The first effect's tag of a turn.
fn first(turn: &[u8]) -> Option<u8> {
    turn.get(8).copied()
}

#[test]
fn each_source_asks_for_what_it_needs_first() {
    const FETCH: u8 = 1;
    const PROVIDE: u8 = 3;
    const HOST: u8 = 8;
    for (kind, tag, name) in [
        (1, PROVIDE, "assume_role"),
        (2, PROVIDE, "oidc"),
        (3, FETCH, "credentials_uri"),
        (4, HOST, "oidc"),
        (5, FETCH, "ecs_ram_role"),
        (6, HOST, "profile"),
        (7, HOST, "default_chain"),
    ] {
        let mut session = Session::open(&description(kind)).unwrap();
        let status = written(|out| {
            out.time(None);
            out.u8(operation::STATUS);
        });
        let told = session.start(&status, false, 1.7e12, 0.0, &ENTROPY);
        assert!(told.ends_with(name.as_bytes()), "{kind}");
        let turn = session.start(&ask(false), false, 1.7e12, 0.0, &ENTROPY);
        // The time that the provider may take is an effect as well.
        let asked = turn.iter().skip(8).any(|byte| *byte == tag);
        assert!(asked && first(&turn).is_some(), "{kind}: {turn:?}");
    }
}

#[test]
fn a_description_that_is_cut_off_or_of_no_kind_is_refused() {
    for kind in 1..=6 {
        let whole = description(kind);
        for cut in 0..whole.len() {
            assert!(Session::open(&whole[..cut]).is_err(), "{kind}: {cut}");
        }
    }
    assert!(Session::open(&[0]).is_err() && Session::open(&[8]).is_err());
}

#[test]
fn an_operation_that_makes_no_sense_fails_and_names_nothing() {
    let mut session = Session::open(&description(1)).unwrap();
    for operation in [&[][..], &[0; 9], &ask(true)[..12]] {
        let turn = session.start(operation, false, 1.7e12, 0.0, &ENTROPY);
        let text = String::from_utf8_lossy(&turn);
        assert!(text.contains("do not fit together"), "{text}");
    }
}

proptest! {
    #[test]
    fn no_driver_makes_a_provider_panic(
        kind in 1..=7_u8,
        rejected in any::<bool>(),
        replies in prop::collection::vec((0..12_u32, prop::collection::vec(any::<u8>(), 0..40), any::<f64>()), 0..20),
    ) {
        let mut session = Session::open(&description(kind)).unwrap();
        let started = session.start(&ask(rejected), true, 1.7e12, 0.0, &ENTROPY);
        let op = Reader::new(&started).u32().unwrap();
        for (effect, reply, clock) in replies {
            drop(session.step(op, effect, &reply, clock, clock, &ENTROPY));
        }
        drop(session.cancel(op));
    }
}
