//! The only loop: credentials → sign → send → decide, until an answer, a final failure or the deadline.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::cached::CachedCredentials;
use crate::error::{Error, ErrorKind, Result, is_clock_code, is_key_code};
use crate::gateway::error_body::{self, Refusal};
use crate::http::retry::{
    Attempts, Bucket, Cause, Decision, Failure, RetryPolicy, attempt_timeout, out_of_time,
};
use crate::http::{DynFetch, FetchError, FetchErrorKind, Method, Request, Response};
use crate::observe::{EventKind, Watch};
use crate::region::Endpoint;
use crate::runtime::Clock;
use crate::signing::acs3::{Acs3Request, Signed, sign};
use crate::sync::{Either, Guarded, MaybeSend, MaybeSync, race};
use crate::time::Instant64;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The largest answer that is read, in bytes (a KMS value has at most 30,720).
const MAX_BODY: usize = 1024 * 1024;
/// How much longer than an attempt its leader's lease runs.
const GRACE: Duration = Duration::from_millis(250);

/// One call of an RPC-style action: business parameters in the query, an empty body.
#[derive(Debug)]
pub(crate) struct ApiCall<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) action: &'static str,
    pub(crate) version: &'static str,
    pub(crate) query: &'a [(Cow<'a, str>, Cow<'a, str>)],
}

/// What bounds a call, and whose it is.
pub(crate) struct Limit<'a> {
    pub(crate) deadline: Instant64,
    pub(crate) closed: &'a AtomicBool,
    /// The secret's name, for the observer.
    pub(crate) name: &'a str,
}

/// How a call was answered: with what, signed by whom, after how many requests.
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) credentials: Credentials,
    pub(crate) attempts: u32,
}

/// The transport with its limits; shared by all principals of a client.
pub(crate) struct OpenApi {
    pub(crate) fetch: Arc<dyn DynFetch>,
    pub(crate) clock: Clock,
    pub(crate) policy: RetryPolicy,
    pub(crate) bucket: Guarded<Bucket>,
    pub(crate) watch: Watch,
}

impl OpenApi {
    /// How long a leader's lease runs when it starts.
    pub(crate) fn first_lease(&self) -> Duration {
        self.policy.attempt_timeout.saturating_add(GRACE)
    }

    /// Sends the call until it is answered. `renew` prolongs the caller's lease before each wait.
    pub(crate) async fn call(
        &self,
        call: &ApiCall<'_>,
        credentials: &CachedCredentials,
        limit: &Limit<'_>,
        renew: impl Fn(Instant64) + MaybeSend + MaybeSync,
    ) -> Result<Answer> {
        let closed = |sent| match limit.closed.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Closed, "").with_attempts(sent)),
            false => Ok(()),
        };
        let mut attempts = Attempts::default();
        let mut key: Option<Credentials> = None;
        let mut last: Option<Error> = None;
        loop {
            closed(attempts.sent)?;
            if self.clock.now().mono >= limit.deadline {
                return Err(out_of_time(last, attempts.sent));
            }
            let current = match key.take().filter(|k| k.expiration().is_none()) {
                Some(current) => current,
                None => match credentials.get(&self.clock, limit.deadline).await {
                    Ok(current) => current,
                    // A provider that only repeats what was refused: the refusal says more.
                    Err(e) if e.kind() == ErrorKind::CredentialsRejected && last.is_some() => {
                        return Err(last.unwrap_or(e));
                    }
                    Err(e) => return Err(e.with_attempts(attempts.sent)),
                },
            };
            // The provider may have taken a while.
            closed(attempts.sent)?;
            let timeout = attempt_timeout(&self.policy, self.clock.now().mono, limit.deadline);
            renew(self.clock.now().mono.after(timeout).after(GRACE));
            let outcome = self.attempt(call, &current, timeout).await;
            attempts.sent = attempts.sent.saturating_add(1);
            let failure = match outcome {
                Ok(response) => {
                    self.bucket.with(|b| b.refund(attempts.retried()));
                    return Ok(Answer { response, credentials: current, attempts: attempts.sent });
                }
                Err(failure) => self.renewable(failure, credentials, &current),
            };
            let now = self.clock.now().mono;
            let random = self.clock.random()?;
            let decision =
                self.bucket.with(|b| attempts.decide(&failure, &self.policy, b, now, limit.deadline, random));
            let error = failure.error.with_attempts(attempts.sent);
            if error.kind() == ErrorKind::Throttled {
                self.watch.emit(
                    EventKind::Throttle,
                    limit.name,
                    error.retry_after().unwrap_or_default(),
                    Some(error.kind()),
                );
            }
            let Decision::Again(wait) = decision else { return Err(error) };
            self.watch.emit(EventKind::Retry, limit.name, wait, Some(error.kind()));
            if !matches!(failure.cause, Cause::Key { .. }) {
                key = Some(current);
            }
            last = Some(error);
            if !wait.is_zero() {
                renew(now.after(wait).after(GRACE));
                self.clock.sleep(wait).await;
            }
        }
    }

    /// Drops refused credentials, and notes whether others may be had.
    fn renewable(&self, mut failure: Failure, source: &CachedCredentials, refused: &Credentials) -> Failure {
        if let Cause::Key { renewable } = &mut failure.cause {
            *renewable = source.reject(refused, self.clock.now());
        }
        failure
    }

    /// Signs with a new nonce and the corrected date, sends once, and sorts the answer.
    async fn attempt(
        &self,
        call: &ApiCall<'_>,
        credentials: &Credentials,
        timeout: Duration,
    ) -> std::result::Result<Response, Failure> {
        let plain = |error: Error| Failure { error, cause: Cause::Plain };
        let request = Acs3Request {
            method: Method::Post,
            host: call.endpoint.authority(),
            path: "/",
            action: call.action,
            version: call.version,
            query: call.query,
            headers: &[],
            body: &[],
        };
        let nonce = self.clock.nonce().map_err(plain)?;
        let ahead = self.clock.ahead();
        let mut signed = sign(&request, Some(credentials), self.clock.corrected().wall, &nonce);
        let mut headers = std::mem::take(&mut signed.headers);
        headers.push((Cow::Borrowed("accept"), String::from("application/json")));
        headers.push((Cow::Borrowed("user-agent"), String::from(USER_AGENT)));
        let request = Request {
            method: Method::Post,
            url: call.endpoint.url(&signed.query),
            headers,
            body: Vec::new(),
            timeout,
            max_body: MAX_BODY,
        };
        let answer = match race(self.fetch.fetch(request), self.clock.sleep(timeout)).await {
            Either::Left(answer) => answer,
            Either::Right(()) => Err(FetchError::new(FetchErrorKind::Timeout)),
        };
        match answer {
            Ok(response) => self.sort(response, &signed, ahead),
            Err(e) => Err(no_answer(&e)),
        }
    }

    /// An answer is a success, or a failure with its cause. Every answer's `Date` teaches the clock.
    /// `ahead` is the correction that the request was signed with.
    fn sort(
        &self,
        response: Response,
        signed: &Signed,
        ahead: i64,
    ) -> std::result::Result<Response, Failure> {
        let too_large = response.body().len() > MAX_BODY;
        if too_large || (200..300).contains(&response.status()) {
            self.clock.learn(response.header("date"), false);
            let refused = || no_answer(&FetchError::new(FetchErrorKind::BodyTooLarge));
            return if too_large { Err(refused()) } else { Ok(response) };
        }
        let Refusal { error, code } = error_body::decode(&response, signed);
        let about_time = code.as_deref().is_some_and(is_clock_code);
        self.clock.learn(response.header("date"), about_time);
        let learnt = self.clock.changed_since(ahead);
        let cause = match code.as_deref() {
            Some("SignatureNonceUsed") => Cause::Nonce,
            Some(_) if about_time => Cause::Clock { learnt },
            Some(code) if is_key_code(code) => Cause::Key { renewable: false },
            _ => Cause::Plain,
        };
        Err(Failure { error, cause })
    }
}

const USER_AGENT: &str = concat!("simsim/", env!("CARGO_PKG_VERSION"));

fn no_answer(e: &FetchError) -> Failure {
    let (kind, what) = match e.kind() {
        FetchErrorKind::Connect => (ErrorKind::Transport, "no connection"),
        FetchErrorKind::StaleConnection => (ErrorKind::Transport, "a kept connection was dead"),
        FetchErrorKind::Interrupted => (ErrorKind::Transport, "the answer was cut off"),
        FetchErrorKind::Timeout => (ErrorKind::Timeout, "the attempt's time is over"),
        FetchErrorKind::BodyTooLarge => (ErrorKind::Protocol, "the answer is larger than 1 MiB"),
        FetchErrorKind::Redirected => (ErrorKind::Protocol, "the answer was redirected; check the endpoint"),
        FetchErrorKind::Unsupported => (ErrorKind::Unsupported, "the transport refused the request"),
    };
    let error = match e.code() {
        Some(code) => Error::new(kind, [what, " (", code, ")"].concat()),
        None => Error::new(kind, what),
    };
    let stale = e.kind() == FetchErrorKind::StaleConnection;
    Failure { error, cause: if stale { Cause::StaleConnection } else { Cause::Plain } }
}
