//! Faults on demand: what goes wrong, for which requests, how often.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::secret::plain_name;
use crate::service::Service;
use std::time::Duration;

/// One kind of trouble, waiting for the requests that it matches.
///
/// Faults wait in the order in which they were injected and the first match wins. A fault stays until
/// [`Emulator::clear_faults`](crate::Emulator::clear_faults) unless [`times`](Fault::times) limits it.
///
/// Faults that replace the answer (a status, an empty body, HTML, XML, a redirect) do so only for requests whose
/// signature holds: a request that is badly signed, or reuses a nonce, is told so even then and does not use the
/// fault up. So a client that does not sign each attempt anew is found out under fire as well. Requests that need no
/// signature meet every fault.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) kind: FaultKind,
    times: Option<u32>,
    service: Option<Service>,
    action: Option<String>,
    secret: Option<String>,
    host: Option<String>,
    pub(crate) retry_after_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Status(u16, String),
    SlowHeaders(Duration),
    SlowBody(Duration),
    Hang,
    Reset,
    Unreachable,
    Truncated,
    Oversized,
    Malformed,
    EmptyBody(u16),
    Html(u16),
    Xml(u16, String),
    Redirect(String),
    WrongDate(i64),
}

impl Fault {
    fn of(kind: FaultKind) -> Self {
        let (service, action, secret, host) = (None, None, None, None);
        Self { kind, times: None, service, action, secret, host, retry_after_ms: None }
    }

    /// 429 `Rejected.Throttling`.
    pub fn throttle() -> Self {
        Self::status(429, "Rejected.Throttling")
    }

    /// A JSON error with that status and code.
    pub fn status(status: u16, code: impl Into<String>) -> Self {
        Self::of(FaultKind::Status(status, code.into()))
    }

    /// The true answer, late.
    pub fn slow_headers(delay: Duration) -> Self {
        Self::of(FaultKind::SlowHeaders(delay))
    }

    /// The true answer's headers at once and its body late.
    pub fn slow_body(delay: Duration) -> Self {
        Self::of(FaultKind::SlowBody(delay))
    }

    /// No answer, ever, on a connection that stays open.
    pub fn hang() -> Self {
        Self::of(FaultKind::Hang)
    }

    /// The connection is reset after the request was read.
    pub fn reset() -> Self {
        Self::of(FaultKind::Reset)
    }

    /// No connection at all. (A server that is already listening cannot refuse one: there it is a reset.)
    pub fn unreachable() -> Self {
        Self::of(FaultKind::Unreachable)
    }

    /// The true answer, cut off in the middle of its body.
    pub fn truncated() -> Self {
        Self::of(FaultKind::Truncated)
    }

    /// The true answer followed by 2 MiB of white space: only its size is wrong.
    pub fn oversized() -> Self {
        Self::of(FaultKind::Oversized)
    }

    /// The true answer made into broken JSON, with the value still in it.
    pub fn malformed() -> Self {
        Self::of(FaultKind::Malformed)
    }

    /// A status without a body.
    pub fn empty_body(status: u16) -> Self {
        Self::of(FaultKind::EmptyBody(status))
    }

    /// The HTML page of some proxy.
    pub fn html(status: u16) -> Self {
        Self::of(FaultKind::Html(status))
    }

    /// An error in XML although JSON was asked for.
    pub fn xml(status: u16, code: impl Into<String>) -> Self {
        Self::of(FaultKind::Xml(status, code.into()))
    }

    /// A 302 to that address.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::of(FaultKind::Redirect(location.into()))
    }

    /// The true answer with its `Date` header off by that many milliseconds.
    pub fn wrong_date(offset_ms: i64) -> Self {
        Self::of(FaultKind::WrongDate(offset_ms))
    }

    /// [`throttle`](Fault::throttle) with an `x-acs-retry-after` header in milliseconds.
    pub fn retry_after_ms(ms: u64) -> Self {
        Self::throttle().retry_after(ms)
    }

    /// Only the next `n` matching requests.
    #[must_use]
    pub fn times(mut self, n: u32) -> Self {
        self.times = Some(n);
        self
    }

    /// Only requests to that service: an outage of STS alone is `Fault::unreachable().for_service(Service::Sts)`.
    #[must_use]
    pub fn for_service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only requests of that action, under the name that the log has for it.
    #[must_use]
    pub fn for_action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Only requests for the secret of that name (of an ARN: its name, in every account and region).
    #[must_use]
    pub fn for_secret(mut self, name: impl Into<String>) -> Self {
        self.secret = Some(plain_name(&name.into()).to_owned());
        self
    }

    /// Only requests to that host (as sent: lower case, with a port that is not the scheme's own).
    #[must_use]
    pub fn for_host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Adds an `x-acs-retry-after` header, in milliseconds.
    #[must_use]
    pub fn retry_after(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// Whether it stands in the place of the answer, rather than changing how the true one is sent.
    pub(crate) fn replaces(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Status(..)
                | FaultKind::EmptyBody(_)
                | FaultKind::Html(_)
                | FaultKind::Xml(..)
                | FaultKind::Redirect(_)
        )
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        self.times != Some(0)
            && self.service.is_none_or(|wanted| target.service == Some(wanted))
            && self.action.as_deref().is_none_or(|wanted| wanted == target.action)
            && self.host.as_deref().is_none_or(|wanted| wanted == target.host)
            && self.secret.as_ref().is_none_or(|wanted| target.secrets.contains(wanted))
    }
}

/// What a fault can tell requests apart by.
pub(crate) struct Target<'a> {
    pub(crate) service: Option<Service>,
    pub(crate) action: &'a str,
    pub(crate) secrets: &'a [String],
    pub(crate) host: &'a str,
}

/// The faults that wait.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first match and its place; it is not used up yet.
    pub(crate) fn find(&self, target: &Target<'_>) -> Option<(usize, Fault)> {
        let (at, fault) = self.0.iter().enumerate().find(|(_, fault)| fault.matches(target))?;
        Some((at, fault.clone()))
    }

    /// Uses the fault at that place once.
    pub(crate) fn spend(&mut self, at: usize) {
        let Some(times) = self.0.get_mut(at).and_then(|fault| fault.times.as_mut()) else { return };
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.0.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_fault_wins_and_goes_when_it_is_used_up() {
        let mut faults = Faults::default();
        faults.add(Fault::hang().for_secret("acs:kms:cn-hangzhou:12:secret/a").times(2));
        faults.add(Fault::reset().for_action("AssumeRole"));
        faults.add(Fault::throttle().for_host("h"));
        faults.add(Fault::truncated().for_service(Service::Metadata));
        let secrets = ["a".to_owned()];
        let get =
            |host| Target { service: Some(Service::Kms), action: "GetSecretValue", secrets: &secrets, host };
        let assume = |host| Target { service: Some(Service::Sts), action: "AssumeRole", secrets: &[], host };
        for _ in 0..2 {
            let (at, fault) = faults.find(&get("x")).unwrap();
            assert_eq!(fault.kind, FaultKind::Hang);
            faults.spend(at);
        }
        assert!(faults.find(&get("x")).is_none());
        assert_eq!(faults.find(&assume("x")).unwrap().1.kind, FaultKind::Reset);
        assert!(faults.find(&get("h")).is_some());
        let metadata = Target { service: Some(Service::Metadata), ..get("x") };
        assert_eq!(faults.find(&metadata).unwrap().1.kind, FaultKind::Truncated);
        faults.clear();
        assert!(faults.find(&assume("h")).is_none());
    }
}
