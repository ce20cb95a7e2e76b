//! The only loop: credentials → sign → send → decide, until an answer, a final failure or the deadline.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::cached::CachedCredentials;
use crate::error::{Error, ErrorKind, Result, is_key_code};
use crate::gateway::error_body::{self, Evidence};
use crate::http::retry::{
    Attempts, Bucket, Cause, Decision, Failure, RetryPolicy, attempt_timeout, out_of_time,
};
use crate::http::{DynFetch, FetchError, FetchErrorKind, Method, Request, Response};
use crate::lease::{Lease, Renew};
use crate::observe::{EventKind, Watch};
use crate::region::{Endpoint, Network, is_near};
use crate::runtime::{Clock, Ours, Within};
use crate::sensitive::Sensitive;
use crate::signing::acs3::{Acs3Request, sign};
use crate::sync::{Guarded, MaybeSend, MaybeSync};
use crate::time::{Instant64, Timestamp, millis};
use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// The largest answer that is read, in bytes (a KMS value has at most 30,720).
const MAX_BODY: usize = 1024 * 1024;
/// How many milliseconds longer than an attempt its leader's lease runs.
pub(crate) const GRACE: u64 = 250;

/// One call of an RPC-style action: business parameters in the query, or encoded as a form in the body.
pub(crate) struct ApiCall<'a, B = ()> {
    pub(crate) endpoint: Endpoint,
    pub(crate) action: &'static str,
    pub(crate) version: &'static str,
    pub(crate) query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(crate) body: B,
}

/// What a call has for a body. A type, so that a program whose calls have none links nothing of it.
pub(crate) trait Body {
    const HEADERS: &'static [(Cow<'static, str>, Cow<'static, str>)] = &[];
    fn bytes(&self) -> &[u8] {
        &[]
    }
    /// The query of such a call where it is not signed; none where all are.
    fn unsigned(_action: &'static str, _version: &'static str, _date: Timestamp) -> Option<Pairs> {
        None
    }
}

type Pairs = Vec<(Cow<'static, str>, Cow<'static, str>)>;

impl Body for () {}

/// Encoded parameters that must not be in an address: tokens, policies.
pub(crate) struct Form(pub(crate) Sensitive<String>);

impl Body for Form {
    const HEADERS: &'static [(Cow<'static, str>, Cow<'static, str>)] =
        &[(Cow::Borrowed("content-type"), Cow::Borrowed("application/x-www-form-urlencoded"))];

    fn bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }

    /// Beside the headers, and read in place of them where no signature says that they count. Without a format the
    /// answer is XML. Source: what the official STS client sends for calls without a signature.
    fn unsigned(action: &'static str, version: &'static str, date: Timestamp) -> Option<Pairs> {
        let pair = |name, value| (Cow::Borrowed(name), value);
        Some(vec![
            pair("Action", Cow::Borrowed(action)),
            pair("Format", Cow::Borrowed("JSON")),
            pair("Timestamp", Cow::Owned(date.to_iso())),
            pair("Version", Cow::Borrowed(version)),
        ])
    }
}

/// What bounds a call, and whose it is.
#[derive(Clone, Copy)]
pub(crate) struct Limit<'a> {
    pub(crate) deadline: Instant64,
    pub(crate) closed: &'a AtomicBool,
    /// The secret's name, for the observer.
    pub(crate) name: &'a str,
    /// Prolonged before each wait.
    pub(crate) lease: &'a dyn Renew,
    /// Where a session is renewed that is due and still serves; nowhere: as a part of the call.
    pub(crate) behind: Option<&'a dyn Behind>,
    /// How many more requests may be sent.
    pub(crate) requests: &'a AtomicU32,
    /// Where the calls of one client go: what a provider's own calls follow.
    pub(crate) place: Place<'a>,
}

/// The client whose session it is: leads its renewal behind the answer, and learns whose it is.
pub(crate) trait Behind: MaybeSend + MaybeSync {
    /// Whether it will be done: not where nothing can run behind an answer. The lease is given up then.
    fn renew(&self, lease: Lease<Result<Credentials>>, old: &Credentials) -> bool;

    /// Notes whose session the provider gave: what was cached for one principal is never answered to another.
    fn given(&self, _credentials: &Credentials) {}
}

/// The region that is worked in, where it is known, and from which network.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub(crate) region: Option<&'a str>,
    pub(crate) network: Network,
}

/// The transport, and what bounds its use: all that is needed to ask for something upstream.
#[derive(Clone, Copy)]
pub(crate) struct Upstream<'a> {
    pub(crate) api: &'a OpenApi,
    pub(crate) limit: &'a Limit<'a>,
}

/// How a call was answered: with what, after how many requests.
pub(crate) struct Answer {
    pub(crate) response: Response,
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
    /// Sends the call until it is answered, signed with these credentials, or not signed.
    pub(crate) fn call<'a, B: Body>(
        &'a self,
        call: &'a ApiCall<'_, B>,
        credentials: Option<&'a CachedCredentials>,
        limit: &'a Limit<'_>,
    ) -> impl Future<Output = Result<Answer>> {
        let mut course = Course {
            api: self,
            call,
            source: credentials,
            limit,
            attempts: Attempts::default(),
            key: None,
            ahead: 0,
            pause: 0,
            last: None,
        };
        // Not an `async fn`: its future would hold what it is given a second time, beside the course.
        async move {
            loop {
                course.in_time()?;
                if let (None, Some(source)) = (&course.key, course.source) {
                    let obtained = source.get(Upstream { api: course.api, limit: course.limit }).await;
                    course.obtained(obtained)?;
                }
                let (sent, evidence) = course.send()?;
                let answer = sent.await;
                if let Some(answer) = course.judge(answer, &evidence)? {
                    return Ok(answer);
                }
                if course.pause > 0 {
                    course.api.clock.sleep(course.pause).await;
                }
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
        signed: bool,
    ) -> std::result::Result<Response, Failure> {
        let success = (200..300).contains(&response.status());
        let refused = if success { None } else { Some(error_body::decode(&response, evidence)) };
        let about_time = refused.as_ref().is_some_and(|error| error.kind() == ErrorKind::ClockSkew);
        let ours = if signed { Ours::Accepted } else { Ours::Unsaid };
        self.clock.learn(response.header("date"), if about_time { Ours::Refused } else { ours });
        let Some(error) = refused else { return Ok(response) };
        let learnt = self.clock.changed_since(ahead);
        let cause = match error.service_code().unwrap_or_default() {
            "SignatureNonceUsed" => Cause::Nonce,
            _ if about_time => Cause::Clock { learnt },
            code if is_key_code(code) => Cause::Key { renewable: false },
            _ => Cause::Plain,
        };
        Err(Failure { error, cause })
    }
}

/// One call on its way: everything between two waits.
struct Course<'a, B> {
    api: &'a OpenApi,
    call: &'a ApiCall<'a, B>,
    source: Option<&'a CachedCredentials>,
    limit: &'a Limit<'a>,
    attempts: Attempts,
    /// What is signed with.
    key: Option<Credentials>,
    /// The clock's correction that the last request was signed with.
    ahead: i64,
    /// For how many milliseconds nothing is sent after the last failure.
    pause: u64,
    /// The last failure.
    last: Option<Error>,
}

impl<'a, B: Body> Course<'a, B> {
    fn not_closed(&self) -> Result<()> {
        match self.limit.closed.load(Ordering::Relaxed) {
            true => Err(Error::closed().with_attempts(self.attempts.sent)),
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

    /// Takes the key to sign with; none where the service is first to be heard on what time it is.
    fn obtained(&mut self, obtained: Result<Credentials>) -> Result<()> {
        match obtained {
            Ok(key) => self.key = Some(key),
            Err(error) if error.kind() == ErrorKind::ClockSkew && self.attempts.sent == 0 => {}
            Err(error) => return Err(error.with_attempts(self.attempts.sent)),
        }
        // The provider may have taken a while.
        self.not_closed()
    }

    /// Signs with a new nonce and the corrected date, and sends for as long as one attempt may take.
    fn send(&mut self) -> Result<(Within<'a, Arrival>, Evidence)> {
        let (api, call, key) = (self.api, self.call, self.key.as_ref());
        self.limit.take_request().map_err(|e| e.with_attempts(self.attempts.sent))?;
        self.ahead = api.clock.ahead();
        let now = api.clock.corrected();
        let timeout = attempt_timeout(&api.policy, now.mono, self.limit.deadline);
        self.limit.lease.renew(now.mono.plus(timeout).plus(GRACE));
        let unsigned = match key {
            Some(_) => None,
            None => B::unsigned(call.action, call.version, now.wall),
        };
        let request = Acs3Request {
            method: Method::Post,
            host: call.endpoint.authority(),
            path: "/",
            action: call.action,
            version: call.version,
            query: unsigned.as_ref().unwrap_or(&call.query),
            headers: B::HEADERS,
            body: call.body.bytes(),
        };
        let nonce = api.clock.nonce()?;
        let signed = sign(&request, key, now.wall, &nonce);
        let mut headers = signed.headers;
        headers.push((Cow::Borrowed("accept"), String::from("application/json")));
        headers.push((Cow::Borrowed("user-agent"), String::from(USER_AGENT)));
        let url = call.endpoint.url(&signed.query);
        let (method, body) = (Method::Post, request.body.to_vec());
        let request = Request {
            method,
            url,
            headers,
            body,
            timeout: Duration::from_millis(timeout),
            max_body: MAX_BODY,
        };
        let sent = api.clock.within(timeout, api.fetch.fetch(request));
        Ok((sent, Evidence::new(signed.canonical_request)))
    }

    /// The answer, or nothing where the failure is not the last word.
    fn judge(&mut self, answer: Option<Arrival>, evidence: &Evidence) -> Result<Option<Answer>> {
        let (api, limit, key) = (self.api, self.limit, self.key.take());
        let sorted = match arrived(answer, MAX_BODY) {
            Ok(response) => api.sort(response, evidence, self.ahead, key.is_some()),
            Err(failure) => Err(failure),
        };
        if !matches!(&sorted, Err(failure) if failure.error.kind() == ErrorKind::BudgetExceeded) {
            self.attempts.sent = self.attempts.sent.saturating_add(1);
        }
        let mut failure = match sorted {
            Ok(response) => {
                api.bucket.with(|b| b.refund(self.attempts.retried()));
                let attempts = self.attempts.sent;
                return Ok(Some(Answer { response, attempts }));
            }
            Err(failure) => failure,
        };
        if key.is_none() && self.source.is_some() {
            if api.clock.has_heard() {
                self.pause = 0;
                return Ok(None);
            }
            // A refusal of what was not signed says nothing of the secret, and this one told no time either.
            if failure.error.kind().consequence().purge {
                let refusal = Some(failure.error);
                failure.error = Error::caused(ErrorKind::CredentialsUnavailable, OVER.into(), refusal, 0);
            }
        }
        match (&mut failure.cause, key, self.source) {
            (Cause::Key { renewable }, Some(key), Some(source)) => {
                *renewable = source.reject(&key, &failure.error, api.clock.now());
            }
            (_, key, _) => self.key = key.filter(|key| key.expiration().is_none()),
        }
        let now = api.clock.now().mono;
        let random = api.clock.random()?;
        let decision =
            api.bucket.with(|b| self.attempts.decide(&failure, &api.policy, b, now, limit.deadline, random));
        let error = failure.error.with_attempts(self.attempts.sent);
        let kind = error.kind();
        if kind == ErrorKind::Throttled {
            api.watch.emit(EventKind::Throttle, limit.name, error.wait(), Some(kind));
        }
        let Decision::Again(wait) = decision else { return Err(error) };
        api.watch.emit(EventKind::Retry, limit.name, wait, Some(kind));
        self.last = Some(error);
        limit.lease.renew(now.plus(wait).plus(GRACE));
        self.pause = wait;
        Ok(None)
    }
}

impl Limit<'_> {
    /// Counts a request that is about to be sent.
    fn take_request(&self) -> Result<()> {
        // A call is at one thing at a time: nobody counts between the two.
        let Some(left) = self.requests.load(Ordering::Relaxed).checked_sub(1) else {
            return Err(Error::new(ErrorKind::BudgetExceeded, MORE));
        };
        self.requests.store(left, Ordering::Relaxed);
        Ok(())
    }
}

impl Upstream<'_> {
    /// One exchange that is no call of the gateway: instance metadata, a credentials URI. Not signed, not tried again.
    #[expect(clippy::manual_async_fn, reason = "the future of an async fn holds what it is given twice")]
    pub(crate) fn exchange(self, mut request: Request) -> impl Future<Output = Result<Response>> {
        async move {
            let elsewhere = !is_near(&request.url);
            self.limit.take_request()?;
            let clock = &self.api.clock;
            let now = clock.now().mono;
            let timeout = millis(request.timeout).min(self.limit.deadline.past(now));
            request.timeout = Duration::from_millis(timeout);
            self.limit.lease.renew(now.plus(timeout).plus(GRACE));
            let max_body = request.max_body;
            let answer = clock.within(timeout, self.api.fetch.fetch(request)).await;
            let response = arrived(answer, max_body).map_err(|failure| failure.error)?;
            // This machine knows no more of the time than the client does.
            if elsewhere {
                clock.learn(response.header("date"), Ours::Unsaid);
            }
            Ok(response)
        }
    }
}

/// Why a call ends whose session is over by the local clock, which nobody confirms.
const OVER: &str = "the session seems over, and no answer tells the time";

/// Why a call ends whose budget of requests is used up.
const MORE: &str = "more would be needed; allow more per call";

/// What all requests say of their sender.
pub(crate) const USER_AGENT: &str = concat!("simsim/", env!("CARGO_PKG_VERSION"));

/// What came of a request, unless its time was over.
type Arrival = std::result::Result<Response, FetchError>;

/// An answer of at most so many bytes, or why there is none.
fn arrived(answer: Option<Arrival>, max_body: usize) -> std::result::Result<Response, Failure> {
    let e = match answer {
        Some(Ok(response)) if response.body().len() <= max_body => return Ok(response),
        Some(Ok(_)) => FetchError::new(FetchErrorKind::BodyTooLarge),
        Some(Err(e)) => e,
        None => FetchError::new(FetchErrorKind::Timeout),
    };
    let (kind, what) = match e.kind() {
        FetchErrorKind::Connect => (ErrorKind::Transport, "no connection"),
        FetchErrorKind::StaleConnection => (ErrorKind::Transport, "a kept connection was dead"),
        FetchErrorKind::Interrupted => (ErrorKind::Transport, "the answer was cut off"),
        FetchErrorKind::Timeout => (ErrorKind::Timeout, "the attempt's time is over"),
        FetchErrorKind::BodyTooLarge => (ErrorKind::Protocol, "the answer is larger than allowed"),
        FetchErrorKind::Redirected => (ErrorKind::Protocol, "the answer was redirected; check the endpoint"),
        FetchErrorKind::Unsupported => (ErrorKind::Unsupported, "the transport refused the request"),
        FetchErrorKind::OverBudget => (ErrorKind::BudgetExceeded, MORE),
    };
    let error = match e.code() {
        Some(code) => Error::new(kind, [what, " (", code, ")"].concat()),
        None => Error::new(kind, what),
    };
    let stale = e.kind() == FetchErrorKind::StaleConnection;
    Err(Failure { error, cause: if stale { Cause::StaleConnection } else { Cause::Plain } })
}
