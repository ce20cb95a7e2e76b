//! A map as a sorted list: the calls of std's hash map that simsim needs, in a third of its code. For wasm, where no
//! hot path meets it, and for keys that only grow.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::borrow::Borrow;

/// Entries in the order of their keys.
pub(crate) struct Sorted<K, V>(Vec<(K, V)>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

#[allow(dead_code, reason = "natively names are kept in a hash map")]
impl<K: Ord, V> Sorted<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(k, _)| k.borrow().cmp(key))
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    /// Adds an entry with a new key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let (Ok(place) | Err(place)) = self.place(&key);
        self.0.insert(place, (key, value));
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        Some(self.0.remove(place).1)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::Sorted;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn a_sorted_list_does_what_a_hash_map_does(steps: Vec<(u8, u8, u32)>) {
            let (mut sorted, mut map) = (Sorted::default(), HashMap::new());
            for (step, key, value) in steps {
                let key = (key % 8).to_string();
                match step % 5 {
                    0 => prop_assert_eq!(sorted.remove(key.as_str()), map.remove(key.as_str())),
                    1 => {
                        sorted.retain(|_, v| *v > value);
                        map.retain(|_, v| *v > value);
                    }
                    _ if !map.contains_key(key.as_str()) => {
                        sorted.insert(Box::from(key.as_str()), value);
                        map.insert(Box::from(key.as_str()), value);
                    }
                    _ => {}
                }
                prop_assert_eq!(sorted.get(key.as_str()), map.get(key.as_str()));
                prop_assert_eq!(sorted.get_mut(key.as_str()), map.get_mut(key.as_str()));
                prop_assert_eq!(sorted.len(), map.len());
                let mut values: Vec<u32> = map.values().copied().collect();
                let mut ours: Vec<u32> = sorted.values().copied().collect();
                values.sort_unstable();
                ours.sort_unstable();
                prop_assert_eq!(ours, values);
            }
        }
    }
}
