//! A list of batches being answered: what the cache has of it, and in time the rest.
//!
//! A batch that stands in the list twice is computed once. Every reply is in the cache before it is counted here, so an
//! interruption loses nothing that was kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, de::DeserializeOwned};

use super::cache::BatchCache;
use crate::{error::Result, ids::Digest};

/// Replies of type `A` to batches, of which the keys are known.
#[derive(Debug)]
pub(super) struct Replies<'a, A> {
    cache: BatchCache<'a>,
    /// Of every batch, in order.
    keys: Vec<Digest>,
    known: BTreeMap<Digest, A>,
}

impl<'a, A: Clone + Serialize + DeserializeOwned> Replies<'a, A> {
    /// Looks up the batches with these keys. What is found and does not fit the batch at its place is asked for again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn look_up(
        cache: BatchCache<'a>,
        keys: Vec<Digest>,
        fits: impl Fn(usize, &A) -> bool,
    ) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (place, key) in keys.iter().enumerate() {
            if known.contains_key(key) {
                continue;
            }
            if let Some(reply) = cache.get(key)?.filter(|reply| fits(place, reply)) {
                known.insert(key.clone(), reply);
            }
        }
        Ok(Self { cache, keys, known })
    }

    /// Places of the batches that have to be asked, in order.
    pub(super) fn missing(&self) -> Vec<usize> {
        let mut asked = BTreeSet::new();
        let new = |place: &usize| {
            let key = &self.keys[*place];
            !self.known.contains_key(key) && asked.insert(key)
        };
        (0..self.keys.len()).filter(new).collect()
    }

    /// Keeps the reply to the batch at a place.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(super) fn keep(&mut self, place: usize, reply: A) -> Result<()> {
        let key = &self.keys[place];
        self.cache.put(key, &reply)?;
        self.known.insert(key.clone(), reply);
        Ok(())
    }

    /// The replies in the order of the batches, once none is missing.
    pub(super) fn in_order(&self) -> Vec<A> {
        self.keys.iter().filter_map(|key| self.known.get(key).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn what_was_kept_is_found_again_and_a_batch_that_stands_twice_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let look_up = |batches: &[&str], fits: fn(usize, &usize) -> bool| {
            let cache = BatchCache::new(Some(&store), &BTreeMap::new(), &BTreeMap::new());
            let keys = batches.iter().map(|batch| cache.key(batch)).collect();
            Replies::look_up(cache, keys, fits).unwrap()
        };
        let mut replies = look_up(&["a", "b", "a", "c"], |_, _| true);
        assert_eq!(replies.missing(), [0, 1, 3]);
        for (place, reply) in [(3, 30), (0, 10), (1, 20)] {
            replies.keep(place, reply).unwrap();
        }
        assert_eq!(replies.in_order(), [10, 20, 10, 30]);

        let again = look_up(&["c", "d", "a"], |_, _| true);
        assert_eq!(again.missing(), [1]);
        assert_eq!(
            look_up(&["c", "a"], |_, reply| *reply != 10).missing(),
            [1],
            "what does not fit is asked again"
        );
    }
}
