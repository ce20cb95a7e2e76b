//! What the cache keeps by name: a list sorted by hash and name. A shard holds few names, and one hash finds both.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::sync::SHARDS;
use std::hash::BuildHasher as _;

/// Spreads names over the shards and orders them. With a single shard the names order themselves: no hash is linked.
#[derive(Clone)]
pub(super) struct Hasher(Option<foldhash::fast::RandomState>);

impl Hasher {
    pub(super) fn new() -> Self {
        Self((SHARDS > 1).then(foldhash::fast::RandomState::default))
    }

    pub(super) fn hash(&self, name: &str) -> u64 {
        match &self.0 {
            Some(hasher) if SHARDS > 1 => hasher.hash_one(name),
            _ => 0,
        }
    }
}

struct Named<V> {
    hash: u64,
    name: Box<str>,
    value: V,
}

/// The values of one shard's names.
pub(super) struct Names<V> {
    hasher: Hasher,
    list: Vec<Named<V>>,
}

impl<V> Names<V> {
    pub(super) fn new(hasher: Hasher) -> Self {
        Self { hasher, list: Vec::new() }
    }

    /// Where the name is, or belongs.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.place_hashed(name, self.hasher.hash(name))
    }

    fn place_hashed(&self, name: &str, hash: u64) -> Result<usize, usize> {
        self.list.binary_search_by(|n| n.hash.cmp(&hash).then_with(|| (*n.name).cmp(name)))
    }

    /// The value of a name whose hash is at hand: the hot path hashes once.
    #[inline]
    pub(super) fn get_hashed(&mut self, name: &str, hash: u64) -> Option<&mut V> {
        let place = self.place_hashed(name, hash).ok()?;
        self.list.get_mut(place).map(|n| &mut n.value)
    }

    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.list.get(self.place(name).ok()?).map(|n| &n.value)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let place = self.place(name).ok()?;
        self.list.get_mut(place).map(|n| &mut n.value)
    }

    pub(super) fn get_or_default(&mut self, name: &str) -> Option<&mut V>
    where
        V: Default,
    {
        let place = match self.place(name) {
            Ok(place) => place,
            Err(place) => {
                let (hash, value) = (self.hasher.hash(name), V::default());
                self.list.insert(place, Named { hash, name: Box::from(name), value });
                place
            }
        };
        self.list.get_mut(place).map(|n| &mut n.value)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<V> {
        let place = self.place(name).ok()?;
        Some(self.list.remove(place).value)
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.list.iter().map(|n| &n.value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Box<str>, &V)> {
        self.list.iter().map(|n| (&n.name, &n.value))
    }
}
