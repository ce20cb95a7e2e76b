//! Profiles and programs as sources: what each mode sends, what is read again, and how bad ones are told.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_ID, KEY_SECRET, Machine, TOKEN, World, minutes, seconds, shown};
use simsim::credentials::{External, Host, HostError, IniProfile, Profile, ProvideCredentials};
use simsim::runtime::Runtime;
use simsim::{Client, Error, ErrorKind};
use simsim_emulator::{InstanceRole, OidcProvider};

scenarios![
    keys_and_sessions_of_a_profile_are_signed_with,
    a_profile_of_a_role_assumes_it_and_a_chain_assumes_one_after_the_other,
    a_chain_asks_for_its_inner_session_once,
    a_token_file_is_read_again_for_every_session,
    the_profile_that_is_wanted_is_the_one_that_counts,
    a_profile_that_changes_is_noticed_and_the_file_is_never_written,
    an_ini_section_does_what_its_type_says,
    a_program_gives_keys_for_every_call_or_a_session_that_is_kept,
    a_program_that_fails_is_told_without_its_output,
    a_program_that_never_ends_is_given_up,
    a_file_that_cannot_be_read_is_told_by_its_name,
    a_parameter_that_sts_would_refuse_is_told_by_file_and_profile,
];

const CLI: &str = "/home/user/.aliyun/config.json";
const INI: &str = "/home/user/.alibabacloud/credentials";
const ROLE: &str = "acs:ram::1234567890123456:role/reader";
const SECOND: &str = "acs:ram::1234567890123456:role/second";
const PROVIDER: &str = "acs:ram::1234567890123456:oidc-provider/ack";

fn keys() -> String {
    format!(r#""access_key_id": "{KEY_ID}", "access_key_secret": "{KEY_SECRET}", "sts_token": "{TOKEN}""#)
}

fn file(profiles: &[(&str, String)]) -> String {
    let all: Vec<_> = profiles.iter().map(|(name, f)| format!(r#"{{"name": "{name}", {f}}}"#)).collect();
    format!(r#"{{"current": "{}", "profiles": [{}]}}"#, profiles[0].0, all.join(","))
}

fn client(w: &World, source: impl ProvideCredentials) -> Client {
    w.bare().credentials(source).no_cache().build().unwrap()
}

fn profile(w: &World, machine: &Machine, profiles: &[(&str, String)]) -> Client {
    machine.write(CLI, file(profiles));
    client(w, Profile::new(w.host(machine)))
}

async fn refused(w: &World, client: &Client) -> Error {
    let error = w.read(client, "db/password").await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(!shown(&error).contains("needle") && !cause.contains("needle"), "{error}: {cause}");
    error
}

async fn keys_and_sessions_of_a_profile_are_signed_with(w: World) {
    let machine = Machine::new();
    let client = profile(&w, &machine, &[("main", format!(r#""mode": "StsToken", {}"#, keys()))]);
    w.text(&client, "db/password").await;
    assert_eq!(client.status().credential_source, "profile");
    w.kms.add_access_key("LTAIplain", "needle-plain");
    let plain = r#""mode": "AK", "access_key_id": "LTAIplain", "access_key_secret": "needle-plain""#;
    machine.write(CLI, file(&[("main", plain.to_owned())]));
    w.text(&client, "db/password").await;
    assert_eq!(w.kms.log().last().unwrap().access_key_id, "LTAIplain", "read again");
}

async fn a_profile_of_a_role_assumes_it_and_a_chain_assumes_one_after_the_other(w: World) {
    for role in [ROLE, SECOND] {
        w.kms.add_role(role);
    }
    let machine = Machine::new();
    let first = format!(
        r#""mode": "RamRoleArn", {}, "ram_role_arn": "{ROLE}", "sts_region": "cn-shanghai", "expired_seconds": 1800"#,
        keys()
    );
    let last = format!(
        r#""mode": "ChainableRamRoleArn", "source_profile": "first", "ram_role_arn": "{SECOND}", "ram_session_name": "s2""#
    );
    let client = profile(&w, &machine, &[("last", last), ("first", first)]);
    w.text(&client, "db/password").await;
    let log = w.kms.log();
    let [one, two, kms] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!((one.action.as_str(), one.host.as_str()), ("AssumeRole", "sts.cn-shanghai.aliyuncs.com"));
    assert_eq!((two.action.as_str(), two.host.as_str()), ("AssumeRole", "sts.cn-hangzhou.aliyuncs.com"));
    assert!(
        one.access_key_id == KEY_ID && two.access_key_id != KEY_ID && kms.access_key_id != two.access_key_id
    );
    let body = String::from_utf8(w.wire.sent()[1].body.clone()).unwrap();
    assert!(body.contains("RoleSessionName=s2"), "{body}");
}

async fn a_chain_asks_for_its_inner_session_once(w: World) {
    for role in [ROLE, SECOND] {
        w.kms.add_role(role);
    }
    let machine = Machine::new();
    let first = format!(r#""mode": "RamRoleArn", {}, "ram_role_arn": "{ROLE}""#, keys());
    let last = format!(
        r#""mode": "ChainableRamRoleArn", "source_profile": "first", "ram_role_arn": "{SECOND}", "expired_seconds": 900"#
    );
    let client = profile(&w, &machine, &[("last", last), ("first", first)]);
    w.text(&client, "db/password").await;
    assert_eq!(w.kms.calls("AssumeRole"), 2);
    w.pass(minutes(16)).await;
    w.text(&client, "db/password").await;
    assert_eq!(w.kms.calls("AssumeRole"), 3, "the session of the source still serves");
    machine.write(CLI, format!("{} ", String::from_utf8(machine_file(&machine).await).unwrap()));
    w.pass(minutes(16)).await;
    w.text(&client, "db/password").await;
    assert_eq!(w.kms.calls("AssumeRole"), 4, "white space is no other configuration");
}

async fn machine_file(machine: &Machine) -> Vec<u8> {
    machine.read(CLI, 1_000_000).await.unwrap().unwrap().expose().clone()
}

async fn a_token_file_is_read_again_for_every_session(w: World) {
    w.kms.add_role_lasting(ROLE, 3600);
    w.kms.put_oidc_provider(OidcProvider::new(PROVIDER).client_ids(["sts.aliyuncs.com"]));
    let machine = Machine::new();
    let token = || {
        let token = w.kms.oidc_token(PROVIDER, "needle-subject", "sts.aliyuncs.com", seconds(1200));
        machine.write("/var/token", format!("{}\n", token.unwrap()));
    };
    let fields = format!(
        r#""mode": "OIDC", "oidc_provider_arn": "{PROVIDER}", "oidc_token_file": "/var/token", "ram_role_arn": "{ROLE}""#
    );
    let client = profile(&w, &machine, &[("main", fields)]);
    for _ in 0..3 {
        token();
        w.text(&client, "db/password").await;
        w.pass(minutes(61)).await;
    }
    assert_eq!(w.kms.calls("AssumeRoleWithOIDC"), 3);
    machine.remove("/var/token");
    let error = refused(&w, &client).await;
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    assert!(error.explanation().contains("/var/token: "), "{error}");
    machine.write("/var/token", " \n");
    w.pass(seconds(5)).await;
    assert!(refused(&w, &client).await.explanation().contains("is empty"));
    assert_eq!(w.kms.calls("AssumeRoleWithOIDC"), 3);
    token();
    w.pass(seconds(5)).await;
    w.text(&client, "db/password").await;
}

async fn the_profile_that_is_wanted_is_the_one_that_counts(w: World) {
    let machine = Machine::new();
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    machine.write(
        "/elsewhere.json",
        file(&[("bad", r#""mode": "x""#.into()), ("ecs", r#""mode": "EcsRamRole""#.into())]),
    );
    machine.set("ALIBABA_CLOUD_CONFIG_FILE", "/elsewhere.json");
    machine.set("ALIBABA_CLOUD_PROFILE", "ecs");
    w.text(&client(&w, Profile::new(w.host(&machine))), "db/password").await;
    machine.set("ALIBABA_CLOUD_PROFILE", "bad");
    w.text(&client(&w, Profile::new(w.host(&machine)).profile("ecs")), "db/password").await;
    machine.unset("ALIBABA_CLOUD_CONFIG_FILE");
    w.text(&client(&w, Profile::new(w.host(&machine)).profile("ecs").file("/elsewhere.json")), "db/password")
        .await;
    for (source, named) in [
        (Profile::new(w.host(&machine)), CLI),
        (Profile::new(w.host(&machine)).file("/elsewhere.json").profile("none"), "/elsewhere.json"),
    ] {
        let error = refused(&w, &client(&w, source)).await;
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert!(error.explanation().contains(named), "{error}");
    }
    machine.unset("HOME");
    assert!(refused(&w, &client(&w, Profile::new(w.host(&machine)))).await.explanation().contains("HOME"));
    machine.set("USERPROFILE", "/home/user");
    assert!(refused(&w, &client(&w, Profile::new(w.host(&machine)))).await.explanation().contains(CLI));
}

async fn a_profile_that_changes_is_noticed_and_the_file_is_never_written(w: World) {
    w.kms.add_role(ROLE);
    let machine = Machine::new();
    let role = |name: &str| {
        format!(r#""mode": "RamRoleArn", {}, "ram_role_arn": "{ROLE}", "ram_session_name": "{name}""#, keys())
    };
    let client = profile(&w, &machine, &[("main", role("one"))]);
    w.text(&client, "db/password").await;
    machine.write(CLI, file(&[("main", role("two"))]));
    w.text(&client, "db/password").await;
    assert_eq!(w.kms.calls("AssumeRole"), 1, "a session is kept for its time");
    w.pass(minutes(61)).await;
    w.text(&client, "db/password").await;
    let bodies: Vec<_> =
        w.wire.sent().iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
    assert!(bodies.iter().any(|body| body.contains("RoleSessionName=two")), "{bodies:?}");
    assert!(
        machine.take_asked().iter().all(|asked| asked.starts_with("var ") || asked == &format!("read {CLI}"))
    );
}

async fn an_ini_section_does_what_its_type_says(w: World) {
    w.kms.add_role(ROLE);
    w.kms.add_access_key("LTAIplain", "needle-plain");
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let machine = Machine::new();
    let plain = "access_key_id = LTAIplain\naccess_key_secret = needle-plain\n";
    machine.write(
        &format!("{INI}.ini"),
        format!(
            "[default]\ntype = access_key\n{plain}[role]\ntype = ram_role_arn\n{plain}role_arn = {ROLE}\n\
             [ecs]\ntype = ecs_ram_role\n[off]\nenable = false\n"
        ),
    );
    let ini = || IniProfile::new(w.host(&machine));
    for (source, calls) in [
        (ini(), vec!["GetSecretValue"]),
        (ini().profile("role"), vec!["AssumeRole", "GetSecretValue"]),
        (
            ini().profile("ecs"),
            vec!["MetadataToken", "MetadataRole", "MetadataCredentials", "GetSecretValue"],
        ),
    ] {
        w.kms.reset_log();
        let client = client(&w, source);
        w.text(&client, "db/password").await;
        assert_eq!(client.status().credential_source, "ini_profile");
        assert_eq!(w.kms.log().into_iter().map(|call| call.action).collect::<Vec<_>>(), calls);
    }
    for section in ["off", "none"] {
        let error = refused(&w, &client(&w, ini().profile(section))).await;
        assert!(error.explanation().contains(section), "{error}");
    }
    // The first of the two names wins.
    machine.write(INI, "[default]\ntype = needle\n");
    let error = refused(&w, &client(&w, ini())).await;
    assert!(error.explanation().contains(&format!("{INI}, section default: type: ")), "{error}");
    machine.set("ALIBABA_CLOUD_CREDENTIALS_FILE", "/third");
    assert!(refused(&w, &client(&w, ini())).await.explanation().contains("/third: "));
}

async fn a_program_gives_keys_for_every_call_or_a_session_that_is_kept(w: World) {
    let machine = Machine::new();
    let fields = r#""mode": "External", "process_command": "acs 'a b' $HOME""#.to_owned();
    let client = profile(&w, &machine, &[("main", fields)]);
    let output = |end: &str| format!(r#"{{"mode": "StsToken", {}{end}}}"#, keys()).into_bytes();
    machine.outputs(Ok(output("")));
    let runs = || machine.take_asked().iter().filter(|asked| *asked == "run acs|a b|$HOME").count();
    for _ in 0..3 {
        w.text(&client, "db/password").await;
    }
    assert_eq!(runs(), 3);
    let end = w.clock.server().wall().after(minutes(60)).to_iso();
    machine.outputs(Ok(output(&format!(r#", "expiration": "{end}""#))));
    for _ in 0..3 {
        w.text(&client, "db/password").await;
    }
    assert_eq!(runs(), 1);
    w.pass(minutes(61)).await;
    assert!(refused(&w, &client).await.explanation().contains("expired"), "what it gives is over");
}

async fn a_program_that_fails_is_told_without_its_output(w: World) {
    for (output, named) in [
        (Err(HostError::NotFound), "no such program"),
        (Err(HostError::Denied), "permission"),
        (Err(HostError::Exited(Some(3))), "code 3"),
        (Err(HostError::Exited(None)), "signal"),
        (Err(HostError::Unsupported), "platform"),
        (Ok(vec![b' '; 300_000]), "too large"),
        (Ok(b"needle".to_vec()), "not JSON"),
        (Ok(br#"{"mode": "AK", "access_key_id": "needle"}"#.to_vec()), "access_key_secret"),
        (
            Ok(br#"{"mode": "AK", "access_key_id": "a", "access_key_secret": "needle", "expiration": "x"}"#
                .to_vec()),
            "expiration",
        ),
    ] {
        let machine = Machine::new();
        machine.outputs(output);
        let error = refused(&w, &client(&w, External::new(w.host(&machine), "acs --needle"))).await;
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable, "{named}");
        let text = error.explanation();
        assert!(text.starts_with("process_command: ") && text.contains(named), "{text}");
    }
    let machine = Machine::new();
    let error = w.bare().credentials(External::new(w.host(&machine), "a 'needle")).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.explanation().starts_with("process_command: ") && !shown(&error).contains("needle"));
}

async fn a_program_that_never_ends_is_given_up(w: World) {
    let machine = Machine::new();
    let external = || External::new(w.host(&machine), "acs");
    let (result, waited) = w.timed(&client(&w, external()), "db/password").await;
    assert!(result.is_err() && waited <= seconds(11), "{waited:?}: the read's own time");
    let patient = w.bare().credentials(external()).no_cache().timeout(seconds(300)).build().unwrap();
    let (result, waited) = w.timed(&patient, "db/password").await;
    assert!(result.unwrap_err().explanation().contains("did not end in time"));
    assert!((seconds(60)..seconds(62)).contains(&waited), "{waited:?}");
}

async fn a_file_that_cannot_be_read_is_told_by_its_name(w: World) {
    let machine = Machine::new();
    for (error, named) in [(HostError::Denied, "permission"), (HostError::Failed, "read")] {
        machine.break_file(CLI, error);
        machine.break_file(INI, error);
        for error in [
            refused(&w, &client(&w, Profile::new(w.host(&machine)))).await,
            refused(&w, &client(&w, IniProfile::new(w.host(&machine)))).await,
        ] {
            assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
            let text = error.explanation();
            assert!((text.contains(CLI) || text.contains(INI)) && text.contains(named), "{text}");
        }
    }
    machine.write(CLI, vec![b' '; 1024 * 1024 + 1]);
    let error = refused(&w, &client(&w, Profile::new(w.host(&machine)))).await;
    assert!(error.explanation().contains("too large"), "{error}");
}

async fn a_parameter_that_sts_would_refuse_is_told_by_file_and_profile(w: World) {
    let machine = Machine::new();
    for (more, named) in [
        (r#""ram_role_arn": "needle""#, "role_arn"),
        (r#""ram_role_arn": "acs:ram::1:role/r", "expired_seconds": 60"#, "duration"),
        (r#""ram_role_arn": "acs:ram::1:role/r", "ram_session_name": "needle needle""#, "role_session_name"),
        (r#""ram_role_arn": "acs:ram::1:role/r", "sts_endpoint": "http://needle.example""#, "endpoint"),
    ] {
        let fields = format!(r#""mode": "RamRoleArn", {}, {more}"#, keys());
        let error = refused(&w, &profile(&w, &machine, &[("main", fields)])).await;
        let text = error.explanation();
        assert!(text.starts_with(&format!("{CLI}, profile main: {named}: ")), "{text}");
    }
    assert_eq!(w.kms.log().len(), 0, "nothing was sent");
}
