//! Names, version selectors, and a secret that shows nothing of itself.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;

fn record(value: SecretValue) -> Arc<Record> {
    Arc::new(Record {
        name: String::from("db/password"),
        version_id: String::from("v1"),
        version_stages: vec![String::from(ACS_CURRENT)],
        value,
        secret_type: SecretType::Generic,
        create_time: None,
        extended_config: Some(Sensitive::new(String::from("needle"))),
        automatic_rotation: None,
        rotation_interval: None,
        last_rotation_date: None,
        next_rotation_date: None,
        request_id: None,
        size: 0,
    })
}

fn text(value: &str) -> Secret {
    Secret::new(record(SecretValue::Text(Sensitive::new(value.to_owned()))), 0, false)
}

#[test]
fn a_name_is_taken_as_it_is_and_an_arn_apart() {
    for (name, plain, region) in [
        ("db/password", "db/password", None),
        ("密码/一", "密码/一", None),
        ("acs", "acs", None),
        ("arn:acs:kms", "arn:acs:kms", None),
        ("acs:kms:cn-hangzhou:1234567890:secret/db", "db", Some("cn-hangzhou")),
        ("acs:kms:cn-hangzhou:1:secret/a/b:c", "a/b:c", Some("cn-hangzhou")),
    ] {
        let parsed = SecretName::parse(name).expect(name);
        assert_eq!((parsed.as_str(), parsed.plain(), parsed.region()), (name, plain, region));
    }
}

#[test]
fn a_name_that_cannot_be_one_is_refused_with_the_reason() {
    let long = "x".repeat(193);
    let long_arn = ["acs:kms:cn-hangzhou:1:secret/", &long].concat();
    for (name, reason) in [
        ("", "is empty"),
        ("a\nb", "control character"),
        ("a\u{85}", "control character"),
        (&long, "192"),
        (&long_arn, "192"),
        ("acs:", "ARN"),
        ("acs:kms:cn-hangzhou:1:secret/", "ARN"),
        ("acs:kms:cn-hangzhou::secret/a", "ARN"),
        ("acs:kms:cn-hangzhou:one:secret/a", "ARN"),
        ("acs:kms::1:secret/a", "ARN"),
        ("acs:kms:CN/../:1:secret/a", "ARN"),
        ("acs:kms:cn-hangzhou:1:key/a", "ARN"),
        ("acs:ram:cn-hangzhou:1:secret/a", "ARN"),
    ] {
        let error = SecretName::parse(name).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
    // The longest of both forms; characters count, not bytes.
    assert!(SecretName::parse(&"密".repeat(192)).is_ok());
    assert!(
        SecretName::parse(&["acs:kms:cn-hangzhou:1:secret/", long.get(1..).unwrap_or_default()].concat())
            .is_ok()
    );
}

#[test]
fn a_version_is_named_by_stage_or_id_and_the_current_stage_is_the_default() {
    assert_eq!(VersionSelector::stage(ACS_CURRENT).unwrap(), VersionSelector::default());
    assert_eq!(VersionSelector::stage("Mine").unwrap(), VersionSelector::Stage("Mine".into()));
    assert_eq!(VersionSelector::id(ACS_CURRENT).unwrap(), VersionSelector::Id(ACS_CURRENT.into()));
    for bad in ["", "a\tb", &"x".repeat(65)] {
        for refused in [VersionSelector::stage(bad), VersionSelector::id(bad)] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Config);
        }
    }
    assert!(VersionSelector::id(&"x".repeat(64)).is_ok());
}

#[test]
fn every_type_is_written_as_it_is_read() {
    for name in ["Generic", "Rds", "Redis", "PolarDB", "RAMCredentials", "ECS", "", "generic", "Tomorrow"] {
        assert_eq!(SecretType::parse(name).as_str(), name);
    }
    let rotating = ["Rds", "Redis", "PolarDB", "RAMCredentials"];
    assert!(rotating.into_iter().all(|name| SecretType::parse(name).rotates_away()));
    assert!(!["Generic", "ECS", "rds", ""].into_iter().any(|name| SecretType::parse(name).rotates_away()));
}

#[test]
fn a_secret_prints_its_name_and_nothing_of_its_value() {
    let secret = text("needle");
    assert_eq!(secret.to_string(), "Secret(db/password)");
    assert!(!format!("{secret:?} {secret:#?} {:?}", secret.record()).contains("needle"));
    assert_eq!((secret.text().unwrap(), secret.bytes()), ("needle", &b"needle"[..]));
}

#[test]
fn a_binary_secret_has_bytes_and_no_text() {
    let value = SecretValue::Binary(Sensitive::new(vec![0, 255]));
    let secret = Secret::new(record(value), 5_000, true);
    assert_eq!(secret.text().unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!((secret.bytes(), secret.age(), secret.stale()), (&[0, 255][..], Duration::from_secs(5), true));
}

#[cfg(feature = "json")]
#[test]
fn a_value_that_is_no_json_is_not_quoted() {
    assert_eq!(text(r#"{"port":5432}"#).json::<serde_json::Value>().unwrap()["port"], 5432);
    for value in ["needle", "{\"a\":needle}", "\"needle", "{\"needle\":1}"] {
        let error = text(value).json::<u8>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(!format!("{error} {error:?}").contains("needle"), "{error}");
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}

proptest! {
    #[test]
    fn a_name_that_is_taken_is_whole_and_its_plain_part_is_its_end(
        name in prop_oneof![any::<String>(), "acs:kms:[a-z0-9-]{0,5}:[0-9a]{0,3}:secret/.{0,9}"],
    ) {
        let Ok(parsed) = SecretName::parse(&name) else { return Ok(()) };
        prop_assert_eq!(parsed.as_str(), &name);
        prop_assert!(name.ends_with(parsed.plain()) && !parsed.plain().is_empty());
        prop_assert!(parsed.plain().chars().count() <= MAX_NAME && !name.contains(char::is_control));
        match parsed.region() {
            Some(region) => {
                let start = ["acs:kms:", region, ":"].concat();
                prop_assert!(name.starts_with(&start));
            }
            None => prop_assert_eq!(parsed.plain(), &name),
        }
    }
}
