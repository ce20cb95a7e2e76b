//! All secrets of the emulator, found by name, account and region.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Record, SecretRef, plain_name};
use std::collections::{BTreeMap, BTreeSet};

/// The secrets by name; a name can exist once in each account and region.
#[derive(Default)]
pub(crate) struct Vault {
    records: BTreeMap<String, Vec<Record>>,
    denied: BTreeSet<String>,
}

fn same(a: &Record, b: &Record) -> bool {
    a.account == b.account && a.region == b.region
}

impl Vault {
    /// Creates or replaces.
    pub(crate) fn put(&mut self, record: Record) {
        let homonyms = self.records.entry(record.name.clone()).or_default();
        homonyms.retain(|other| !same(other, &record));
        homonyms.push(record);
    }

    /// Removes every secret of that plain name or ARN.
    pub(crate) fn remove(&mut self, name: &str) {
        let plain = plain_name(name);
        self.records.remove(plain);
    }

    pub(crate) fn deny(&mut self, name: &str) {
        self.denied.insert(plain_name(name).to_owned());
    }

    pub(crate) fn allow(&mut self, name: &str) {
        self.denied.remove(plain_name(name));
    }

    pub(crate) fn is_denied(&self, name: &str) -> bool {
        self.denied.contains(name)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// The secret that a call from `account` in `region` means. `region` is absent where the host name has none; then
    /// the ARN's own region is taken.
    pub(crate) fn find(&self, named: &SecretRef<'_>, account: &str, region: Option<&str>) -> Option<&Record> {
        let records = self.records.get(named.name)?;
        records.get(position(records, named, account, region)?)
    }

    pub(crate) fn find_mut(
        &mut self,
        named: &SecretRef<'_>,
        account: &str,
        region: Option<&str>,
    ) -> Option<&mut Record> {
        let records = self.records.get_mut(named.name)?;
        let at = position(records, named, account, region)?;
        records.get_mut(at)
    }

    /// Every secret of that plain name or ARN's name, for the test that steers the emulator.
    pub(crate) fn all_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Record> {
        self.records.get_mut(plain_name(name)).into_iter().flatten()
    }
}

/// An owner, or a region, that is named exactly is preferred over a secret that belongs to all.
fn position(records: &[Record], named: &SecretRef<'_>, account: &str, region: Option<&str>) -> Option<usize> {
    let account = named.place.map_or(account, |(_, account)| account);
    let wanted = match (named.place, region) {
        (Some((there, _)), Some(here)) if there != here => return None,
        (Some((there, _)), _) => Some(there),
        (None, here) => here,
    };
    let fits = |record: &Record| {
        record.account.as_deref().is_none_or(|owner| owner == account)
            && record.region.as_deref().is_none_or(|region| wanted.is_none_or(|wanted| wanted == region))
    };
    let exact = |record: &Record| record.account.is_some() || record.region.is_some();
    let mut fitting = records.iter().enumerate().filter(|(_, record)| fits(record));
    let first = fitting.next()?;
    if exact(first.1) {
        return Some(first.0);
    }
    Some(fitting.find(|(_, record)| exact(record)).unwrap_or(first).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretSeed;
    use simsim::Timestamp;

    fn put(vault: &mut Vault, seed: SecretSeed) {
        vault.put(Record::new(seed, "v".to_owned(), Timestamp::default()));
    }

    fn owner<'a>(vault: &'a Vault, text: &str, account: &str, region: Option<&str>) -> Option<&'a str> {
        let record = vault.find(&SecretRef::parse(text).unwrap(), account, region)?;
        Some(record.account.as_deref().unwrap_or("all"))
    }

    #[test]
    fn a_secret_is_found_in_the_callers_account_or_in_the_arns() {
        let mut vault = Vault::default();
        put(&mut vault, SecretSeed::text("s", "x"));
        put(&mut vault, SecretSeed::text("s", "x").account("1"));
        put(&mut vault, SecretSeed::text("only", "x").account("1").region("cn-beijing"));
        let (hangzhou, beijing) = (Some("cn-hangzhou"), Some("cn-beijing"));
        assert_eq!(owner(&vault, "s", "1", hangzhou), Some("1"));
        assert_eq!(owner(&vault, "s", "2", hangzhou), Some("all"));
        assert_eq!(owner(&vault, "acs:kms:cn-hangzhou:1:secret/s", "2", hangzhou), Some("1"));
        assert_eq!(owner(&vault, "acs:kms:cn-beijing:1:secret/s", "2", hangzhou), None);
        assert_eq!(owner(&vault, "acs:kms:cn-beijing:1:secret/only", "2", None), Some("1"));
        assert_eq!(owner(&vault, "only", "1", hangzhou), None);
        assert_eq!(owner(&vault, "only", "2", beijing), None);
    }
}
