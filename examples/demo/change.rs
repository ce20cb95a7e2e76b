//! When the secret itself changes: it is rotated, a login is refused, the permission is taken away.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::stage::{DATABASE, GREETING, GREETINGS, Outcome, PASSWORDS, RAM, SHORT, Stage, login, shown};
use serde::Deserialize;
use simsim::{Client, Error, ErrorKind, Secret};
use simsim_emulator::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::time::sleep;

const PAUSE: Duration = Duration::from_millis(10);

pub(crate) async fn rotation(stage: &mut Stage, client: &Client) -> Outcome {
    stage.title("A secret is rotated in KMS")?;
    let secret = client.refresh(GREETING).await?;
    let old = stage.served(secret).version_id().to_owned();
    stage.say("the second client has just read it", stage.calls() == 1, "no call, or several")?;
    stage.kms.rotate(GREETING, GREETINGS[1]);
    let begun = Instant::now();
    let (limit, mut reads) = (SHORT.saturating_mul(6), 0_u64);
    loop {
        let secret = client.get_secret(GREETING).await?;
        let secret = stage.served(secret);
        reads = reads.saturating_add(1);
        let new = secret.version_id() != old;
        if new || begun.elapsed() > limit {
            let line =
                format!("{reads} reads later, after {}, a read has the new version", shown(begun.elapsed()));
            stage.say(&line, new && secret.text()? == GREETINGS[1], "it still has the old one")?;
            break;
        }
        sleep(PAUSE).await;
    }
    let secret = client.get(GREETING).version_stage("ACSPrevious").send().await?;
    let right = stage.served(secret).text()? == GREETINGS[0];
    stage.say("the former one is there under ACSPrevious", right, "that is another value")
}

/// Why a login failed.
enum LoginError {
    Refused,
    Secret(Error),
}

impl From<Error> for LoginError {
    fn from(error: Error) -> Self {
        Self::Secret(error)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Login {
    account_password: String,
}

/// A database that takes one password.
async fn log_in(secret: Secret, password: &str) -> Result<(), LoginError> {
    let login: Login = secret.json()?;
    if login.account_password == password { Ok(()) } else { Err(LoginError::Refused) }
}

pub(crate) async fn login_after_a_rotation(stage: &mut Stage, client: &Client) -> Outcome {
    const WORKERS: usize = 50;
    stage
        .title("A database password is rotated while the first client holds the old one, good for minutes")?;
    stage.kms.rotate(DATABASE, &login(PASSWORDS[1]));
    let cached = client.get_secret(DATABASE).await?;
    let refused = log_in(stage.served(cached), PASSWORDS[1]).await.is_err();
    stage.say(
        "a login with the cached password is refused",
        refused && stage.calls() == 0,
        "it was accepted",
    )?;

    let refusals = Arc::new(AtomicU64::new(0));
    // Nobody logs in before all of them hold the old password.
    let all_hold_it = Arc::new(Barrier::new(WORKERS));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (client, refusals, all_hold_it) = (client.clone(), refusals.clone(), all_hold_it.clone());
            tokio::spawn(async move {
                let mut meeting = Some(all_hold_it);
                let attempt = |secret| {
                    let meeting = meeting.take();
                    async move {
                        if let Some(meeting) = meeting {
                            meeting.wait().await;
                        }
                        log_in(secret, PASSWORDS[1]).await
                    }
                };
                let refused = |error: &LoginError| {
                    refusals.fetch_add(1, Ordering::Relaxed);
                    matches!(error, LoginError::Refused)
                };
                client.with_secret(DATABASE, attempt, refused).await
            })
        })
        .collect();
    let mut logins = 0_usize;
    for worker in workers {
        match worker.await? {
            Ok(()) => logins = logins.saturating_add(1),
            Err(LoginError::Refused) => {}
            Err(LoginError::Secret(error)) => return Err(error.into()),
        }
    }
    let refusals = refusals.load(Ordering::Relaxed);
    // Whoever was refused got two secrets.
    stage.served = stage.served.saturating_add(u64::try_from(logins)?).saturating_add(refusals);
    let calls = stage.calls();
    stage.say(
        &format!(
            "with_secret: {refusals} workers are refused at once, have it fetched anew, and {logins} are in"
        ),
        // A refresh joins only a fetch that began after it: two calls are the most for any number of them.
        logins == WORKERS && refusals == 50 && (1..=2).contains(&calls),
        format!("{calls} calls"),
    )
}

pub(crate) async fn revocation(stage: &mut Stage, client: &Client) -> Outcome {
    stage.title("The permission to read a secret is taken away")?;
    let secret = client.get_secret(RAM).await?;
    stage.served(secret);
    stage.say(&format!("{RAM} was read a moment ago"), stage.calls() == 1, "no call, or several")?;

    stage.kms.deny(RAM);
    let begun = Instant::now();
    let error = loop {
        match client.get_secret(RAM).await {
            Ok(secret) if begun.elapsed() < SHORT.saturating_mul(6) => drop(stage.served(secret)),
            Ok(_) => return stage.say("reads stop", false, "they do not, long after the ttl"),
            Err(error) => break error,
        }
        sleep(PAUSE).await;
    };
    stage.overhear(&format!("{error} {error:?}"));
    let right = error.kind() == ErrorKind::PermissionDenied;
    let line = format!("the next look at KMS, {} later, ends it: {:?}", shown(begun.elapsed()), error.kind());
    stage.say(&line, right && stage.calls() == 1, format!("{error}; {} calls", stage.calls()))?;

    stage.kms.inject(Fault::unreachable());
    let mut refused = 0_u64;
    for _ in 0..100 {
        refused = refused.saturating_add(u64::from(client.get_secret(RAM).await.is_err()));
    }
    stage.kms.clear_faults();
    let line =
        format!("{refused} of 100 further reads are refused, KMS out of reach or not: the old value is gone");
    stage.say(&line, refused == 100, "an old value was answered")
}
