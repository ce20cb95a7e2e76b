//! A map as a sorted list, where a hash map would link more code than it saves time: few entries, or growing keys.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Entries in the order of their keys.
pub(crate) struct Sorted<V>(Vec<(u32, V)>);

impl<V> Sorted<V> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn place(&self, key: u32) -> Result<usize, usize> {
        self.0.binary_search_by(|(k, _)| k.cmp(&key))
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    /// Adds an entry with a new key.
    pub(crate) fn insert(&mut self, key: u32, value: V) {
        let (Ok(place) | Err(place)) = self.place(key);
        self.0.insert(place, (key, value));
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.0.retain(|(_, value)| keep(value));
    }

    pub(crate) fn remove(&mut self, key: u32) -> Option<V> {
        let place = self.place(key).ok()?;
        Some(self.0.remove(place).1)
    }
}
