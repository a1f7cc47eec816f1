//! Newtypes for the strings and numbers that must not be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of some content, shown as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digest of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::finish(Sha256::new_with_prefix(bytes))
    }

    /// Digest of a value's JSON form. Field order is declaration order and maps in identities are ordered, so
    /// equal values have equal digests.
    ///
    /// # Panics
    /// If the value does not serialise to JSON, which is a bug in its type.
    #[must_use]
    pub fn of_json<T: Serialize>(value: &T) -> Self {
        Self::of(&serde_json::to_vec(value).expect("identity types serialise to JSON"))
    }

    /// Ends a running hash.
    #[must_use]
    pub fn finish(hash: Sha256) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in hash.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// All 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where every random number of a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// An independent seed for a named purpose: the first eight bytes of SHA-256 over seed and name.
    #[must_use]
    pub fn derive(self, purpose: &str) -> Self {
        let mut hash = Sha256::new_with_prefix(self.0.to_le_bytes());
        hash.update(purpose.as_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        Self(u64::from_le_bytes(bytes))
    }
}
