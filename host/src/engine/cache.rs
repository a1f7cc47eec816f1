//! Finished batches, addressed by everything that made them.
//!
//! The key is a digest over the identity of engine and model and over the whole batch with every member's
//! tokens and parameters. A server is asked one thing at a time: there the batch is what it was sent. A row may owe its last bits to its neighbours, so results are never looked up row by
//! row. Equal keys mean equal bytes: this is what makes an interrupted run go on as if it had never stopped.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    ids::Digest,
    store::Store,
};

/// Version of the key and of what is stored under it.
const VERSION: u32 = 1;

/// A view of a store for one engine and model.
#[derive(Debug)]
pub struct BatchCache<'a> {
    store: Option<&'a Store>,
    identity: Digest,
}

#[derive(Serialize)]
struct Key<'a, B> {
    version: u32,
    identity: &'a Digest,
    batch: &'a B,
}

impl<'a> BatchCache<'a> {
    /// A cache in `store`, or one that remembers nothing.
    #[must_use]
    pub fn new(
        store: Option<&'a Store>,
        engine: &BTreeMap<String, String>,
        subject: &BTreeMap<String, String>,
    ) -> Self {
        Self { store, identity: Digest::of_json(&(engine, subject)) }
    }

    /// The key of a batch: of an engine's request, or of what a server is sent.
    #[must_use]
    pub fn key<B: Serialize>(&self, batch: &B) -> Digest {
        Digest::of_json(&Key { version: VERSION, identity: &self.identity, batch })
    }

    /// The reply to this very batch, if it is known. An entry that cannot be read counts as unknown: it is
    /// computed again and replaced.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn get<A: DeserializeOwned>(&self, key: &Digest) -> Result<Option<A>> {
        let Some(store) = self.store else { return Ok(None) };
        Ok(store.get_batch(key)?.and_then(|payload| serde_json::from_str(&payload).ok()))
    }

    /// Remembers a reply.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn put<A: Serialize>(&self, key: &Digest, reply: &A) -> Result<()> {
        let Some(store) = self.store else { return Ok(()) };
        let payload = serde_json::to_string(reply)
            .map_err(|error| Error::engine(format!("the engine's reply cannot be stored: {error}")))?;
        store.put_batch(key, &payload)
    }
}
