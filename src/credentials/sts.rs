//! What the providers that call STS share: the role and its session, the host, the call, what a refusal means.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::Credentials;
use super::answer::Answer;
use super::cached::CachedCredentials;
use crate::error::{Error, ErrorKind, Result};
use crate::openapi::{self, ApiCall, Form, Place, Upstream};
use crate::region::{Endpoint, Network, Origin, check_region};
use crate::sensitive::Sensitive;
use crate::signing::encoding::query_string;
use crate::text::{cut, digits};
use std::borrow::Cow;
use std::time::Duration;

/// The API version of STS.
const VERSION: &str = "2015-04-01";
/// The code that a later token may be spared.
pub(super) const TOKEN_EXPIRED: &str = "AuthenticationFail.OIDCToken.Expired";

/// Which role is assumed, how, and at which host.
pub(crate) struct RoleSession {
    pub(super) role_arn: String,
    pub(crate) session_name: String,
    pub(crate) duration: Duration,
    pub(crate) policy: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) network: Option<Network>,
    /// An explicit one, or what is wrong with it.
    pub(crate) endpoint: Option<Result<Endpoint>>,
}

/// The setters of a provider with a field `session: RoleSession`.
macro_rules! role_setters {
    () => {
        /// The session's name, which the audit log (ActionTrail) shows: 2 to 64 of `A-Z a-z 0-9 . @ _ -`.
        /// Default `simsim`.
        #[must_use]
        pub fn role_session_name(mut self, name: impl Into<String>) -> Self {
            self.session.session_name = name.into();
            self
        }

        /// How long a session lasts, in whole seconds from 900 to 43,200, and not longer than the role's own limit
        /// (an hour where nobody raised it). Default 3,600.
        #[must_use]
        pub fn duration(mut self, duration: std::time::Duration) -> Self {
            self.session.duration = duration;
            self
        }

        /// A policy, JSON of at most 2,048 characters, that narrows what the role may do in these sessions.
        #[must_use]
        pub fn policy(mut self, policy: impl Into<String>) -> Self {
            self.session.policy = Some(policy.into());
            self
        }

        /// The region whose STS is asked. Default: the region of the client's call, else the global host.
        #[must_use]
        pub fn region(mut self, region: impl Into<String>) -> Self {
            self.session.region = Some(region.into());
            self
        }

        /// The region's public host, or the one inside its VPCs. Default: as the client's own calls.
        #[must_use]
        pub fn network(mut self, network: crate::Network) -> Self {
            self.session.network = Some(network);
            self
        }

        /// An STS host of one's own in the place of the region's: `https://host[:port]`; plain http for loopback only.
        #[must_use]
        pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
            self.session.set_endpoint(&endpoint.into());
            self
        }
    };
}
pub(super) use role_setters;

impl RoleSession {
    pub(crate) fn new(role_arn: String) -> Self {
        Self {
            role_arn,
            session_name: String::from("simsim"),
            duration: Duration::from_secs(3600),
            policy: None,
            region: None,
            network: None,
            endpoint: None,
        }
    }

    pub(super) fn set_endpoint(&mut self, text: &str) {
        self.endpoint = Some(Endpoint::parse("endpoint", text, Origin::Code { allow_http: false }));
    }

    /// Every parameter, before anything is sent.
    ///
    /// Source: the limits that STS documents for `AssumeRole` and `AssumeRoleWithOIDC`.
    pub(super) fn check(&self) -> Result<()> {
        require(is_arn(&self.role_arn, "role/"), "role_arn", "must be acs:ram::ACCOUNT:role/NAME")?;
        require(
            is_made_of(&self.session_name, ".@_-", 2, 64),
            "role_session_name",
            "must have 2 to 64 of the characters A-Z a-z 0-9 . @ _ -",
        )?;
        require(
            (900..=43_200).contains(&self.duration.as_secs()),
            "duration",
            "must be from 900 to 43200 seconds",
        )?;
        // Bytes that begin a character: std counts faster, and at length.
        let characters = |policy: &String| policy.bytes().filter(|byte| byte & 0xC0 != 0x80).count();
        let short = self.policy.as_ref().is_none_or(|policy| characters(policy) <= 2048);
        require(short, "policy", "must have at most 2048 characters")?;
        if let Some(region) = &self.region {
            check_region("region", region)?;
        }
        match &self.endpoint {
            Some(Err(fault)) => Err(fault.clone()),
            _ => Ok(()),
        }
    }

    /// The STS host: the explicit one, else the region's, else the global one.
    ///
    /// Source: the endpoint table of the official STS SDK for the regions without a public host of their own.
    fn host(&self, place: Place<'_>) -> Result<Endpoint> {
        if let Some(endpoint) = &self.endpoint {
            return endpoint.clone();
        }
        let network = self.network.unwrap_or(place.network);
        let product = match self.region.as_deref().or(place.region) {
            None => ["sts", ""],
            Some(region @ ("cn-north-2-gov-1" | "cn-shenzhen-finance-1")) => ["sts-vpc.", region],
            Some(region) if network == Network::Vpc => ["sts-vpc.", region],
            Some(region) if is_served_globally(region) => ["sts", ""],
            Some(region) => ["sts.", region],
        };
        Ok(Endpoint::trusted(true, &[product[0], product[1], ".aliyuncs.com"].concat()))
    }

    /// Asks STS for a session: signed, or not. `own`: the action's own parameters. All that are not empty go into the
    /// body: addresses are logged on their way.
    pub(super) async fn ask(
        &self,
        upstream: Upstream<'_>,
        action: &'static str,
        own: [(&'static str, &str); 2],
        signer: Option<&CachedCredentials>,
    ) -> Result<Option<Credentials>> {
        let call = self.call(upstream.limit.place, action, own)?;
        let answer = upstream.api.call(&call, signer, upstream.limit).await;
        self.given(action, answer).map(Some)
    }

    fn call<'a>(
        &self,
        place: Place<'_>,
        action: &'static str,
        [first, second]: [(&'static str, &str); 2],
    ) -> Result<ApiCall<'a, Form>> {
        let seconds = digits(usize::try_from(self.duration.as_secs()).unwrap_or(usize::MAX));
        let mut parameters = Vec::new();
        for (name, value) in [
            ("RoleArn", self.role_arn.as_str()),
            ("RoleSessionName", &self.session_name),
            ("DurationSeconds", &seconds),
            ("Policy", self.policy.as_deref().unwrap_or_default()),
            first,
            second,
        ] {
            if !value.is_empty() {
                parameters.push((Cow::Borrowed(name), Cow::Borrowed(value)));
            }
        }
        let body = Form(Sensitive::new(query_string(&parameters)));
        Ok(ApiCall { endpoint: self.host(place)?, action, version: VERSION, query: Vec::new(), body })
    }

    /// The session of an answer.
    fn given(&self, action: &'static str, answer: Result<openapi::Answer>) -> Result<Credentials> {
        let answer = answer.map_err(|error| refused(action, &error).unwrap_or(error))?;
        let session = Answer { from: action, response: &answer.response }.of_sts()?;
        Ok(session.with_principal(self.role_arn.as_str()))
    }
}

/// What a refusal of STS means for whoever wants to read; nothing else than it says where it may pass.
fn refused(action: &'static str, error: &Error) -> Option<Error> {
    use ErrorKind::{Config, CredentialsRejected, CredentialsUnavailable, NotFound, PermissionDenied};
    let (kind, what) = match (error.service_code(), error.kind()) {
        (Some(TOKEN_EXPIRED), _) => (CredentialsUnavailable, "the token has expired, and so has the next"),
        (Some(code), _) if code.starts_with("AuthenticationFail.") => {
            (CredentialsRejected, "STS refuses the token or its provider; see the role's trust policy")
        }
        (_, PermissionDenied | NotFound) => (
            CredentialsRejected,
            "STS refuses the role; see that it exists, its trust policy and the caller's",
        ),
        (_, CredentialsRejected) => (CredentialsRejected, "STS refuses the key that asks for the role"),
        (Some(_), Config) => (Config, "STS refuses a parameter; the code names it"),
        _ => return None,
    };
    Some(error.told_as(kind, [action, ": ", what].concat()))
}

/// Whether a region has no STS host of its own.
fn is_served_globally(region: &str) -> bool {
    const REGIONS: [&str; 10] = [
        "ap-south-1",
        "ap-southeast-2",
        "cn-beijing-finance-1",
        "cn-beijing-gov-1",
        "cn-edge-1",
        "cn-fujian",
        "cn-hangzhou-finance",
        "cn-wuhan",
        "cn-zhangbei",
        "eu-west-1-oxs",
    ];
    REGIONS.contains(&region) || region.ends_with("-pop")
}

/// An error that names the field and what it must be, unless it is `right`.
pub(super) fn require(right: bool, field: &str, remedy: &str) -> Result<()> {
    if right { Ok(()) } else { Err(Error::config([field, ": ", remedy].concat())) }
}

/// `acs:ram::ACCOUNT:` and a kind of thing such as `role/` with its name.
pub(super) fn is_arn(text: &str, kind: &str) -> bool {
    let Some((account, thing)) = text.strip_prefix("acs:ram::").and_then(|rest| cut(rest, ":")) else {
        return false;
    };
    let account_ok = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
    account_ok && thing.strip_prefix(kind).is_some_and(|name| is_made_of(name, "._-", 1, 128))
}

/// Whether a text has letters, digits and these `others` only, and so many of them.
pub(super) fn is_made_of(text: &str, others: &str, least: usize, most: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || others.bytes().any(|other| other == byte);
    (least..=most).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "acs:ram::1234567890123456:role/reader";

    fn host(region: Option<&str>, network: Network, change: impl FnOnce(&mut RoleSession)) -> String {
        let mut session = RoleSession::new(ROLE.to_owned());
        change(&mut session);
        session.host(Place { region, network }).expect("a host").url("")
    }

    #[test]
    fn the_host_is_the_explicit_one_then_the_providers_region_then_the_clients_then_the_global_one() {
        use Network::{Public, Vpc};
        assert_eq!(host(None, Public, |_| ()), "https://sts.aliyuncs.com/");
        assert_eq!(host(None, Vpc, |_| ()), "https://sts.aliyuncs.com/", "no region, no VPC of it");
        assert_eq!(host(Some("cn-beijing"), Public, |_| ()), "https://sts.cn-beijing.aliyuncs.com/");
        assert_eq!(host(Some("cn-beijing"), Vpc, |_| ()), "https://sts-vpc.cn-beijing.aliyuncs.com/");
        let own = |s: &mut RoleSession| {
            s.region = Some("us-west-1".to_owned());
            s.network = Some(Public);
        };
        assert_eq!(host(Some("cn-beijing"), Vpc, own), "https://sts.us-west-1.aliyuncs.com/");
        let explicit = |s: &mut RoleSession| {
            own(s);
            s.set_endpoint("http://127.0.0.1:9");
        };
        assert_eq!(host(Some("cn-beijing"), Vpc, explicit), "http://127.0.0.1:9/");
    }

    #[test]
    fn regions_without_a_host_of_their_own_go_where_the_official_table_sends_them() {
        use Network::{Public, Vpc};
        for region in ["cn-wuhan", "cn-zhangbei", "ap-south-1", "ap-southeast-2", "rus-west-1-pop"] {
            assert_eq!(host(Some(region), Public, |_| ()), "https://sts.aliyuncs.com/", "{region}");
        }
        for region in ["cn-north-2-gov-1", "cn-shenzhen-finance-1"] {
            for network in [Public, Vpc] {
                let expected = format!("https://sts-vpc.{region}.aliyuncs.com/");
                assert_eq!(host(Some(region), network, |_| ()), expected);
            }
        }
        assert_eq!(host(Some("cn-wuhan-lr"), Public, |_| ()), "https://sts.cn-wuhan-lr.aliyuncs.com/");
    }

    #[test]
    fn parameters_that_sts_would_refuse_are_named_before_anything_is_sent() {
        type Spoil = fn(&mut RoleSession);
        let wrong: [(&str, Spoil); 15] = [
            ("role_arn", |s| s.role_arn = String::new()),
            ("role_arn", |s| s.role_arn = "reader".to_owned()),
            ("role_arn", |s| s.role_arn = "acs:ram:::role/reader".to_owned()),
            ("role_arn", |s| s.role_arn = "acs:ram::12:user/reader".to_owned()),
            ("role_arn", |s| s.role_arn = "acs:ram::12:role/a/b".to_owned()),
            ("role_arn", |s| s.role_arn = format!("{ROLE}\n")),
            ("role_session_name", |s| s.session_name = "x".to_owned()),
            ("role_session_name", |s| s.session_name = "x".repeat(65)),
            ("role_session_name", |s| s.session_name = "a b".to_owned()),
            ("duration", |s| s.duration = Duration::from_secs(899)),
            ("duration", |s| s.duration = Duration::from_secs(43_201)),
            ("policy", |s| s.policy = Some("x".repeat(2049))),
            ("region", |s| s.region = Some("cn hangzhou".to_owned())),
            ("endpoint", |s| s.set_endpoint("http://sts.example")),
            ("endpoint", |s| s.set_endpoint("https://sts.example/path")),
        ];
        for (field, change) in wrong {
            let mut session = RoleSession::new(ROLE.to_owned());
            assert!(session.check().is_ok());
            change(&mut session);
            let error = session.check().expect_err(field);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.explanation().starts_with(&format!("{field}: ")), "{field}: {error}");
        }
    }

    #[test]
    fn refusals_for_good_are_told_from_those_that_may_pass() {
        use crate::error::{Facts, kind_of_code};
        let of = |code: &str, status| {
            let facts = Facts::new(kind_of_code(code, status), "".into());
            let facts = Facts { service_code: Some(code.to_owned()), status: Some(status), ..facts };
            let error = Error::from(facts);
            refused("AssumeRole", &error).unwrap_or(error)
        };
        for (code, status, kind) in [
            ("NoPermission", 403, ErrorKind::CredentialsRejected),
            ("EntityNotExist.Role", 404, ErrorKind::CredentialsRejected),
            ("AuthenticationFail.NoPermission", 401, ErrorKind::CredentialsRejected),
            ("AuthenticationFail.OIDCToken.Invalid", 401, ErrorKind::CredentialsRejected),
            ("AuthenticationFail.OIDCToken.AudienceNotMatch", 401, ErrorKind::CredentialsRejected),
            ("InvalidAccessKeyId.NotFound", 404, ErrorKind::CredentialsRejected),
            (TOKEN_EXPIRED, 401, ErrorKind::CredentialsUnavailable),
            ("InvalidParameter.PolicyGrammar", 400, ErrorKind::Config),
            ("Throttling.User", 400, ErrorKind::Throttled),
            ("ServiceUnavailable", 503, ErrorKind::Unavailable),
        ] {
            let error = of(code, status);
            assert_eq!((error.kind(), error.service_code()), (kind, Some(code)));
            assert_eq!(error.status(), Some(status));
        }
        assert!(of("NoPermission", 403).to_string().contains("AssumeRole: STS refuses the role"));
    }
}
