//! Sections of the INI file, good and bad.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;
use proptest::prelude::*;

const PATH: &str = "/home/user/.alibabacloud/credentials";
const KEYS: &str = "access_key_id = LTAIneedle\naccess_key_secret = needle=secret==\n";

fn plan(content: &str, wanted: Option<&str>) -> Plan {
    match read(content.as_bytes(), PATH, wanted) {
        Ok(Found::Plan(plan, _)) => *plan,
        Ok(Found::Nothing(why)) => panic!("{why}"),
        Err(error) => panic!("{error}"),
    }
}

fn nothing(content: &str, wanted: Option<&str>) -> String {
    match read(content.as_bytes(), PATH, wanted) {
        Ok(Found::Nothing(why)) => why,
        _ => panic!("it was found"),
    }
}

fn fault(content: &[u8]) -> String {
    let Err(error) = read(content, PATH, None) else { panic!("it was accepted") };
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    let text = format!("{error}");
    assert!(text.contains(PATH) && !text.contains("needle"), "{text}");
    text
}

#[test]
fn every_type_becomes_what_it_asks_for() {
    let Plan::Keys(keys) = plan(&format!("[default]\ntype = access_key\n{KEYS}"), None) else {
        panic!("no keys")
    };
    assert_eq!((keys.access_key_id(), keys.access_key_secret()), ("LTAIneedle", "needle=secret=="));
    let Plan::Ecs { role_name, .. } = plan("[default]\ntype=ecs_ram_role\nrole_name=r", None) else {
        panic!("not ECS")
    };
    assert_eq!(role_name.as_deref(), Some("r"));
    assert!(matches!(plan("[default]\ntype=ecs_ram_role\n", None), Plan::Ecs { role_name: None, .. }));
    let role = "role_arn = acs:ram::1:role/r\nrole_session_name = s\npolicy = {\"a\": 1}\n";
    let content = format!("[default]\ntype = ram_role_arn\n{KEYS}{role}");
    let Plan::Role { source, role: found, external_id: None } = plan(&content, None) else {
        panic!("no role")
    };
    assert!(matches!(*source, Plan::Keys(_)));
    assert_eq!((found.arn.as_str(), found.session_name.as_deref()), ("acs:ram::1:role/r", Some("s")));
    assert_eq!(found.policy.as_deref(), Some("{\"a\": 1}"));
    let token = "oidc_provider_arn = acs:ram::1:oidc-provider/p\noidc_token_file_path = /t\n";
    let content = format!("[default]\ntype = oidc_role_arn\n{token}{role}");
    assert!(matches!(plan(&content, None), Plan::Oidc { token_file, .. } if token_file == "/t"));
}

#[test]
fn sections_comments_and_line_ends_are_read_as_they_are_written() {
    let content = format!(
        "\u{feff}# comment\r\n; comment\r\nloose = line\r\n[other]\r\nbroken line needle\r\n\
         [ default ]\r\ntype = needle\r\ntype = access_key\r\n{KEYS}[third]\r\ntype = ecs_ram_role\r\n"
    );
    assert!(matches!(plan(&content, None), Plan::Keys(_)));
    assert!(matches!(plan(&content, Some("third")), Plan::Ecs { .. }));
    assert!(nothing(&content, Some("fourth")).contains("fourth"));
    assert!(nothing("", None).contains("default"));
}

#[test]
fn a_section_that_is_switched_off_is_not_there() {
    for word in ["false", "False", "FALSE"] {
        let why = nothing(&format!("[default]\nenable = {word}\ntype = needle"), None);
        assert!(why.contains(PATH) && why.contains("enable") && !why.contains("needle"), "{why}");
    }
    assert!(matches!(plan("[default]\nenable = true\ntype = ecs_ram_role", None), Plan::Ecs { .. }));
}

#[test]
fn what_is_wrong_is_told_by_file_section_and_key() {
    for (body, key) in [
        (KEYS.to_owned(), "type"),
        ("type = needle".to_owned(), "type"),
        ("type = rsa_key_pair\nprivate_key_file = needle".to_owned(), "type"),
        ("type = access_key\naccess_key_secret = needle".to_owned(), "access_key_id"),
        ("type = access_key\naccess_key_id = needle\naccess_key_secret =".to_owned(), "access_key_secret"),
        (
            "type = access_key\naccess_key_id = x\naccess_key_secret = a needle".to_owned(),
            "access_key_secret",
        ),
        ("type = access_key\naccess_key_id = a needle\naccess_key_secret = x".to_owned(), "access_key_id"),
        (format!("type = ram_role_arn\n{KEYS}"), "role_arn"),
        ("type = oidc_role_arn".to_owned(), "oidc_provider_arn"),
        ("type = oidc_role_arn\noidc_provider_arn = needle".to_owned(), "oidc_token_file_path"),
    ] {
        let text = fault(format!("[default]\n{body}\n").as_bytes());
        assert!(text.contains(&format!(", section default: {key}: ")), "{body}: {text}");
    }
    assert!(fault(b"[default]\ntype = access_key\nneedle\n").contains("line 3: "));
    assert!(fault(b"\n[needle\n").contains("line 2: "));
    assert!(fault(b"[default]\n\xff").contains("UTF-8"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(content in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(read(&content, PATH, None));
    }

    #[test]
    fn no_lines_make_it_panic(lines in prop::collection::vec(
        "(\\[default\\]|\\[|\\]|type ?= ?(access_key|ecs_ram_role|ram_role_arn|oidc_role_arn)|role_arn=x|=|a=b|#|;)", 0..12,
    )) {
        drop(read(lines.join("\n").as_bytes(), PATH, None));
    }
}
