//! The only loop: credentials → sign → send → decide, until an answer, a final failure or the deadline.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::cached::CachedCredentials;
use crate::error::{Error, ErrorKind, Result, is_clock_code, is_key_code};
use crate::gateway::error_body::{self, Evidence, Refusal};
use crate::http::retry::{
    Attempts, Bucket, Cause, Decision, Failure, RetryPolicy, attempt_timeout, out_of_time,
};
use crate::http::{DynFetch, FetchError, FetchErrorKind, Method, Request, Response};
use crate::lease::Renew;
use crate::observe::{EventKind, Watch};
use crate::region::Endpoint;
use crate::runtime::Clock;
use crate::signing::acs3::{Acs3Request, sign};
use crate::sync::Guarded;
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
    pub(crate) endpoint: Endpoint,
    pub(crate) action: &'static str,
    pub(crate) version: &'static str,
    pub(crate) query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// What bounds a call, and whose it is.
pub(crate) struct Limit<'a> {
    pub(crate) deadline: Instant64,
    pub(crate) closed: &'a AtomicBool,
    /// The secret's name, for the observer.
    pub(crate) name: &'a str,
    /// Prolonged before each wait.
    pub(crate) lease: &'a dyn Renew,
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
        Duration::from_millis(self.policy.attempt_timeout).saturating_add(GRACE)
    }

    /// Sends the call until it is answered.
    pub(crate) async fn call(
        &self,
        call: &ApiCall<'_>,
        credentials: &CachedCredentials,
        limit: &Limit<'_>,
    ) -> Result<Answer> {
        let mut course = Course {
            api: self,
            call,
            source: credentials,
            limit,
            attempts: Attempts::default(),
            key: None,
            ahead: 0,
            last: None,
        };
        loop {
            course.in_time()?;
            let key = match course.key.take() {
                Some(key) => key,
                None => course.obtained(credentials.get(&self.clock, limit.deadline).await)?,
            };
            let (request, evidence) = course.request(&key)?;
            let timeout = request.timeout;
            let answer = self.clock.within(timeout, self.fetch.fetch(request)).await;
            match course.judge(answer, &evidence, key)? {
                Verdict::Answered(answer) => return Ok(answer),
                Verdict::Again(wait) if wait.is_zero() => {}
                Verdict::Again(wait) => self.clock.sleep(wait).await,
            }
        }
    }

    /// An answer is a success, or a failure with its cause. Every answer's `Date` teaches the clock.
    /// `ahead` is the correction that the request was signed with.
    fn sort(
        &self,
        response: Response,
        evidence: &Evidence,
        ahead: i64,
    ) -> std::result::Result<Response, Failure> {
        let too_large = response.body().len() > MAX_BODY;
        if too_large || (200..300).contains(&response.status()) {
            self.clock.learn(response.header("date"), false);
            let refused = || no_answer(&FetchError::new(FetchErrorKind::BodyTooLarge));
            return if too_large { Err(refused()) } else { Ok(response) };
        }
        let Refusal { error, code } = error_body::decode(&response, evidence);
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

/// What follows an attempt that was not the last failure.
enum Verdict {
    Answered(Answer),
    Again(Duration),
}

/// One call on its way: everything between two waits.
struct Course<'a> {
    api: &'a OpenApi,
    call: &'a ApiCall<'a>,
    source: &'a CachedCredentials,
    limit: &'a Limit<'a>,
    attempts: Attempts,
    /// What to sign with next.
    key: Option<Credentials>,
    /// The clock's correction that the last request was signed with.
    ahead: i64,
    /// The last failure.
    last: Option<Error>,
}

impl Course<'_> {
    fn not_closed(&self) -> Result<()> {
        match self.limit.closed.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Closed, "").with_attempts(self.attempts.sent)),
            false => Ok(()),
        }
    }

    fn in_time(&mut self) -> Result<()> {
        self.not_closed()?;
        if self.api.clock.now().mono >= self.limit.deadline {
            return Err(out_of_time(self.last.take(), self.attempts.sent));
        }
        Ok(())
    }

    fn obtained(&mut self, obtained: Result<Credentials>) -> Result<Credentials> {
        // The provider may have taken a while.
        let error = match obtained {
            Ok(key) => return self.not_closed().map(|()| key),
            Err(error) => error,
        };
        // A provider that only repeats what was refused: the refusal says more.
        let refusal = self.last.take().filter(|_| error.kind() == ErrorKind::CredentialsRejected);
        Err(refusal.unwrap_or_else(|| error.with_attempts(self.attempts.sent)))
    }

    /// Signs with a new nonce and the corrected date.
    fn request(&mut self, key: &Credentials) -> Result<(Request, Evidence)> {
        let (api, call) = (self.api, self.call);
        self.ahead = api.clock.ahead();
        let now = api.clock.corrected();
        let timeout = attempt_timeout(&api.policy, now.mono, self.limit.deadline);
        self.limit.lease.renew(now.mono.after(timeout).after(GRACE));
        let request = Acs3Request {
            method: Method::Post,
            host: call.endpoint.authority(),
            path: "/",
            action: call.action,
            version: call.version,
            query: &call.query,
            headers: &[],
            body: &[],
        };
        let nonce = api.clock.nonce()?;
        let mut signed = sign(&request, Some(key), now.wall, &nonce);
        let mut headers = std::mem::take(&mut signed.headers);
        headers.push((Cow::Borrowed("accept"), String::from("application/json")));
        headers.push((Cow::Borrowed("user-agent"), String::from(USER_AGENT)));
        let url = call.endpoint.url(&signed.query);
        let (method, body) = (Method::Post, Vec::new());
        Ok((Request { method, url, headers, body, timeout, max_body: MAX_BODY }, signed.into()))
    }

    /// An answer, or what follows the failure; no answer at all means that the attempt's time was over.
    fn judge(
        &mut self,
        answer: Option<std::result::Result<Response, FetchError>>,
        evidence: &Evidence,
        key: Credentials,
    ) -> Result<Verdict> {
        let (api, limit) = (self.api, self.limit);
        self.attempts.sent = self.attempts.sent.saturating_add(1);
        let sorted = match answer.unwrap_or_else(|| Err(FetchError::new(FetchErrorKind::Timeout))) {
            Ok(response) => api.sort(response, evidence, self.ahead),
            Err(e) => Err(no_answer(&e)),
        };
        let mut failure = match sorted {
            Ok(response) => {
                api.bucket.with(|b| b.refund(self.attempts.retried()));
                let attempts = self.attempts.sent;
                return Ok(Verdict::Answered(Answer { response, credentials: key, attempts }));
            }
            Err(failure) => failure,
        };
        if let Cause::Key { renewable } = &mut failure.cause {
            *renewable = self.source.reject(&key, api.clock.now());
        } else if key.expiration().is_none() {
            self.key = Some(key);
        }
        let now = api.clock.now().mono;
        let random = api.clock.random()?;
        let decision =
            api.bucket.with(|b| self.attempts.decide(&failure, &api.policy, b, now, limit.deadline, random));
        let error = failure.error.with_attempts(self.attempts.sent);
        let kind = error.kind();
        if kind == ErrorKind::Throttled {
            let asked = error.retry_after().unwrap_or_default();
            api.watch.emit(EventKind::Throttle, limit.name, asked, Some(kind));
        }
        let Decision::Again(wait) = decision else { return Err(error) };
        api.watch.emit(EventKind::Retry, limit.name, wait, Some(kind));
        self.last = Some(error);
        limit.lease.renew(now.after(wait).after(GRACE));
        Ok(Verdict::Again(wait))
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
