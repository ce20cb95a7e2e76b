//! `Client::from_env` in a process of its own: a profile on disk, a real program that gives keys, a KMS on loopback.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![cfg(all(unix, feature = "reqwest", feature = "tokio"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know to be tests")]

use simsim::{Client, ErrorKind};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};

/// Set for the process that makes the client.
const CHILD: &str = "SIMSIM_TEST_CHILD";
const FOUND: &str = concat!(
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 94\r\n\r\n",
    r#"{"SecretName":"db/password","VersionId":"v1","SecretData":"open sesame","RequestId":"r-12345"}"#
);

/// What the process does: reads a secret, and writes what came of it.
#[tokio::main(flavor = "current_thread")]
async fn child() {
    let client = Client::from_env().unwrap();
    let outcome = match client.get_secret("db/password").await {
        Ok(secret) => secret.text().unwrap().to_owned(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
            error.to_string()
        }
    };
    let source = client.status().credential_source;
    std::io::stdout().write_all(format!("\n{source} {outcome}\n").as_bytes()).unwrap();
}

/// Runs one test of this program once more, with nothing in its environment but this.
fn run(test: &str, server: &TcpListener, more: &[(&str, String)]) -> String {
    let Output { status, stdout, stderr } = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .env("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")
        .env("ALIBABA_CLOUD_KMS_ENDPOINT", format!("http://{}", server.local_addr().unwrap()))
        .env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
        .envs(more.iter().cloned())
        .output()
        .unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Answers one request, and returns its head.
fn answer_once(server: &TcpListener) -> String {
    let (mut stream, _) = server.accept().unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    stream.write_all(FOUND.as_bytes()).unwrap();
    String::from_utf8(head).unwrap()
}

#[test]
fn a_profile_on_disk_and_a_program_give_the_keys() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let home = std::env::temp_dir().join(format!("simsim-from-env-{}", std::process::id()));
    std::fs::create_dir_all(home.join(".aliyun")).unwrap();
    let keys = r#"{"mode": "AK", "access_key_id": "LTAI-example", "access_key_secret": "not-a-real-secret"}"#;
    let program = home.join("a program.sh");
    std::fs::write(&program, format!("cat <<'END'\n{keys}\nEND\n")).unwrap();
    let command = format!("/bin/sh '{}'", program.display());
    let profile = format!(r#"{{"name": "p", "mode": "External", "process_command": "{command}"}}"#);
    let file = format!(r#"{{"current": "p", "profiles": [{profile}]}}"#);
    std::fs::write(home.join(".aliyun").join("config.json"), file).unwrap();

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut more = vec![("HOME", home.display().to_string())];
    more.extend(std::env::var("PATH").ok().map(|path| ("PATH", path)));
    let kms = server.try_clone().unwrap();
    let answering = std::thread::spawn(move || answer_once(&kms));
    let written = run("a_profile_on_disk_and_a_program_give_the_keys", &server, &more);
    std::fs::remove_dir_all(&home).unwrap();
    assert!(written.contains("\nprofile open sesame\n"), "{written}");
    assert!(answering.join().unwrap().contains("Credential=LTAI-example,"));
}

#[test]
fn a_machine_without_credentials_says_where_it_looked() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let written = run("a_machine_without_credentials_says_where_it_looked", &server, &[]);
    assert!(
        written.contains("\ndefault_chain no credentials available: no source is configured here; "),
        "{written}"
    );
    assert!(written.contains("; ecs_ram_role: ALIBABA_CLOUD_ECS_METADATA_DISABLED is set"), "{written}");
    server.set_nonblocking(true).unwrap();
    assert!(server.accept().is_err(), "nobody was asked");
}
