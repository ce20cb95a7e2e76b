//! The session that Alibaba Cloud Function Compute gives a function: the newest invocation's, else the environment's.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::Guarded;
use std::fmt;
use std::sync::Arc;

/// Credentials of a function's role, for custom runtimes and custom containers.
///
/// The platform sends a session with every invocation, in request headers, and puts one into the environment when an
/// instance starts. Neither says when it ends (it lives for 36 hours; an instance may live longer), so the newest
/// invocation's replaces what was there, and the environment's is the fallback.
///
/// Make one beside the one client of the process, and show it each request:
///
/// ```
/// use simsim::credentials::FunctionCompute;
/// # fn main() -> simsim::Result<()> {
/// # let variables = |name: &str| match name {
/// #     "FC_FUNCTION_NAME" => Some(String::from("orders")),
/// #     "FC_ACCOUNT_ID" => Some(String::from("1234567890123456")),
/// #     "ALIBABA_CLOUD_ACCESS_KEY_ID" => Some(String::from("STS.example")),
/// #     "ALIBABA_CLOUD_ACCESS_KEY_SECRET" => Some(String::from("not-a-real-secret")),
/// #     "ALIBABA_CLOUD_SECURITY_TOKEN" => Some(String::from("not-a-real-token")),
/// #     _ => None,
/// # };
/// // In a function: FunctionCompute::from_env()?
/// let function = FunctionCompute::from_variables(variables)?;
/// let builder = simsim::Client::builder().region("cn-hangzhou").credentials(function.clone());
/// # let headers = [
/// #     ("x-fc-account-id", "1234567890123456"),
/// #     ("x-fc-access-key-id", "STS.newer"),
/// #     ("x-fc-access-key-secret", "not-a-real-secret"),
/// #     ("x-fc-security-token", "not-a-real-token"),
/// # ];
/// // For each invocation, with the HTTP server's own way to look up a header:
/// let seen = function.observe(|name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))?;
/// assert!(seen);
/// # let _ = builder;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct FunctionCompute(Arc<Function>);

struct Function {
    account: Option<String>,
    environment: Option<Credentials>,
    observed: Guarded<Option<Credentials>>,
}

impl fmt::Debug for FunctionCompute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionCompute").field("account", &self.0.account).finish_non_exhaustive()
    }
}

impl FunctionCompute {
    /// In a function: reads the environment that Function Compute made.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialsUnavailable`] outside of Function Compute (`FC_FUNCTION_NAME` is not set);
    /// [`ErrorKind::Config`] where a part of the environment's session is missing or is no key.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), with the environment given as a function.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        if get("FC_FUNCTION_NAME").is_none() {
            return Err(Error::new(
                ErrorKind::CredentialsUnavailable,
                "this is not Function Compute: FC_FUNCTION_NAME is not set; use other credentials here",
            ));
        }
        let account = get("FC_ACCOUNT_ID");
        // Functions of the 2.0 generation have the second names as well.
        let part = |name: &str, older: &str| get(name).or_else(|| get(older));
        let session = (
            part("ALIBABA_CLOUD_ACCESS_KEY_ID", "accessKeyID"),
            part("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "accessKeySecret"),
            part("ALIBABA_CLOUD_SECURITY_TOKEN", "securityToken"),
        );
        let environment = match session {
            (Some(id), Some(secret), Some(token)) => Some(of_account(id, secret, token, account.as_deref())?),
            (None, None, None) => None,
            _ => {
                return Err(Error::config(HALF));
            }
        };
        Ok(Self(Arc::new(Function { account, environment, observed: Guarded::new(None) })))
    }

    /// Takes the session of an invocation from its request's headers (`x-fc-access-key-id`, `-access-key-secret`,
    /// `-security-token`); `header` looks one up by its lower-case name. Returns whether there was one to take.
    ///
    /// Headers can be sent by anyone who reaches the port. They count only if the function has a role (its
    /// environment has a session) and `x-fc-account-id` is the function's own account.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the account is another one, or a header holds no key. The session that was there
    /// before stays.
    pub fn observe<'a>(&self, header: impl Fn(&str) -> Option<&'a str>) -> Result<bool> {
        let function = &self.0;
        let get = |name: &str| header(name).filter(|value| !value.is_empty());
        let session = (get("x-fc-access-key-id"), get("x-fc-access-key-secret"), get("x-fc-security-token"));
        let (Some(id), Some(secret), Some(token)) = session else { return Ok(false) };
        if function.environment.is_none() {
            return Ok(false);
        }
        let account = get("x-fc-account-id");
        if account.is_none() || account != function.account.as_deref() {
            return Err(Error::config(
                "x-fc-account-id: is not the account of this function (FC_ACCOUNT_ID); the request's session was not taken",
            ));
        }
        let session = of_account(id.to_owned(), secret.to_owned(), token.to_owned(), account)?;
        function.observed.with(|observed| *observed = Some(session));
        Ok(true)
    }
}

pub(super) const HALF: &str = "the environment of the function has a part of a session only: \
     ALIBABA_CLOUD_ACCESS_KEY_ID, _ACCESS_KEY_SECRET and _SECURITY_TOKEN must come together";

/// The session of a function of that account.
pub(super) fn of_account(
    id: String,
    secret: String,
    token: String,
    account: Option<&str>,
) -> Result<Credentials> {
    let session = Credentials::session(id, secret, token)?;
    Ok(match account {
        Some(account) => session.with_principal(["fc:", account].concat()),
        None => session,
    })
}

impl ProvideCredentials for FunctionCompute {
    async fn provide(&self, _cx: &Context<'_>) -> Result<Option<Credentials>> {
        let observed = self.0.observed.with(|observed| observed.clone());
        match observed.or_else(|| self.0.environment.clone()) {
            Some(session) => Ok(Some(session)),
            None => Err(Error::new(
                ErrorKind::CredentialsUnavailable,
                "the function has no session: give it a RAM role, and show each invocation to observe()",
            )),
        }
    }

    fn name(&self) -> &'static str {
        "function_compute"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use std::collections::HashMap;
    use std::pin::pin;
    use std::task::{Context as Cx, Poll, Waker};

    const ACCOUNT: &str = "1234567890123456";
    const SESSION: [(&str, &str); 3] = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.environment"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "needle-of-environment"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "token-of-environment"),
    ];
    const FUNCTION: [(&str, &str); 2] = [("FC_FUNCTION_NAME", "orders"), ("FC_ACCOUNT_ID", ACCOUNT)];

    fn function(variables: &[&[(&str, &str)]]) -> Result<FunctionCompute> {
        let all: HashMap<_, _> = variables.iter().copied().flatten().copied().collect();
        FunctionCompute::from_variables(|name| all.get(name).map(|value| (*value).to_owned()))
    }

    fn observe(function: &FunctionCompute, account: &str, id: &str, token: &str) -> Result<bool> {
        let headers = [
            ("x-fc-account-id", account),
            ("x-fc-access-key-id", id),
            ("x-fc-access-key-secret", "needle-of-invocation"),
            ("x-fc-security-token", token),
        ];
        function.observe(|name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))
    }

    fn id(function: &FunctionCompute) -> Result<String> {
        let asked = Context::alone(Timestamp::default(), false);
        let mut provided = pin!(ProvideCredentials::provide(function, &asked));
        match provided.as_mut().poll(&mut Cx::from_waker(Waker::noop())) {
            Poll::Ready(given) => Ok(given?.expect("configured").access_key_id().to_owned()),
            Poll::Pending => panic!("nothing to wait for"),
        }
    }

    #[test]
    fn outside_of_function_compute_it_is_an_error() {
        let error = function(&[&SESSION]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert!(error.to_string().contains("FC_FUNCTION_NAME"), "{error}");
        assert_eq!(
            function(&[&[("FC_FUNCTION_NAME", "")], &SESSION]).unwrap_err().kind(),
            ErrorKind::CredentialsUnavailable
        );
    }

    #[test]
    fn each_invocation_replaces_the_session_and_the_environment_is_the_fallback() {
        let function = function(&[&FUNCTION, &SESSION]).unwrap();
        assert_eq!(id(&function).unwrap(), "STS.environment");
        for newest in ["STS.first", "STS.second"] {
            assert!(observe(&function, ACCOUNT, newest, "token").unwrap());
            assert_eq!(id(&function).unwrap(), newest);
            assert_eq!(id(&function.clone()).unwrap(), newest, "clones share what was seen");
        }
        // An invocation without a session (no role any more, or a health check) changes nothing.
        assert!(!observe(&function, ACCOUNT, "", "token").unwrap());
        assert!(!function.observe(|_| None).unwrap());
        assert_eq!(id(&function).unwrap(), "STS.second");
    }

    #[test]
    fn headers_of_another_account_or_without_a_role_do_not_count() {
        let with_role = function(&[&FUNCTION, &SESSION]).unwrap();
        for account in ["", "6543210987654321"] {
            let error = observe(&with_role, account, "STS.foreign", "token").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("x-fc-account-id"), "{error}");
            assert_eq!(id(&with_role).unwrap(), "STS.environment");
        }
        let without_account = function(&[&FUNCTION[..1], &SESSION]).unwrap();
        assert!(observe(&without_account, "", "STS.foreign", "token").is_err());
        let without_role = function(&[&FUNCTION]).unwrap();
        assert!(!observe(&without_role, ACCOUNT, "STS.foreign", "token").unwrap());
        let error = id(&without_role).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert!(error.to_string().contains("RAM role"), "{error}");
    }

    #[test]
    fn names_of_the_former_generation_are_read_and_halves_are_refused() {
        let older = [("accessKeyID", "STS.older"), ("accessKeySecret", "secret"), ("securityToken", "token")];
        assert_eq!(id(&function(&[&FUNCTION, &older]).unwrap()).unwrap(), "STS.older");
        for missing in 0..SESSION.len() {
            let mut some = SESSION.to_vec();
            some.remove(missing);
            assert_eq!(function(&[&FUNCTION, &some]).unwrap_err().kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn nothing_shows_a_key() {
        let function = function(&[&FUNCTION, &SESSION]).unwrap();
        observe(&function, ACCOUNT, "STS.first", "needle-token").unwrap();
        let bad = observe(&function, ACCOUNT, "STS.first", "needle token").unwrap_err();
        let shown = format!("{function:?} {bad} {bad:?}");
        assert!(!shown.contains("needle") && !shown.contains("STS."), "{shown}");
    }
}
