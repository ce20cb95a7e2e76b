//! When KMS has trouble: it throttles, or it is not there at all.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::stage::{GREETING, GREETINGS, Outcome, SHORT, Stage, shown};
use simsim::Client;
use simsim_emulator::Fault;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const PAUSE: Duration = Duration::from_millis(10);

pub(crate) async fn throttle(stage: &mut Stage, client: &Client) -> Outcome {
    const WAIT: u64 = 200;
    stage.title("KMS throttles twice: 429 Rejected.Throttling, come back in 200 ms")?;
    stage.kms.inject(Fault::retry_after_ms(WAIT).times(2));
    let begun = Instant::now();
    let secret = client.refresh(GREETING).await?;
    let took = begun.elapsed();
    let right = stage.served(secret).text()? == GREETINGS[0];
    let patient = took >= Duration::from_millis(WAIT.saturating_mul(2)) && stage.calls() == 3;
    let line =
        format!("a refresh waits as long as it is told to, twice, and has the value after {}", shown(took));
    stage.say(&line, right && patient, format!("{} calls", stage.calls()))
}

pub(crate) async fn outage(stage: &mut Stage, client: &Client) -> Outcome {
    stage.title(
        "KMS goes away: every request is reset (a second client; its ttl is 300 ms instead of 10 minutes)",
    )?;
    let secret = client.get_secret(GREETING).await?;
    let fetched = Instant::now();
    stage.served(secret);
    stage.say("it read the secret while KMS was well", stage.calls() == 1, "no call, or several")?;

    stage.kms.inject(Fault::unreachable());
    sleep(SHORT.saturating_mul(2)).await;
    let gone = Instant::now();
    let (mut reads, mut longest) = (0_u64, Duration::ZERO);
    let mut marks = [250, 750, 1_250].map(Duration::from_millis).into_iter().peekable();
    while gone.elapsed() < Duration::from_millis(1_300) {
        let begun = Instant::now();
        // `?`: a single read that fails ends the demo.
        let secret = client.get_secret(GREETING).await?;
        longest = longest.max(begun.elapsed());
        let secret = stage.served(secret);
        reads = reads.saturating_add(1);
        // The clocks that the client reads tick every 4 ms; the scheduler of a busy machine is coarser still.
        let honest = secret.age().abs_diff(fetched.elapsed()) < Duration::from_millis(250);
        let right = secret.stale() && honest && secret.text()? == GREETINGS[0];
        if !right || marks.next_if(|mark| gone.elapsed() >= *mark).is_some() {
            let line = format!("answered, marked stale, {} old", shown(secret.age()));
            stage.say(
                &line,
                right,
                format!("stale {}, true age {}", secret.stale(), shown(fetched.elapsed())),
            )?;
        }
        sleep(PAUSE).await;
    }
    let line =
        format!("{reads} reads in the outage, {reads} answers; the longest wait was {}", shown(longest));
    stage.say(&line, reads > 30 && longest < Duration::from_millis(1_500), "it took too long")?;

    stage.kms.clear_faults();
    let back = Instant::now();
    loop {
        let secret = client.get_secret(GREETING).await?;
        let secret = stage.served(secret);
        if !secret.stale() || back.elapsed() > Duration::from_secs(5) {
            let line = format!("KMS is back; {} later a read has a fresh value again", shown(back.elapsed()));
            return stage.say(&line, !secret.stale(), "still stale after 5 s");
        }
        sleep(PAUSE).await;
    }
}
