//! WIT's `map<K, V>` in Rust.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The Rust type of a WIT `map`. Iteration is in ascending order of the keys; of two entries with
/// one key, the later one stays.
pub type Map<K, V> = BTreeMap<K, V>;

/// What generated code needs of a map type.
pub trait WitMap<K, V>: Sized {
    /// An empty map with room for about `capacity` entries.
    fn wit_map_new(capacity: usize) -> Self;
    /// Adds an entry, or replaces the value of its key.
    fn wit_map_push(&mut self, key: K, value: V);
    /// The number of entries.
    fn wit_map_len(&self) -> usize;
}

impl<K: Ord, V> WitMap<K, V> for BTreeMap<K, V> {
    fn wit_map_new(_capacity: usize) -> Self {
        Self::new()
    }

    fn wit_map_push(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    fn wit_map_len(&self) -> usize {
        self.len()
    }
}

impl<K: Hash + Eq, V> WitMap<K, V> for HashMap<K, V> {
    fn wit_map_new(capacity: usize) -> Self {
        Self::with_capacity(capacity)
    }

    fn wit_map_push(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    fn wit_map_len(&self) -> usize {
        self.len()
    }
}
