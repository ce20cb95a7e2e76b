//! The default chain: its order, what stops it, what it remembers, and what it says when there is nothing.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_ID, KEY_SECRET, Machine, TOKEN, World, minutes, seconds, shown};
use simsim::credentials::{DefaultChain, Environment, HostError};
use simsim::{Client, Error, ErrorKind};
use simsim_emulator::{CredentialsUri, Fault, InstanceRole, OidcProvider, Service};

scenarios![
    the_first_source_that_is_configured_answers,
    where_nothing_is_configured_one_error_lists_every_source_with_its_reason,
    a_failure_is_never_remembered_as_the_answer,
    a_source_that_is_configured_but_broken_stops_the_walk,
    the_source_that_answered_keeps_its_session_and_its_token,
    half_of_a_configuration_is_not_taken_for_a_whole,
    the_metadata_service_is_asked_on_instances_only,
    five_hundred_cold_reads_walk_once,
    the_environment_alone_is_a_source_as_well,
];

const CLI: &str = "/home/user/.aliyun/config.json";
const INI: &str = "/home/user/.alibabacloud/credentials";
const DMI: &str = "/sys/class/dmi/id/sys_vendor";
const ROLE: &str = "acs:ram::1234567890123456:role/reader";
const PROVIDER: &str = "acs:ram::1234567890123456:oidc-provider/ack";
const SOURCES: [&str; 7] =
    ["function_compute", "environment", "oidc", "profile", "ini_profile", "credentials_uri", "ecs_ram_role"];

fn client(w: &World, machine: &Machine) -> Client {
    w.bare().credentials(DefaultChain::new(w.host(machine))).no_cache().build().unwrap()
}

fn set_keys(machine: &Machine) {
    machine.set("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID);
    machine.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET);
    machine.set("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN);
}

fn unset_keys(machine: &Machine) {
    for part in ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"] {
        machine.unset(&format!("ALIBABA_CLOUD_{part}"));
    }
}

fn profile() -> String {
    let keys = format!(
        r#""access_key_id": "{KEY_ID}", "access_key_secret": "{KEY_SECRET}", "sts_token": "{TOKEN}""#
    );
    format!(r#"{{"current": "main", "profiles": [{{"name": "main", "mode": "StsToken", {keys}}}]}}"#)
}

async fn refused(w: &World, client: &Client) -> Error {
    let error = w.read(client, "db/password").await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(!shown(&error).contains("needle") && !cause.contains("needle"), "{error}: {cause}");
    error
}

async fn the_first_source_that_is_configured_answers(w: World) {
    let machine = Machine::new();
    w.kms.add_role(ROLE);
    w.kms.add_access_key("LTAIini", "needle-ini");
    w.kms.put_oidc_provider(OidcProvider::new(PROVIDER).client_ids(["a"]));
    w.kms.put_credentials_uri(CredentialsUri::at("/credentials"));
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let client = client(&w, &machine);
    assert_eq!(client.status().credential_source, "default_chain");
    let answers = async |source: &str| {
        // Whatever the source before gave is over by now.
        w.pass(minutes(24 * 60)).await;
        w.text(&client, "db/password").await;
        assert_eq!(client.status().credential_source, source);
    };
    machine.write(DMI, "Alibaba Cloud\n");
    answers("ecs_ram_role").await;
    machine.set("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:6666/credentials");
    answers("credentials_uri").await;
    machine.write(
        INI,
        "[default]\ntype = access_key\naccess_key_id = LTAIini\naccess_key_secret = needle-ini\n",
    );
    answers("ini_profile").await;
    machine.write(CLI, profile());
    answers("profile").await;
    machine.set("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true");
    answers("ini_profile").await;
    machine.set("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "false");
    answers("profile").await;
    machine.set("ALIBABA_CLOUD_ROLE_ARN", ROLE);
    machine.set("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", PROVIDER);
    machine.set("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/var/token");
    machine.set("ALIBABA_CLOUD_STS_REGION", "cn-shanghai");
    machine.set("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true");
    machine.set("ALIBABA_CLOUD_ROLE_SESSION_NAME", "pod-7");
    let token = w.kms.oidc_token(PROVIDER, "s", "a", minutes(3 * 24 * 60)).unwrap();
    machine.write("/var/token", format!("{token}\n"));
    answers("oidc").await;
    let sts = w.wire.sent().into_iter().rev().find(|r| r.url.contains("//sts")).unwrap();
    let (host, query) = sts.url.split_once('?').unwrap();
    assert_eq!(host, "https://sts-vpc.cn-shanghai.aliyuncs.com/");
    assert!(!query.contains("Token"), "no token in the address: {query}");
    assert!(String::from_utf8(sts.body).unwrap().contains("RoleSessionName=pod-7"));
    set_keys(&machine);
    answers("environment").await;
    machine.set("FC_FUNCTION_NAME", "orders");
    answers("function_compute").await;
    machine.unset("ALIBABA_CLOUD_SECURITY_TOKEN");
    machine.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIini");
    machine.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "needle-ini");
    answers("environment").await;
}

async fn where_nothing_is_configured_one_error_lists_every_source_with_its_reason(w: World) {
    let machine = Machine::new();
    let error = refused(&w, &client(&w, &machine)).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::CredentialsUnavailable, 0));
    let text = error.explanation();
    let mut from = 0;
    for (source, reason) in SOURCES.into_iter().zip([
        "FC_FUNCTION_NAME is not set",
        "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set",
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN is not set",
        "/home/user/.aliyun/config.json: there is no such file",
        "/home/user/.alibabacloud/credentials: there is no such file",
        "ALIBABA_CLOUD_CREDENTIALS_URI is not set",
        "this machine is no ECS instance",
    ]) {
        let entry = format!("; {source}: {reason}");
        let at = text[from..].find(&entry).unwrap_or_else(|| panic!("{entry} in {text}"));
        from += at + entry.len();
    }
    assert_eq!(w.wire.sent().len(), 0, "nobody was asked");
    // Without the permission to look (Deno) nothing is configured, and nothing is broken.
    machine.break_file(CLI, HostError::Unsupported);
    machine.break_file(INI, HostError::Unsupported);
    machine.break_file(DMI, HostError::Unsupported);
    let text = refused(&w, &client(&w, &machine)).await.explanation().to_owned();
    assert!(
        text.contains("profile: /home/user/.aliyun/config.json: there is no such file, or no permission")
    );
    let bare = Machine::default();
    assert!(refused(&w, &client(&w, &bare)).await.explanation().contains("neither HOME nor USERPROFILE"));
}

async fn a_failure_is_never_remembered_as_the_answer(w: World) {
    let machine = Machine::new();
    let client = client(&w, &machine);
    refused(&w, &client).await;
    set_keys(&machine);
    w.pass(seconds(1)).await;
    w.text(&client, "db/password").await;
    assert_eq!(client.status().credential_source, "environment");
    unset_keys(&machine);
    refused(&w, &client).await;
    machine.write(CLI, profile());
    w.pass(seconds(1)).await;
    w.text(&client, "db/password").await;
    machine.write(CLI, "needle");
    refused(&w, &client).await;
    machine.write(CLI, profile());
    w.pass(seconds(1)).await;
    w.text(&client, "db/password").await;
}

async fn a_source_that_is_configured_but_broken_stops_the_walk(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let set = |machine: &Machine, names: &[(&str, &str)]| {
        for (name, value) in names {
            machine.set(name, value);
        }
    };
    type Break = fn(&Machine, &dyn Fn(&Machine, &[(&str, &str)]));
    let cases: [(Break, &str); 9] = [
        (|m, _| m.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "needle"), "ALIBABA_CLOUD_ACCESS_KEY_SECRET: "),
        (|m, _| m.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "needle"), "ALIBABA_CLOUD_ACCESS_KEY_ID: "),
        (
            |m, set| {
                set(
                    m,
                    &[("ALIBABA_CLOUD_ACCESS_KEY_ID", "x"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "needle\n")],
                )
            },
            "AccessKeySecret",
        ),
        (
            |m, set| set(m, &[("FC_FUNCTION_NAME", "f"), ("ALIBABA_CLOUD_SECURITY_TOKEN", "needle")]),
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
        ),
        (
            |m, set| {
                set(
                    m,
                    &[
                        ("ALIBABA_CLOUD_ROLE_ARN", ROLE),
                        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", PROVIDER),
                        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/gone"),
                    ],
                )
            },
            "/gone: ",
        ),
        (|m, _| m.write(CLI, "needle"), CLI),
        (|m, _| m.break_file(CLI, HostError::Denied), CLI),
        (|m, _| m.write(INI, "[default]\ntype = needle"), INI),
        (
            |m, _| m.set("ALIBABA_CLOUD_CREDENTIALS_URI", "http://needle.example/x"),
            "ALIBABA_CLOUD_CREDENTIALS_URI: ",
        ),
    ];
    for (break_it, named) in cases {
        let machine = Machine::new();
        machine.write(DMI, "Alibaba Cloud\n");
        w.text(&client(&w, &machine), "db/password").await;
        break_it(&machine, &set);
        let error = refused(&w, &client(&w, &machine)).await;
        assert!(
            matches!(error.kind(), ErrorKind::CredentialsUnavailable | ErrorKind::Config),
            "{named}: {error}"
        );
        assert!(error.explanation().contains(named), "{named}: {error}");
    }
}

async fn the_source_that_answered_keeps_its_session_and_its_token(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader").session_seconds(3600));
    let machine = Machine::new();
    machine.write(DMI, "Alibaba Cloud\n");
    let client = client(&w, &machine);
    for _ in 0..5 {
        w.text(&client, "db/password").await;
        w.pass(minutes(61)).await;
    }
    assert_eq!((w.kms.calls("MetadataToken"), w.kms.calls("MetadataCredentials")), (1, 5));
}

async fn half_of_a_configuration_is_not_taken_for_a_whole(w: World) {
    let machine = Machine::new();
    machine.set("ALIBABA_CLOUD_ROLE_ARN", ROLE);
    machine.set("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", PROVIDER);
    machine.set("FC_FUNCTION_NAME", "orders");
    let text = refused(&w, &client(&w, &machine)).await.explanation().to_owned();
    assert!(text.contains("oidc: ALIBABA_CLOUD_OIDC_TOKEN_FILE is not set"), "{text}");
    assert!(text.contains("function_compute: the function has no session; give it a RAM role"), "{text}");
    machine.set("ALIBABA_CLOUD_PROFILE", "other");
    machine.write(CLI, profile());
    machine.write(INI, "[default]\ntype = needle\n");
    w.pass(seconds(1)).await;
    let text = refused(&w, &client(&w, &machine)).await.explanation().to_owned();
    assert!(
        text.contains("there is no profile other") && text.contains("there is no section other"),
        "{text}"
    );
}

async fn the_metadata_service_is_asked_on_instances_only(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let machine = Machine::new();
    machine.write(DMI, "Some Other Maker\n");
    refused(&w, &client(&w, &machine)).await;
    assert_eq!(w.wire.sent().len(), 0);
    machine.write("/sys/class/dmi/id/product_name", "Alibaba Cloud ECS\n");
    w.text(&client(&w, &machine), "db/password").await;
    machine.set("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "TRUE");
    machine.set("ALIBABA_CLOUD_ECS_METADATA", "reader");
    let sent = w.wire.sent().len();
    let text = refused(&w, &client(&w, &machine)).await.explanation().to_owned();
    assert!(text.contains("ALIBABA_CLOUD_ECS_METADATA_DISABLED is set"), "{text}");
    assert_eq!(w.wire.sent().len(), sent);
    machine.unset("ALIBABA_CLOUD_ECS_METADATA_DISABLED");
    machine.remove("/sys/class/dmi/id/product_name");
    w.kms.reset_log();
    w.text(&client(&w, &machine), "db/password").await;
    assert_eq!(w.kms.calls("MetadataRole"), 0, "the variable names the role");
    machine.set("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
    w.kms.inject(Fault::status(404, "x").for_action("MetadataToken"));
    refused(&w, &client(&w, &machine)).await;
    machine.set("ALIBABA_CLOUD_ECS_METADATA", "needle/../x");
    w.kms.clear_faults();
    let text = refused(&w, &client(&w, &machine)).await.explanation().to_owned();
    assert!(text.starts_with("ALIBABA_CLOUD_ECS_METADATA: role_name: "), "{text}");
    machine.unset("ALIBABA_CLOUD_ECS_METADATA");
    machine.write(DMI, "Alibaba Cloud");
    w.kms.detach_instance_role();
    let text = refused(&w, &client(&w, &machine)).await.explanation().to_owned();
    assert!(text.contains("; ecs_ram_role: no RAM role is attached to this instance"), "{text}");
    w.kms.inject(Fault::unreachable().for_service(Service::Metadata).times(9));
    let text = refused(&w, &client(&w, &machine)).await.explanation().to_owned();
    assert!(text.starts_with("ecs_ram_role: "), "an instance whose metadata are silent is broken: {text}");
}

async fn five_hundred_cold_reads_walk_once(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let machine = Machine::new();
    machine.write(DMI, "Alibaba Cloud\n");
    let client = w.bare().credentials(DefaultChain::new(w.host(&machine))).build().unwrap();
    for reader in w.spawn_reads(&client, "db/password", 500) {
        assert!(reader.await.unwrap().is_ok());
    }
    assert_eq!((w.kms.calls("MetadataCredentials"), w.kms_reads()), (1, 1));
    assert_eq!(machine.take_asked().iter().filter(|asked| *asked == "var FC_FUNCTION_NAME").count(), 1);
}

async fn the_environment_alone_is_a_source_as_well(w: World) {
    let machine = Machine::new();
    let client = w.bare().credentials(Environment::new(w.host(&machine))).no_cache().build().unwrap();
    assert!(refused(&w, &client).await.explanation().contains("ALIBABA_CLOUD_ACCESS_KEY_ID"));
    set_keys(&machine);
    w.pass(seconds(1)).await;
    w.text(&client, "db/password").await;
    assert_eq!(client.status().credential_source, "environment");
}
