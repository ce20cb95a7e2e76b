//! The one pass of a request through the emulator: claim, fault, verification, quota, action, log.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::accounts::{Accounts, Caller};
use crate::answer::{Answer, Envelope, Format, Page, Reply, ServiceError};
use crate::credentials_uri::Endpoint;
use crate::entropy::Entropy;
use crate::fault::{Fault, FaultKind, Faults};
use crate::journal::{Journal, LoggedCall, claimed};
use crate::kms::{self, Call, Outcome};
use crate::metadata::{self, Metadata};
use crate::nonces::Nonces;
use crate::oidc::Federation;
use crate::quota::Quota;
use crate::request::Incoming;
use crate::route::{Ask, Route};
use crate::secret::Vault;
use crate::service::Service;
use crate::sts;
use crate::verify::Claim;
use serde_json::{Map, Value};
use simsim::{Now, Timestamp};

/// How much white space makes an answer oversized.
const OVERSIZE: usize = 2 * 1024 * 1024;

/// When a request is handled, and the randomness for it.
pub(crate) struct Moment {
    pub(crate) now: Now,
    pub(crate) seed: [u8; 32],
}

/// What is asked for by somebody who may ask.
enum Verified {
    Api(Box<Claim>, Caller),
    Metadata(metadata::Ask),
    CredentialsUri,
}

/// What came of it.
enum Done {
    /// An API's result, which still lacks the id of the request.
    Result(Map<String, Value>),
    Page(Page),
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) accounts: Accounts,
    pub(crate) federation: Federation,
    pub(crate) vault: Vault,
    pub(crate) faults: Faults,
    pub(crate) quota: Quota,
    pub(crate) journal: Journal,
    pub(crate) metadata: Metadata,
    pub(crate) endpoint: Endpoint,
    pub(crate) clock_offset_ms: i64,
    nonces: Nonces,
    serial: u64,
}

impl State {
    /// The server's clock.
    pub(crate) fn clock(&self, wall: Timestamp) -> Timestamp {
        wall.offset(self.clock_offset_ms)
    }

    pub(crate) fn entropy(&mut self, seed: [u8; 32]) -> Entropy {
        self.serial = self.serial.saturating_add(1);
        Entropy::new(seed, self.serial)
    }

    /// Answers one request, and remembers that it came.
    pub(crate) fn handle(&mut self, incoming: &Incoming, moment: &Moment) -> Reply {
        let mut entropy = self.entropy(moment.seed);
        let request_id = entropy.id();
        let route = Route::of(incoming, &self.endpoint);
        let found = self.faults.find(&route.target(&incoming.host));
        let mut entry = LoggedCall {
            action: claimed(&route.action),
            secret: (!route.secrets.is_empty()).then(|| route.secrets.join(",")),
            access_key_id: claimed(&route.access_key_id),
            status: 0,
            code: None,
            at: moment.now.wall,
            host: incoming.host.clone(),
        };
        let reply = self.reply(incoming, route, found, moment, &request_id, &mut entropy, &mut entry);
        if let Reply::Answer(answer) = &reply {
            entry.status = answer.status;
        }
        self.journal.add(entry);
        reply
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one private step of `handle`, split off for its early returns"
    )]
    fn reply(
        &mut self,
        incoming: &Incoming,
        route: Route,
        found: Option<(usize, Fault)>,
        moment: &Moment,
        request_id: &str,
        entropy: &mut Entropy,
        entry: &mut LoggedCall,
    ) -> Reply {
        if let Some((at, Fault { kind: FaultKind::Unreachable, .. })) = found {
            self.faults.spend(at);
            return Reply::Unreachable;
        }
        let now = self.clock(moment.now.wall);
        let format = match &route.ask {
            Ok(Ask::Api(claim)) => claim.format,
            _ => Format::Json,
        };
        let action = entry.action.clone();
        let mut envelope = Envelope {
            request_id,
            host: &incoming.host,
            date: now,
            format,
            action: &action,
            error_root: if route.service == Some(Service::Sts) { "Error" } else { "KMS" },
        };
        // Also a request that will be cut off is verified: its nonce has been seen.
        let verified = route.ask.and_then(|ask| self.verify(incoming, ask, now));
        let fault = match found {
            Some((_, fault)) if fault.replaces() && verified.is_err() => None,
            Some((at, fault)) => {
                self.faults.spend(at);
                Some(fault)
            }
            None => None,
        };
        match fault.as_ref().map(|fault| &fault.kind) {
            Some(FaultKind::Hang) => return Reply::Hang,
            Some(FaultKind::Reset) => return Reply::Reset,
            Some(FaultKind::WrongDate(offset)) => envelope.date = now.offset(*offset),
            Some(FaultKind::Xml(..)) => envelope.format = Format::Xml,
            _ => {}
        }
        let mut answer = match fault.as_ref().and_then(|fault| replacement(fault, &envelope, entry)) {
            Some(answer) => answer,
            None => match verified.and_then(|verified| self.act(incoming, verified, moment, entropy)) {
                Ok(Done::Result(result)) => {
                    if kms::is_read(&action) {
                        self.journal.add_read();
                    }
                    envelope.success(result)
                }
                Ok(Done::Page(page)) => envelope.page(page),
                Err(error) => {
                    entry.code = Some(error.code.to_string());
                    envelope.error(&error)
                }
            },
        };
        if let Some(fault) = &fault {
            distort(&mut answer, fault);
        }
        Reply::Answer(answer)
    }

    /// Decides whether a request may be believed. Metadata and endpoint have nothing to be judged by here.
    fn verify(&mut self, incoming: &Incoming, ask: Ask, now: Timestamp) -> Result<Verified, ServiceError> {
        Ok(match ask {
            Ask::Api(claim) => {
                let caller = claim.verify(incoming, &self.accounts, &mut self.nonces, now)?;
                Verified::Api(claim, caller)
            }
            Ask::Metadata(ask) => Verified::Metadata(ask),
            Ask::CredentialsUri => Verified::CredentialsUri,
        })
    }

    /// Carries out what a verified request asks for.
    fn act(
        &mut self,
        incoming: &Incoming,
        verified: Verified,
        moment: &Moment,
        entropy: &mut Entropy,
    ) -> Result<Done, ServiceError> {
        let now = self.clock(moment.now.wall);
        let accounts = &mut self.accounts;
        Ok(match verified {
            Verified::Api(claim, caller) => {
                Done::Result(self.call(incoming, &claim, &caller, moment, entropy)?)
            }
            Verified::Metadata(ask) => {
                Done::Page(self.metadata.answer(&ask, incoming, accounts, now, entropy))
            }
            Verified::CredentialsUri => {
                Done::Page(self.endpoint.answer(&incoming.method, accounts, now, entropy))
            }
        })
    }

    /// Carries out an action of KMS or STS.
    fn call(
        &mut self,
        incoming: &Incoming,
        claim: &Claim,
        caller: &Caller,
        moment: &Moment,
        entropy: &mut Entropy,
    ) -> Outcome {
        let service = Service::of_version(&claim.version).ok_or_else(kms::unknown_action)?;
        let elsewhere = incoming.service().is_some_and(|host| host != service);
        if elsewhere || incoming.path != "/" || !matches!(incoming.method.as_str(), "GET" | "POST") {
            return Err(kms::unknown_action());
        }
        let region = incoming.region();
        let quota_region = region.unwrap_or_default();
        if kms::is_read(&claim.action) && !self.quota.take(&caller.account, quota_region, moment.now.mono) {
            return Err(ServiceError::throttled());
        }
        let now = self.clock(moment.now.wall);
        let mut call = Call { caller, params: &claim.params, region, now, entropy };
        match service {
            Service::Sts => sts::act(&claim.action, &mut self.accounts, &self.federation, &mut call),
            _ => kms::act(&claim.action, &mut self.vault, &mut call),
        }
    }
}

/// The answer that a fault puts in the place of the true one.
fn replacement(fault: &Fault, envelope: &Envelope<'_>, entry: &mut LoggedCall) -> Option<Answer> {
    let mut error = |status: u16, code: &str| {
        entry.code = Some(code.to_owned());
        let message = if status == 429 { "QPS Limit Exceeded" } else { "The request failed." };
        envelope.error(&ServiceError::new(status, code.to_owned(), message))
    };
    Some(match &fault.kind {
        FaultKind::Status(status, code) | FaultKind::Xml(status, code) => error(*status, code),
        FaultKind::EmptyBody(status) => envelope.raw(*status, "", Vec::new()),
        FaultKind::Html(status) => {
            let page = format!("<html><head><title>{status}</title></head><body>Bad gateway</body></html>");
            envelope.raw(*status, "text/html", page.into_bytes())
        }
        FaultKind::Redirect(location) => {
            let mut answer = envelope.raw(302, "", Vec::new());
            answer.headers.push(("location".to_owned(), location.clone()));
            answer
        }
        _ => return None,
    })
}

/// Changes how an answer is sent.
fn distort(answer: &mut Answer, fault: &Fault) {
    match &fault.kind {
        FaultKind::SlowHeaders(delay) => answer.before_headers = *delay,
        FaultKind::SlowBody(delay) => answer.before_body = *delay,
        FaultKind::Truncated => answer.cut = true,
        FaultKind::Oversized => answer.body.resize(answer.body.len().saturating_add(OVERSIZE), b' '),
        FaultKind::Malformed => {
            answer.body.pop();
            answer.body.extend_from_slice(b",,");
        }
        _ => {}
    }
    if let Some(ms) = fault.retry_after_ms {
        answer.headers.push(("x-acs-retry-after".to_owned(), ms.to_string()));
    }
}
