//! The needle in everything that a machine gives: files, variables, output of programs, metadata.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::canary::{debug_is_clean, error_is_clean, faults, tricks};
use crate::support::{Machine, World, seconds};
use simsim::credentials::{
    DefaultChain, EcsRamRole, Environment, External, HostError, IniProfile, Profile, ProvideCredentials,
    TokenFile,
};
use simsim::mailbox::driver::{Effect, Reply};
use simsim::{ErrorKind, Sensitive};
use simsim_emulator::{InstanceRole, Service};

scenarios![
    no_bad_file_or_output_prints_a_needle,
    no_failure_of_the_metadata_prints_a_needle,
    nothing_of_a_machine_prints_a_needle,
];

const CLI: &str = "/home/user/.aliyun/config.json";
const INI: &str = "/home/user/.alibabacloud/credentials";

/// Contents that are wrong in one way each, and hold the needle wherever one can stand.
fn contents() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![b"needle".to_vec(), b"\xffneedle".to_vec(), vec![b'x'; 2_000_000]];
    for value in ["\"needle\"", "\"needle needle\"", "\"needle\\n\"", "7", "{\"needle\": 1}", "null", "\"\""]
    {
        for mode in [
            "AK",
            "StsToken",
            "RamRoleArn",
            "EcsRamRole",
            "OIDC",
            "ChainableRamRoleArn",
            "External",
            "needle",
        ] {
            let fields: String = [
                "access_key_id",
                "access_key_secret",
                "sts_token",
                "ram_role_arn",
                "ram_role_name",
                "policy",
                "external_id",
                "source_profile",
                "process_command",
                "oidc_provider_arn",
                "expired_seconds",
                "ram_session_name",
                "sts_endpoint",
                "sts_region",
                "expiration",
            ]
            .iter()
            .map(|name| format!(", \"{name}\": {value}"))
            .collect();
            let profile = format!(r#"{{"name": "main", "mode": "{mode}"{fields}}}"#);
            all.push(format!(r#"{{"current": "main", "profiles": [{profile}]}}"#).into_bytes());
            all.push(profile.into_bytes());
        }
        for kind in ["access_key", "ecs_ram_role", "ram_role_arn", "oidc_role_arn", "needle"] {
            let keys = ["access_key_id", "access_key_secret", "role_arn", "role_name", "oidc_provider_arn"];
            let lines: String = keys.iter().map(|key| format!("{key} = needle {value}\n")).collect();
            all.push(format!("[default]\ntype = {kind}\n{lines}").into_bytes());
        }
    }
    all.push(b"[default]\nneedle\n".to_vec());
    all
}

async fn no_bad_file_or_output_prints_a_needle(w: World) {
    let mut failed = 0;
    for content in contents() {
        let machine = Machine::new();
        machine.write(CLI, content.clone());
        machine.write(INI, content.clone());
        machine.outputs(Ok(content));
        let host = || w.host(&machine);
        for (what, builder) in [
            ("profile", w.bare().credentials(Profile::new(host()))),
            ("ini", w.bare().credentials(IniProfile::new(host()))),
            ("external", w.bare().credentials(External::new(host(), "acs needle"))),
            ("chain", w.bare().credentials(DefaultChain::new(host()))),
        ] {
            let client = builder.no_retry().build().unwrap();
            if let Err(error) = w.read(&client, "db/password").await {
                error_is_clean(what, &error);
                failed += 1;
            }
            debug_is_clean(what, &client);
        }
    }
    assert!(failed > 300, "{failed}");
}

async fn no_failure_of_the_metadata_prints_a_needle(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    for fault in faults() {
        w.kms.inject(fault.clone().for_service(Service::Metadata).times(5));
        let client = w.bare().credentials(EcsRamRole::new()).build().unwrap();
        if let Err(error) = w.read(&client, "db/password").await {
            error_is_clean(&format!("{fault:?}"), &error);
        }
        w.kms.clear_faults();
        debug_is_clean("Client", &client);
    }
    for before in 0..3 {
        for (n, trick) in tricks().into_iter().enumerate() {
            let client = w.bare().credentials(EcsRamRole::new().without_imds_v1()).build().unwrap();
            for _ in 0..before {
                w.wire.play(crate::support::Trick::Pass);
            }
            w.wire.play(trick);
            if let Err(error) = w.read(&client, "db/password").await {
                error_is_clean(&format!("trick {n}"), &error);
            }
        }
    }
}

async fn nothing_of_a_machine_prints_a_needle(w: World) {
    let machine = Machine::new();
    let host = || w.host(&machine);
    debug_is_clean("External", &External::new(host(), "acs --token needle"));
    debug_is_clean("External", &External::new(host(), "acs 'needle"));
    debug_is_clean("Environment", &Environment::new(host()));
    debug_is_clean("Profile", &Profile::new(host()));
    debug_is_clean("IniProfile", &IniProfile::new(host()));
    debug_is_clean("TokenFile", &TokenFile::new(host(), "/var/token"));
    debug_is_clean("EcsRamRole", &EcsRamRole::new());
    debug_is_clean("Effect", &Effect::Host(b"needle".to_vec()));
    debug_is_clean("Reply", &Reply::Host(Sensitive::new(b"needle".to_vec())));
    for error in [HostError::Denied, HostError::Exited(Some(-3)), HostError::TooLarge] {
        debug_is_clean("HostError", &error);
    }
    let chain = DefaultChain::new(host());
    assert_eq!(chain.name(), "default_chain");
    debug_is_clean("DefaultChain", &chain);
    machine.set("ALIBABA_CLOUD_ACCESS_KEY_ID", "needle");
    let client = w.bare().credentials(chain).build().unwrap();
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error_is_clean("half", &error);
    machine.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "needle needle");
    w.pass(seconds(2)).await;
    error_is_clean("a space", &w.read(&client, "db/password").await.unwrap_err());
    debug_is_clean("ClientStatus", &client.status());
}
