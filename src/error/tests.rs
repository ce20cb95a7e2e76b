//! What codes stand for, and what errors print.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;

#[test]
fn each_documented_code_has_its_kind_whatever_the_status() {
    for (code, kind) in [
        ("Rejected.Throttling", ErrorKind::Throttled),
        ("Throttling", ErrorKind::Throttled),
        ("Throttling.User", ErrorKind::Throttled),
        ("Throttling.Api", ErrorKind::Throttled),
        ("ThrottlingException", ErrorKind::Throttled),
        ("ServiceUnavailableTemporary", ErrorKind::Unavailable),
        ("InternalFailure", ErrorKind::Unavailable),
        ("Forbidden.ResourceNotFound", ErrorKind::NotFound),
        ("Forbidden.NoPermission", ErrorKind::PermissionDenied),
        ("Forbidden.InDebt", ErrorKind::InDebt),
        ("Forbidden.InDebtOverdue", ErrorKind::InDebt),
        ("Rejected.Disabled", ErrorKind::Disabled),
        ("Rejected.PendingDeletion", ErrorKind::Disabled),
        ("InvalidAccessKeyId.NotFound", ErrorKind::CredentialsRejected),
        ("InvalidAccessKeyId.Inactive", ErrorKind::CredentialsRejected),
        ("InvalidSecurityToken.Expired", ErrorKind::CredentialsRejected),
        ("SignatureDoesNotMatch", ErrorKind::CredentialsRejected),
        ("IllegalTimestamp", ErrorKind::ClockSkew),
        ("InvalidTimeStamp.Expired", ErrorKind::ClockSkew),
        ("InvalidParameter", ErrorKind::Config),
    ] {
        for status in [400, 403, 404, 429, 500] {
            assert_eq!(kind_of_code(code, status), kind, "{code} with {status}");
        }
    }
}

#[test]
fn an_unknown_code_is_judged_by_its_status() {
    assert_eq!(kind_of_code("Whatever", 503), ErrorKind::Unavailable);
    assert_eq!(kind_of_code("Whatever", 429), ErrorKind::Throttled);
    assert_eq!(kind_of_code("", 418), ErrorKind::Protocol);
}

#[test]
fn errors_print_neither_the_service_message_nor_control_characters() {
    let e = Error::from(Facts {
        service_code: Some(printable("SignatureDoesNotMatch\n\u{7}")),
        service_message: Some(Sensitive::new(String::from("needle-token"))),
        request_id: Some(printable("r-1")),
        ..Facts::new(ErrorKind::CredentialsRejected, "".into())
    });
    assert_eq!(
        e.to_string(),
        "the service rejected the credentials, code SignatureDoesNotMatch, request id r-1"
    );
    assert!(!format!("{e:?}{e:#?}").contains("needle"));
    assert_eq!(e.service_message(), Some("needle-token"));
}
