//! The KMS actions, as a client meets them.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the helpers of a test may panic as the test itself does"
)]

mod support;

use serde_json::{Value, json};
use simsim::Timestamp;
use simsim_emulator::{Emulator, SecretSeed};
use support::{emulator, kms, nonce, send};

fn ask(emulator: &Emulator, action: &str, params: &[(&str, &str)]) -> (u16, Value) {
    kms(action, &nonce(), params).call(emulator)
}

fn get(emulator: &Emulator, params: &[(&str, &str)]) -> (u16, Value) {
    ask(emulator, "GetSecretValue", params)
}

fn refused((status, body): (u16, Value)) -> (u16, String) {
    assert_eq!(body["HttpStatus"], status);
    assert!(body["RequestId"].is_string() && body["HostId"].is_string() && body["Recommend"].is_string());
    (status, body["Code"].as_str().unwrap().to_owned())
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_generic_secret_is_answered_with_nulls_in_its_managed_fields() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("app/db", "välue").version_id("v1"));
    for named in ["app/db", "acs:kms:cn-hangzhou:1234567890123456:secret/app/db"] {
        let (status, mut body) = get(&emulator, &[("SecretName", named), ("FetchExtendedConfig", "true")]);
        assert_eq!(status, 200);
        assert!(body["RequestId"].as_str().unwrap().len() == 36);
        body.as_object_mut().unwrap().remove("RequestId");
        let expected = json!({
            "SecretName": "app/db", "SecretData": "välue", "SecretDataType": "text", "SecretType": "Generic",
            "VersionId": "v1", "VersionStages": {"VersionStage": ["ACSCurrent"]},
            "CreateTime": "2026-01-02T03:04:05Z", "AutomaticRotation": null, "RotationInterval": null,
            "NextRotationDate": null, "LastRotationDate": null, "ExtendedConfig": null,
        });
        assert_eq!(body, expected);
    }
}

#[test]
fn a_managed_secret_tells_its_rotation_and_its_extended_config_on_request() {
    let (emulator, _) = emulator();
    let next = Timestamp::from_millis(support::START + 86_400_000);
    emulator.put_secret(
        SecretSeed::text("rds", "{}")
            .secret_type("Rds")
            .extended_config(r#"{"SecretSubType":"DoubleUsers"}"#)
            .rotation_interval("604800s")
            .next_rotation(next),
    );
    let (_, body) = get(&emulator, &[("SecretName", "rds"), ("FetchExtendedConfig", "True")]);
    assert_eq!(body["ExtendedConfig"], r#"{"SecretSubType":"DoubleUsers"}"#);
    assert_eq!(
        (&body["AutomaticRotation"], &body["RotationInterval"]),
        (&"Enabled".into(), &"604800s".into())
    );
    assert_eq!(
        (&body["NextRotationDate"], &body["LastRotationDate"]),
        (&"2026-01-03T03:04:05Z".into(), &Value::Null)
    );
    let (_, body) = get(&emulator, &[("SecretName", "rds"), ("VersionId", "ignored for managed types")]);
    assert_eq!((&body["SecretType"], &body["ExtendedConfig"]), (&"Rds".into(), &Value::Null));
    assert_eq!(
        refused(get(&emulator, &[("SecretName", "rds"), ("VersionStage", "mine")])),
        error(400, "InvalidParameter")
    );
    emulator.rotate("rds", "{\"new\":1}");
    let (_, body) = get(&emulator, &[("SecretName", "rds")]);
    assert_eq!(
        (&body["LastRotationDate"], &body["NextRotationDate"]),
        (&"2026-01-02T03:04:05Z".into(), &"2026-01-09T03:04:05Z".into())
    );
    let (_, body) = get(&emulator, &[("SecretName", "rds"), ("VersionStage", "ACSPrevious")]);
    assert_eq!(body["SecretData"], "{}");
}

#[test]
fn a_binary_secret_travels_as_base64() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::binary("bin", [0, 255, 1]));
    let (_, body) = get(&emulator, &[("SecretName", "bin")]);
    assert_eq!((&body["SecretData"], &body["SecretDataType"]), (&"AP8B".into(), &"binary".into()));
}

#[test]
fn rotation_moves_the_stages_and_versions_are_found_by_id_and_stage() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "one").version_id("v1"));
    let second = emulator.rotate("s", "two");
    assert_eq!(emulator.rotate("no such secret", "x"), "");
    let value = |params: &[(&str, &str)]| get(&emulator, params).1["SecretData"].clone();
    assert_eq!(value(&[("SecretName", "s")]), "two");
    assert_eq!(value(&[("SecretName", "s"), ("VersionStage", "ACSPrevious")]), "one");
    assert_eq!(value(&[("SecretName", "s"), ("VersionId", "v1")]), "one");
    assert_eq!(value(&[("SecretName", "s"), ("VersionId", &second), ("VersionStage", "ACSCurrent")]), "two");
    let both = [("SecretName", "s"), ("VersionId", "v1"), ("VersionStage", "ACSCurrent")];
    assert_eq!(refused(get(&emulator, &both)), error(404, "Forbidden.ResourceNotFound"));
    assert_eq!(
        refused(get(&emulator, &[("SecretName", "s"), ("VersionId", "v9")])),
        error(404, "Forbidden.ResourceNotFound")
    );
}

#[test]
fn a_secret_that_may_not_or_cannot_be_read_says_why() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "v"));
    let ask = || get(&emulator, &[("SecretName", "s")]);
    emulator.deny("s");
    assert_eq!(refused(ask()), error(403, "Forbidden.NoPermission"));
    emulator.allow("s");
    assert_eq!(ask().0, 200);
    emulator.disable("s");
    assert_eq!(refused(ask()), error(409, "Rejected.Disabled"));
    emulator.schedule_deletion("s");
    assert_eq!(refused(ask()), error(409, "Rejected.PendingDeletion"));
    emulator.restore("s");
    assert_eq!(ask().0, 200);
    emulator.remove_secret("s");
    assert_eq!(refused(ask()), error(404, "Forbidden.ResourceNotFound"));
    assert_eq!(refused(get(&emulator, &[])), error(400, "MissingParameter"));
    assert_eq!(refused(get(&emulator, &[("SecretName", "not a name")])), error(400, "InvalidParameter"));
    assert_eq!(
        refused(get(&emulator, &[("SecretName", "s"), ("FetchExtendedConfig", "1")])),
        error(400, "InvalidParameter")
    );
}

#[test]
fn a_dry_run_never_succeeds() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "v"));
    let dry = |name: &str| refused(get(&emulator, &[("SecretName", name), ("DryRun", "true")]));
    assert_eq!(dry("s"), error(400, "DryRunOperationError"));
    assert_eq!(dry("nothing"), error(400, "ValidationError"));
    emulator.deny("s");
    assert_eq!(dry("s"), error(403, "AccessDeniedError"));
    assert_eq!(emulator.reads_answered(), 0);
}

#[test]
fn a_batch_answers_values_and_failures_together() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("a", "1"));
    emulator.put_secret(SecretSeed::text("b", "2"));
    emulator.deny("b");
    let (status, body) = ask(&emulator, "BatchGetSecretValue", &[("SecretNames", r#"["a","b","c"]"#)]);
    assert_eq!(status, 200);
    assert_eq!(body["SecretValues"]["SecretValue"][0]["SecretData"], "1");
    let failed = &body["FailedSecrets"]["FailedSecret"];
    assert_eq!(
        (&failed[0]["SecretName"], &failed[0]["Code"]),
        (&"b".into(), &"Forbidden.NoPermission".into())
    );
    assert_eq!((&failed[1]["SecretName"], &failed[1]["HttpStatus"]), (&"c".into(), &404.into()));
    let list =
        r#"[{"SecretName":"a","VersionStage":"ACSCurrent","FetchExtendedConfig":true},{"SecretName":"c"}]"#;
    let (_, body) = ask(&emulator, "BatchGetSecretValue", &[("SecretsList", list)]);
    assert!(body["SecretValues"][0]["RequestId"].is_string() && body["RequestId"].is_string());
    assert_eq!(
        (&body["SecretValues"][0]["SecretData"], &body["Errors"][0]["Code"]),
        (&"1".into(), &"Forbidden.ResourceNotFound".into())
    );
    let many = serde_json::to_string(&vec!["a"; 21]).unwrap();
    for (parameter, list) in [
        ("SecretNames", many.as_str()),
        ("SecretNames", "[]"),
        ("SecretNames", "a"),
        ("SecretsList", r#"["a"]"#),
    ] {
        assert_eq!(
            refused(ask(&emulator, "BatchGetSecretValue", &[(parameter, list)])),
            error(400, "InvalidParameter")
        );
    }
    assert_eq!(emulator.log()[0].secret.as_deref(), Some("a,b,c"));
}

#[test]
fn a_secret_is_created_changed_and_listed() {
    let (emulator, _) = emulator();
    let created = [("SecretName", "new"), ("VersionId", "v1"), ("SecretData", "one")];
    let (status, body) = ask(&emulator, "CreateSecret", &created);
    assert_eq!((status, &body["Arn"]), (200, &"acs:kms:cn-hangzhou:1234567890123456:secret/new".into()));
    assert_eq!(refused(ask(&emulator, "CreateSecret", &created)), error(409, "Rejected.ResourceExist"));
    let put = [("SecretName", "new"), ("VersionId", "v2"), ("SecretData", "two")];
    let (status, body) = ask(&emulator, "PutSecretValue", &put);
    assert_eq!((status, &body["VersionStages"]["VersionStage"]), (200, &json!(["ACSCurrent"])));
    assert_eq!(ask(&emulator, "PutSecretValue", &put).0, 200);
    let other = [("SecretName", "new"), ("VersionId", "v2"), ("SecretData", "three")];
    assert_eq!(refused(ask(&emulator, "PutSecretValue", &other)), error(409, "Rejected.ResourceExist"));
    let staged =
        [("SecretName", "new"), ("VersionId", "v3"), ("SecretData", "3"), ("VersionStages", r#"["mine"]"#)];
    assert_eq!(ask(&emulator, "PutSecretValue", &staged).0, 200);
    assert_eq!(get(&emulator, &[("SecretName", "new"), ("VersionStage", "mine")]).1["SecretData"], "3");
    let moved = [
        ("SecretName", "new"),
        ("VersionStage", "ACSCurrent"),
        ("MoveToVersion", "v3"),
        ("RemoveFromVersion", "v2"),
    ];
    assert_eq!(ask(&emulator, "UpdateSecretVersionStage", &moved).0, 200);
    let (_, body) =
        ask(&emulator, "ListSecretVersionIds", &[("SecretName", "new"), ("IncludeDeprecated", "true")]);
    let listed: Vec<_> = body["VersionIds"]["VersionId"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v["VersionId"].clone(), v["VersionStages"]["VersionStage"].clone()))
        .collect();
    assert_eq!(
        listed,
        [
            ("v1".into(), json!([])),
            ("v2".into(), json!(["ACSPrevious"])),
            ("v3".into(), json!(["mine", "ACSCurrent"]))
        ]
    );
    let (_, body) = ask(
        &emulator,
        "ListSecretVersionIds",
        &[("SecretName", "new"), ("PageSize", "1"), ("PageNumber", "2")],
    );
    assert_eq!(
        (&body["TotalCount"], &body["VersionIds"]["VersionId"][0]["VersionId"]),
        (&2.into(), &"v3".into())
    );
}

#[test]
fn a_created_secret_that_rotates_tells_its_interval_in_seconds_and_when_it_is_due() {
    let (emulator, _) = emulator();
    let create = |interval: &str| {
        let new = [("SecretName", "new"), ("VersionId", "v1"), ("SecretData", "one"), ("SecretType", "Rds")];
        let more = [("EnableAutomaticRotation", "true"), ("RotationInterval", interval)];
        ask(&emulator, "CreateSecret", &[&new[..], &more].concat())
    };
    for wrong in ["", "7", "d", "-7d", "5h", "366d", "weekly", "7ü", "99999999999999999999d"] {
        let expected = if wrong.is_empty() { "MissingParameter" } else { "InvalidParameter" };
        assert_eq!(refused(create(wrong)), error(400, expected), "{wrong}");
    }
    assert_eq!(create("7d").0, 200);
    let (_, body) = get(&emulator, &[("SecretName", "new")]);
    assert_eq!(
        (&body["AutomaticRotation"], &body["RotationInterval"], &body["NextRotationDate"]),
        (&"Enabled".into(), &"604800s".into(), &"2026-01-09T03:04:05Z".into())
    );
}

#[test]
fn what_the_service_would_not_store_is_refused() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "v").version_id("v1"));
    emulator.put_secret(SecretSeed::text("rds", "v").secret_type("Rds"));
    let put = |more: &[(&str, &str)]| {
        refused(ask(&emulator, "PutSecretValue", &[&[("SecretName", "s")], more].concat()))
    };
    let long = "x".repeat(30_721);
    assert_eq!(put(&[("VersionId", "v2"), ("SecretData", &long)]), error(400, "InvalidParameter"));
    assert_eq!(
        put(&[("VersionId", "v2"), ("SecretData", "!"), ("SecretDataType", "binary")]),
        error(400, "InvalidParameter")
    );
    assert_eq!(put(&[("VersionId", "v2")]), error(400, "MissingParameter"));
    assert_eq!(
        put(&[("VersionId", "v2"), ("SecretData", "x"), ("VersionStages", "ACSCurrent")]),
        error(400, "InvalidParameter")
    );
    let managed = [("SecretName", "rds"), ("VersionId", "v2"), ("SecretData", "x")];
    assert_eq!(
        refused(ask(&emulator, "PutSecretValue", &managed)),
        error(400, "Rejected.UnsupportedOperation")
    );
    let stage = |more: &[(&str, &str)]| {
        refused(ask(
            &emulator,
            "UpdateSecretVersionStage",
            &[&[("SecretName", "s"), ("VersionStage", "ACSCurrent")], more].concat(),
        ))
    };
    assert_eq!(stage(&[("MoveToVersion", "v9")]), error(404, "Forbidden.ResourceNotFound"));
    assert_eq!(stage(&[("RemoveFromVersion", "v1")]), error(400, "InvalidParameter"));
    assert_eq!(stage(&[]), error(400, "MissingParameter"));
}

#[test]
fn accounts_and_regions_are_kept_apart() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("theirs", "v").account("9876543210987654"));
    emulator.put_secret(SecretSeed::text("north", "v").region("cn-beijing"));
    assert_eq!(refused(get(&emulator, &[("SecretName", "theirs")])).0, 404);
    let arn = "acs:kms:cn-hangzhou:9876543210987654:secret/theirs";
    assert_eq!(get(&emulator, &[("SecretName", arn)]).1["SecretName"], "theirs");
    assert_eq!(
        refused(get(&emulator, &[("SecretName", "acs:kms:cn-beijing:9876543210987654:secret/theirs")])).0,
        404
    );
    assert_eq!(refused(get(&emulator, &[("SecretName", "north")])).0, 404);
    let mut north = kms("GetSecretValue", &nonce(), &[("SecretName", "north")]);
    north.host = "kms-vpc.cn-beijing.aliyuncs.com".to_owned();
    assert_eq!(north.call(&emulator).0, 200);
}

#[test]
fn an_unknown_action_version_path_or_host_is_not_found() {
    let (emulator, _) = emulator();
    let not_found = error(404, "InvalidAction.NotFound");
    assert_eq!(refused(ask(&emulator, "DeleteEverything", &[])), not_found);
    let mut draft = kms("GetSecretValue", &nonce(), &[("SecretName", "s")]);
    draft.version = "2015-04-01";
    assert_eq!(refused(draft.call(&emulator)), not_found);
    draft.version = "2016-01-20";
    draft.host = "sts.aliyuncs.com".to_owned();
    draft.nonce = nonce();
    assert_eq!(refused(draft.call(&emulator)), not_found);
}

#[test]
fn an_rpc_call_gets_xml_unless_it_asks_for_json() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "a<b"));
    let text = |name: &str, extra: &[(&str, &str)]| {
        let response =
            send(&emulator, kms("GetSecretValue", &nonce(), &[("SecretName", name)]).rpc(extra)).unwrap();
        (
            response.header("content-type").unwrap().to_owned(),
            String::from_utf8(response.body().to_vec()).unwrap(),
        )
    };
    let (media, body) = text("s", &[("Format", "XML")]);
    assert_eq!(media, "text/xml;charset=utf-8");
    assert!(
        body.contains("<GetSecretValueResponse>") && body.contains("<SecretData>a&lt;b</SecretData>"),
        "{body}"
    );
    assert!(
        body.contains("<VersionStages><VersionStage>ACSCurrent</VersionStage></VersionStages>"),
        "{body}"
    );
    let (_, body) = text("none", &[]);
    assert!(body.contains("<KMS><Code>Forbidden.ResourceNotFound</Code>"), "{body}");
    let (media, _) = text("s", &[("Format", "json")]);
    assert_eq!(media, "application/json;charset=utf-8");
}

#[test]
fn nothing_that_is_kept_or_printed_holds_a_value() {
    let (emulator, _) = emulator();
    let seed = SecretSeed::text("s", "needle-4711").extended_config("needle-4712");
    assert!(!format!("{seed:?}").contains("needle"));
    emulator.put_secret(seed);
    emulator.add_session("STS.x", "needle-4713", "needle-4714", None);
    get(&emulator, &[("SecretName", "s")]);
    get(&emulator, &[("SecretName", "needle 4715")]);
    ask(
        &emulator,
        "PutSecretValue",
        &[("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "needle-4716")],
    );
    let kept = format!("{emulator:?} {:?}", emulator.log());
    assert!(kept.contains("GetSecretValue") && !kept.contains("needle"), "{kept}");
}
