//! Names and ARNs of secrets.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Whether it is a name: 1 to 192 of `A-Z a-z 0-9 _ / + = . @ -`, and `!` as in the service's own `Product!id`.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_/+=.@-!".contains(&b);
    (1..=192).contains(&name.len()) && name.bytes().all(allowed)
}

/// A secret as a request names it: by its plain name, or by `acs:kms:REGION:ACCOUNT:secret/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretRef<'a> {
    pub(crate) name: &'a str,
    /// Region and account of an ARN.
    pub(crate) place: Option<(&'a str, &'a str)>,
}

impl<'a> SecretRef<'a> {
    /// `None` for what is neither.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("acs:kms:") else {
            return is_name(text).then_some(Self { name: text, place: None });
        };
        let (region, rest) = rest.split_once(':')?;
        let (account, resource) = rest.split_once(':')?;
        let name = resource.strip_prefix("secret/")?;
        let whole = !region.is_empty() && !account.is_empty() && is_name(name);
        whole.then_some(Self { name, place: Some((region, account)) })
    }
}

/// The name alone of an ARN; any other text as it is.
pub(crate) fn plain_name(text: &str) -> &str {
    SecretRef::parse(text).map_or(text, |named| named.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_plainly_or_by_its_arn() {
        let plain = SecretRef::parse("app/db+prod").unwrap();
        assert_eq!(plain, SecretRef { name: "app/db+prod", place: None });
        let arn = SecretRef::parse("acs:kms:cn-hangzhou:12:secret/app/db").unwrap();
        assert_eq!(arn, SecretRef { name: "app/db", place: Some(("cn-hangzhou", "12")) });
        let long = "a".repeat(193);
        for text in ["", "a b", "ä", "acs:kms:r:a:key/x", "acs:kms::a:secret/x", "acs:kms:r:a:secret/", &long]
        {
            assert_eq!(SecretRef::parse(text), None, "{text}");
        }
    }
}
