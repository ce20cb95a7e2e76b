//! While all is well: one call for one reader, for a thousand readers, and none for a million.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::stage::{DATABASE, GREETING, GREETINGS, Outcome, PASSWORDS, RAM, Stage, grouped, login, shown};
use simsim::Client;
use simsim_emulator::Fault;
use std::hint::black_box;
use std::time::{Duration, Instant};

pub(crate) async fn first_read(stage: &mut Stage, client: &Client) -> Outcome {
    stage.title("A first read")?;
    let begun = Instant::now();
    let secret = client.get_secret(GREETING).await?;
    let took = begun.elapsed();
    let secret = stage.served(secret);
    let right = secret.text()? == GREETINGS[0] && !secret.stale();
    let line = format!("{GREETING}: connected, signed, fetched and decoded in {}", shown(took));
    stage.say(&line, right && stage.calls() == 1, "not the value that is stored, or not one call")?;

    let begun = Instant::now();
    let again = client.get_secret(GREETING).await?;
    let took = begun.elapsed();
    let right = stage.served(again).text()? == GREETINGS[0];
    let line = format!("read again, from the cache, in {}", shown(took));
    stage.say(&line, right && stage.calls() == 0, "another value, or a call")?;

    // What a log would see of it.
    let log = format!("{secret} {secret:?} {secret:#?} {client:?}");
    stage.overhear(&log);
    let line = format!("printed into a log it is `{secret}`; Debug shows no value either");
    stage.add(&line, !log.contains(GREETINGS[0]), "the value is in the log")
}

pub(crate) async fn stampede(stage: &mut Stage, client: &Client) -> Outcome {
    const READERS: u64 = 1_000;
    stage.title("A thousand readers of a secret that nobody has read yet")?;
    stage.kms.inject(Fault::slow_headers(Duration::from_millis(100)).times(1));
    let begun = Instant::now();
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get_secret(DATABASE).await })
        })
        .collect();
    let (expected, mut right) = (login(PASSWORDS[0]), 0_u64);
    for reader in readers {
        let secret = reader.await??;
        right = right.saturating_add(u64::from(stage.served(secret).text()? == expected));
    }
    let took = begun.elapsed();
    let line = format!(
        "{DATABASE}: {} tasks at once, KMS takes 100 ms, all have it after {}",
        grouped(READERS),
        shown(took)
    );
    stage.say(
        &line,
        right == READERS && stage.calls() == 1,
        format!("{right} answers, {} calls", stage.calls()),
    )
}

pub(crate) async fn several(stage: &mut Stage, client: &Client) -> Outcome {
    stage.title("Several secrets in one go")?;
    let mut kinds = Vec::new();
    for (_, result) in client.get_secrets([GREETING, DATABASE, RAM]).await {
        let secret = stage.served(result?);
        kinds.push(secret.secret_type().as_str().to_owned());
    }
    let right = kinds == ["Generic", "Rds", "RAMCredentials"];
    let line = format!("{}: two from the cache, the third from KMS", kinds.join(", "));
    stage.say(&line, right && stage.calls() == 1, format!("{} calls", stage.calls()))
}

pub(crate) async fn a_million_reads(stage: &mut Stage, client: &Client) -> Outcome {
    const BATCHES: u32 = 100;
    const READS: u32 = 10_000;
    stage.title("A million reads")?;
    let (mut total, mut fastest) = (Duration::ZERO, Duration::MAX);
    for _ in 0..BATCHES {
        let begun = Instant::now();
        for _ in 0..READS {
            black_box(client.get_secret(GREETING).await?);
        }
        let took = begun.elapsed();
        (total, fastest) = (total.saturating_add(took), fastest.min(took));
    }
    let reads = BATCHES.saturating_mul(READS);
    stage.served = stage.served.saturating_add(u64::from(reads));
    let each = |time: Duration, reads: u32| time.checked_div(reads).unwrap_or_default().as_nanos();
    let line = format!(
        "{} cached reads on one thread in {}: {} ns each ({} ns where undisturbed)",
        grouped(u64::from(reads)),
        shown(total),
        each(total, reads),
        each(fastest, READS),
    );
    stage.say(&line, stage.calls() == 0, format!("{} calls", stage.calls()))
}
