//! AssumeRoleWithOIDC: a token of a provider that the role trusts, in the place of a signature.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Wish, invalid, required};
use crate::accounts::Accounts;
use crate::clock;
use crate::kms::{Call, Outcome};
use crate::oidc::{Federation, no_permission};
use serde_json::json;

/// The only action that needs no signature.
pub(crate) const ACTION: &str = "AssumeRoleWithOIDC";

pub(super) fn assume_role_with_oidc(
    accounts: &mut Accounts,
    federation: &Federation,
    call: &mut Call<'_>,
) -> Outcome {
    let provider = required(call, "OIDCProviderArn")?;
    let token = required(call, "OIDCToken")?;
    if !(4..=20_000).contains(&token.len()) {
        return Err(invalid("OIDCToken"));
    }
    // The token first: a bearer of none learns nothing of the roles that there are.
    let claims = federation.judge(provider, token, call.now)?;
    let wish = Wish::read(accounts, call)?;
    if !wish.role.is_open_to(&[provider.to_owned()]) {
        return Err(no_permission());
    }
    let mut answer = wish.grant(accounts, call);
    answer.insert(
        "OIDCTokenInfo".to_owned(),
        json!({
            "Subject": claims.subject,
            "Issuer": claims.issuer,
            "ClientIds": claims.audiences.join(","),
            "ExpirationTime": clock::iso(claims.expires),
            "IssuanceTime": clock::iso(claims.issued),
            "VerificationInfo": "Success",
        }),
    );
    Ok(answer)
}
