//! Profiles of the CLI, good and bad.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;
use proptest::prelude::*;

const PATH: &str = "/home/user/.aliyun/config.json";
const KEYS: &str = r#""access_key_id": "LTAIneedle", "access_key_secret": "needle-secret""#;
const ROLE: &str = r#""ram_role_arn": "acs:ram::1234567890123456:role/app""#;

/// A file with these profiles, the first of them current.
fn file(profiles: &[(&str, &str)]) -> String {
    let first = profiles.first().map_or("", |(name, _)| name);
    let profiles: Vec<_> =
        profiles.iter().map(|(name, fields)| format!(r#"{{"name": "{name}", {fields}}}"#)).collect();
    format!(r#"{{"current": "{first}", "profiles": [{}], "meta_path": ""}}"#, profiles.join(","))
}

fn plan(content: &str, wanted: Option<&str>) -> Plan {
    match read(content.as_bytes(), PATH, wanted) {
        Ok(Found::Plan(plan, place)) => {
            assert!(place.starts_with(PATH), "{place}");
            *plan
        }
        Ok(Found::Nothing(why)) => panic!("{why}"),
        Err(error) => panic!("{error}"),
    }
}

/// The error of a file, which names the file and quotes nothing.
fn fault(content: &[u8]) -> String {
    let Err(error) = read(content, PATH, None) else { panic!("it was accepted") };
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    let text = format!("{error}");
    assert!(text.contains(PATH) && !text.contains("needle"), "{text}");
    text
}

fn one(fields: &str) -> String {
    fault(file(&[("main", fields)]).as_bytes())
}

#[test]
fn every_mode_becomes_what_it_asks_for() {
    let keys = |fields: &str| match plan(&file(&[("main", fields)]), None) {
        Plan::Keys(keys) => keys,
        _ => panic!("no keys"),
    };
    let ak = keys(&format!(r#""mode": "AK", {KEYS}, "sts_token": "", "ram_role_arn": """#));
    assert_eq!((ak.access_key_secret(), ak.security_token()), ("needle-secret", None));
    let sts = keys(&format!(r#""mode": "StsToken", {KEYS}, "sts_token": "t""#));
    assert_eq!(sts.security_token(), Some("t"));
    let fields = r#""mode": "EcsRamRole", "ram_role_name": "r""#;
    let Plan::Ecs { role_name, .. } = plan(&file(&[("main", fields)]), None) else { panic!("not ECS") };
    assert_eq!(role_name.as_deref(), Some("r"));
    let fields = r#""mode": "External", "process_command": "acs-sso 'a b'""#;
    let Plan::External(argv) = plan(&file(&[("main", fields)]), None) else { panic!("not External") };
    assert_eq!(argv, ["acs-sso", "a b"]);
    let provider = r#""oidc_provider_arn": "acs:ram::1:oidc-provider/p", "oidc_token_file": "/t""#;
    let fields = format!(r#""mode": "OIDC", {provider}, {ROLE}, "ram_session_name": "s""#);
    let Plan::Oidc { provider_arn, token_file, role } = plan(&file(&[("main", &fields)]), None) else {
        panic!("not OIDC")
    };
    assert_eq!((provider_arn.as_str(), token_file.as_str()), ("acs:ram::1:oidc-provider/p", "/t"));
    assert_eq!(role.session_name.as_deref(), Some("s"));
}

#[test]
fn a_role_takes_every_field_and_a_chain_keeps_those_of_each_link() {
    let last = format!(
        r#""mode": "ChainableRamRoleArn", "source_profile": "first", {ROLE}, "policy": "{{}}", "external_id": "e2"#
    ) + r#"", "sts_endpoint": "sts.example.com", "enable_vpc": true, "expired_seconds": 900"#;
    let first = format!(
        r#""mode": "RamRoleArn", {KEYS}, "sts_token": "t", {ROLE}, "ram_session_name": "n", "sts_region": "cn-shanghai""#
    ) + r#", "expired_seconds": 0, "external_id": "e1", "enable_vpc": null"#;
    let content = file(&[("last", &last), ("first", &first)]);
    let Plan::Role { source, role, external_id } = plan(&content, None) else { panic!("no role") };
    assert_eq!(external_id.as_deref(), Some("e2"));
    assert_eq!((role.policy.as_deref(), role.endpoint.as_deref()), (Some("{}"), Some("sts.example.com")));
    assert_eq!((role.vpc, role.duration), (true, Some(Duration::from_secs(900))));
    let Plan::Role { source, role, external_id } = *source else { panic!("no role behind it") };
    assert_eq!((external_id.as_deref(), role.region.as_deref()), (Some("e1"), Some("cn-shanghai")));
    assert_eq!((role.vpc, role.duration, role.session_name.as_deref()), (false, None, Some("n")));
    assert!(matches!(*source, Plan::Keys(keys) if keys.security_token() == Some("t")));
}

#[test]
fn a_profile_that_is_wanted_and_not_there_is_not_configured_but_a_current_one_is_broken() {
    let content =
        file(&[("main", &format!(r#""mode": "AK", {KEYS}"#)), ("other", r#""mode": "EcsRamRole""#)]);
    assert!(matches!(plan(&content, Some("other")), Plan::Ecs { role_name: None, .. }));
    let Ok(Found::Nothing(why)) = read(content.as_bytes(), PATH, Some("third")) else { panic!("found") };
    assert!(why.contains(PATH) && why.contains("third"), "{why}");
    assert!(fault(br#"{"current": "x", "profiles": []}"#).contains("current: "));
    assert!(fault(br#"{"profiles": []}"#).contains("current: "));
}

#[test]
fn what_is_wrong_is_told_by_file_profile_and_field() {
    let role = |more: &str| format!(r#""mode": "RamRoleArn", {KEYS}, {ROLE}, {more}"#);
    for (fields, field) in [
        (r#""mode": "AK", "access_key_secret": "needle""#.to_owned(), "access_key_id"),
        (r#""mode": "AK", "access_key_id": "needle""#.to_owned(), "access_key_secret"),
        (r#""mode": "AK", "access_key_id": 7, "access_key_secret": "needle""#.to_owned(), "access_key_id"),
        (
            r#""mode": "AK", "access_key_id": "a b", "access_key_secret": "needle""#.to_owned(),
            "access_key_id",
        ),
        (
            r#""mode": "AK", "access_key_id": "a", "access_key_secret": "needle\n""#.to_owned(),
            "access_key_secret",
        ),
        (format!(r#""mode": "StsToken", {KEYS}"#), "sts_token"),
        (format!(r#""mode": "StsToken", {KEYS}, "sts_token": "needle needle""#), "sts_token"),
        (format!(r#""mode": "RamRoleArn", {KEYS}"#), "ram_role_arn"),
        (role(r#""expired_seconds": "needle""#), "expired_seconds"),
        (role(r#""expired_seconds": -1"#), "expired_seconds"),
        (role(r#""enable_vpc": "needle""#), "enable_vpc"),
        (role(r#""policy": {"needle": 1}"#), "policy"),
        (r#""mode": "External""#.to_owned(), "process_command"),
        (r#""mode": "External", "process_command": "a 'needle""#.to_owned(), "process_command"),
        (r#""mode": "OIDC""#.to_owned(), "oidc_provider_arn"),
        (format!(r#""mode": "ChainableRamRoleArn", {ROLE}"#), "source_profile"),
        (r#""mode": "ChainableRamRoleArn", "source_profile": "needle""#.to_owned(), "source_profile"),
        (r#""mode": "needle""#.to_owned(), "mode"),
        (r#""mode": """#.to_owned(), "mode"),
        (KEYS.to_owned(), "mode"),
        (r#""mode": 5"#.to_owned(), "mode"),
    ] {
        let text = one(&fields);
        assert!(text.contains(&format!(", profile main: {field}: ")), "{fields}: {text}");
    }
}

#[test]
fn a_mode_that_is_not_supported_says_what_to_do_in_its_place() {
    for mode in ["CloudSSO", "OAuth", "RsaKeyPair", "RamRoleArnWithEcs", "CredentialsURI"] {
        let text = one(&format!(r#""mode": "{mode}", "access_token": "needle""#));
        assert!(text.contains(&format!("mode: {mode} is not supported yet; ")), "{text}");
    }
}

#[test]
fn a_circle_of_profiles_is_told_and_so_is_an_endless_chain() {
    let link = |to: &str| format!(r#""mode": "ChainableRamRoleArn", "source_profile": "{to}", {ROLE}"#);
    assert!(one(&link("main")).contains("source_profile: leads back"));
    let content = file(&[("a", &link("b")), ("b", &link("c")), ("c", &link("a"))]);
    assert!(fault(content.as_bytes()).contains("profile a: source_profile: leads back"));
    let links: Vec<_> = (0..20).map(|n| (n.to_string(), link(&(n + 1).to_string()))).collect();
    let links: Vec<_> = links.iter().map(|(name, link)| (name.as_str(), link.as_str())).collect();
    assert!(fault(file(&links).as_bytes()).contains("too many"));
}

#[test]
fn what_is_no_such_file_is_refused_unquoted() {
    for content in [
        &b""[..],
        b"needle",
        b"{\"current\": \"x\", \"profiles\": [{\"access_key_secret\": \"needle\"",
        b"[]",
        b"{\"current\": \"x\"}",
        b"{\"current\": \"x\", \"profiles\": {\"needle\": 1}}",
        b"\xff\xfe",
    ] {
        fault(content);
    }
    let with_mark = [b"\xef\xbb\xbf", file(&[("main", r#""mode": "EcsRamRole""#)]).as_bytes()].concat();
    assert!(matches!(read(&with_mark, PATH, None), Ok(Found::Plan(..))));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(content in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(read(&content, PATH, None));
    }

    #[test]
    fn no_fields_make_it_panic(
        mode in "(AK|StsToken|RamRoleArn|EcsRamRole|OIDC|ChainableRamRoleArn|External|x)",
        fields in prop::collection::vec(
            ("(access_key_id|sts_token|ram_role_arn|expired_seconds|enable_vpc|source_profile|process_command)",
             "(null|true|0|900|\"main\"|\"a 'b\"|\"\"|\\{\\}|\\[1\\])"), 0..8),
    ) {
        let fields: String = fields.iter().map(|(name, value)| format!(r#", "{name}": {value}"#)).collect();
        if let Err(error) = read(file(&[("main", &format!(r#""mode": "{mode}"{fields}"#))]).as_bytes(), PATH, None) {
            prop_assert!(error.to_string().contains(PATH));
        }
    }
}
