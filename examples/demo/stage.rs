//! The stage: the local KMS and its secrets, the clients, the clock, and the printer that keeps what it printed.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::http::ReqwestFetch;
use simsim::runtime::TokioRuntime;
use simsim::{CacheOptions, Client, ClientBuilder, Credentials, RetryOptions, Secret};
use simsim_emulator::server::{ServerHandle, SystemRuntime, serve};
use simsim_emulator::{Emulator, SecretSeed};
use std::fmt;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// A generic secret.
pub(crate) const GREETING: &str = "demo/greeting";
/// A database's login.
pub(crate) const DATABASE: &str = "demo/orders-db";
/// A RAM user's key.
pub(crate) const RAM: &str = "acs/ram/user/demo-robot";

/// What the secrets hold. None of it may ever be printed; the last act searches for it.
pub(crate) const GREETINGS: [&str; 2] = ["open-barley-7Qf3", "open-sesame-x91K"];
pub(crate) const PASSWORDS: [&str; 2] = ["first-password-Zt5w", "second-password-Lm8v"];
const RAM_VALUE: &str = r#"{"AccessKeyId":"LTAI-rotated-Bq2","AccessKeySecret":"ram-secret-Hy6p"}"#;
const SESSION: [&str; 3] = ["STS.demo-Rk4d", "session-secret-Vn3c", "session-token-Wj7e"];

/// The ttl of the client that ages quickly: what takes minutes elsewhere takes tenths of a second here.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// Why the demo ends early: a statement that was not true, or something that went wrong on the way.
pub(crate) struct Untrue(String);

pub(crate) type Outcome<T = ()> = Result<T, Untrue>;

impl fmt::Display for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Untrue {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

pub(crate) struct Stage {
    pub(crate) kms: Emulator,
    endpoint: String,
    server: ServerHandle,
    started: Instant,
    /// What was printed, and what could have been.
    printed: String,
    /// Reads that were answered with a value.
    pub(crate) served: u64,
    /// Calls that the KMS had counted when the last statement was made.
    before: u64,
}

impl Stage {
    pub(crate) async fn open() -> Outcome<Self> {
        let kms = Emulator::new(SystemRuntime::new());
        let [id, secret, token] = SESSION;
        kms.add_session(id, secret, token, None);
        kms.put_secret(SecretSeed::text(GREETING, GREETINGS[0]));
        kms.put_secret(SecretSeed::text(DATABASE, login(PASSWORDS[0])).secret_type("Rds"));
        kms.put_secret(SecretSeed::text(RAM, RAM_VALUE).secret_type("RAMCredentials"));
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (address, server) = serve(kms.clone(), anywhere).await?;
        let endpoint = format!("http://{address}");
        let started = Instant::now();
        let mut stage = Self { kms, endpoint, server, started, printed: String::new(), served: 0, before: 0 };
        let line = format!(
            "A local KMS listens on {}. A client reads from it, over HTTP, with STS credentials.\n\
             Each line below was checked before it was printed.\n",
            stage.endpoint
        );
        stage.write(&line)?;
        Ok(stage)
    }

    /// A client as a program would make it: real HTTP, STS credentials.
    pub(crate) fn client(&self, builder: ClientBuilder) -> Outcome<Client> {
        let [id, secret, token] = SESSION;
        let client = builder
            .region("cn-hangzhou")
            .endpoint(&self.endpoint)
            .credentials(Credentials::session(id, secret, token)?)
            .fetch(ReqwestFetch::builder().http_only().build()?)
            .runtime(TokioRuntime::new())
            .background(simsim::runtime::TokioBackground)
            .build()?;
        Ok(client)
    }

    /// Counts a read that was answered.
    pub(crate) fn served(&mut self, secret: Secret) -> Secret {
        self.served = self.served.saturating_add(1);
        secret
    }

    /// How many calls the KMS has counted since the last statement.
    pub(crate) fn calls(&self) -> u64 {
        self.kms.calls("GetSecretValue").saturating_sub(self.before)
    }

    pub(crate) fn title(&mut self, title: &str) -> Outcome {
        self.write(&format!("\n{title}\n"))
    }

    /// Prints a statement with the calls that it cost, if it is true; else the demo ends with `otherwise`.
    pub(crate) fn say(&mut self, statement: &str, holds: bool, otherwise: impl fmt::Display) -> Outcome {
        let calls = match self.calls() {
            0 => String::from("no KMS call"),
            1 => String::from("1 KMS call"),
            n => format!("{n} KMS calls"),
        };
        self.print(statement, &calls, holds, &otherwise)
    }

    /// As [`say`](Self::say), for a statement that has nothing to do with calls.
    pub(crate) fn add(&mut self, statement: &str, holds: bool, otherwise: impl fmt::Display) -> Outcome {
        self.print(statement, "", holds, &otherwise)
    }

    fn print(&mut self, statement: &str, calls: &str, holds: bool, otherwise: &dyn fmt::Display) -> Outcome {
        if !holds {
            return Err(Untrue(format!("NOT TRUE: {statement}\n      but: {otherwise}")));
        }
        self.before = self.kms.calls("GetSecretValue");
        let time = self.started.elapsed().as_secs_f64();
        let line = format!("{time:6.2} s  {statement:<88}  {calls}");
        self.write(&format!("{}\n", line.trim_end()))
    }

    /// Takes in what a program could have logged, for the search at the end.
    pub(crate) fn overhear(&mut self, log: &str) {
        self.printed.push_str(log);
    }

    fn write(&mut self, text: &str) -> Outcome {
        self.printed.push_str(text);
        Ok(std::io::stdout().write_all(text.as_bytes())?)
    }

    /// The KMS's own books against the reads.
    pub(crate) fn count(&mut self, clients: &[&Client]) -> Outcome {
        self.title("The KMS's own count")?;
        let (calls, answered) = (self.kms.calls("GetSecretValue"), self.kms.reads_answered());
        let statement = format!(
            "{} reads served by {} calls ({} answered, the others throttled, reset or denied)",
            grouped(self.served),
            grouped(calls),
            grouped(answered)
        );
        let few = self.served > 1_000_000 && calls < 100 && answered <= calls;
        self.add(&statement, few, "that is not what a cache is for")?;
        let log = self.kms.log();
        let by_session = log.iter().all(|call| call.access_key_id == SESSION[0]);
        let expected = [None, Some("Rejected.Throttling"), Some("Forbidden.NoPermission")];
        let accepted = log.iter().all(|call| expected.contains(&call.code.as_deref()));
        self.add(
            "every call was signed with the STS session, and no signature, nonce or date was refused",
            by_session && accepted,
            format!("{:?}", log.iter().filter_map(|call| call.code.as_deref()).collect::<Vec<_>>()),
        )?;
        for (client, name) in clients.iter().zip(["the first client", "the one with the short ttl"]) {
            let s = client.status();
            let (hits, waited) = (grouped(s.hits), grouped(s.coalesced));
            let line =
                format!("{name}: {hits} hits, {} stale, {} fetches, {waited} waited", s.stale, s.misses);
            self.add(&line, s.entries > 0 && s.hits > 0, "it has served nothing")?;
        }
        Ok(())
    }

    /// Nothing that was printed, here or by `Debug` and `Display` of simsim's types, holds a value or a key.
    pub(crate) fn search_for_secrets(&mut self) -> Outcome {
        let hidden =
            [GREETINGS[0], GREETINGS[1], PASSWORDS[0], PASSWORDS[1], "LTAI-rotated-Bq2", "ram-secret-Hy6p"];
        let found = hidden.iter().chain(&SESSION).filter(|needle| self.printed.contains(**needle)).count();
        self.add(
            "no value, key or token is in what was printed, nor in Debug of secret, client or error",
            found == 0,
            format!("{found} of them are"),
        )
    }

    pub(crate) fn end(mut self) -> std::io::Result<()> {
        drop(self.server);
        let line = format!("\nAll of it was true, in {:.1} s.\n", self.started.elapsed().as_secs_f64());
        self.printed.push_str(&line);
        std::io::stdout().write_all(line.as_bytes())
    }
}

/// The options of a client for which tenths of a second are what minutes are elsewhere.
pub(crate) fn hasty() -> ClientBuilder {
    let cache = CacheOptions::default().ttl(SHORT).stale_if_error(Duration::from_secs(60));
    Client::builder().cache(cache).retry(RetryOptions::default().base(Duration::from_millis(20)))
}

/// The value of a database secret.
pub(crate) fn login(password: &str) -> String {
    format!(r#"{{"AccountName":"orders","AccountPassword":"{password}"}}"#)
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration as a person says it.
pub(crate) fn shown(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s >= 1.0 => format!("{s:.1} s"),
        s if s >= 0.01 => format!("{:.0} ms", s * 1e3),
        s if s >= 0.001 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}
