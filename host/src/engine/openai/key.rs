//! The credential of a server: read from the environment, sent to the server that was named, and shown to nobody.

use std::fmt;

use super::address::Address;
use crate::error::{Error, Result};

/// Where the key is read from.
pub const VARIABLE: &str = "REALIGN_OPENAI_KEY";

/// A credential, or none. It has no serialised form, and prints as `[key]`.
#[derive(Clone, Default)]
pub struct Key(Option<String>);

impl Key {
    /// Reads [`VARIABLE`]; an empty one is none.
    ///
    /// # Errors
    /// Usage errors: it is no header value, or it would travel unencrypted to another machine.
    pub fn from_environment(address: &Address) -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(text) => Self::checked(text, address),
            Err(std::env::VarError::NotPresent) => Ok(Self(None)),
            Err(std::env::VarError::NotUnicode(_)) => Err(not_a_key()),
        }
    }

    /// A key for one server.
    ///
    /// # Errors
    /// As [`Self::from_environment`].
    pub fn checked(text: String, address: &Address) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(not_a_key());
        }
        if !(address.encrypted() || address.loopback()) {
            let message = format!("{}: ${VARIABLE} would be sent unencrypted", address.base());
            return Err(Error::usage(message).hint(
                "use https, or a tunnel to 127.0.0.1 (ssh -L), or unset it if the server needs no key",
            ));
        }
        Ok(Self(Some(text)))
    }

    /// Value of the header `authorization`.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        self.0.as_ref().map(|key| format!("Bearer {key}"))
    }

    /// Whether a text holds the key: a server that sends it back would have it stored and shown.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|key| text.windows(key.len()).any(|window| window == key.as_bytes()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "[key]" } else { "[no key]" })
    }
}

fn not_a_key() -> Error {
    Error::usage(format!("${VARIABLE}: a character that no key has"))
        .hint("visible ASCII without spaces; look for a line break at its end")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str, url: &str) -> Result<Key> {
        Key::checked(text.to_owned(), &Address::parse(url)?)
    }

    #[test]
    fn a_key_travels_encrypted_or_not_at_all() {
        assert!(key("sesame", "https://example.com#m").is_ok());
        assert!(key("sesame", "http://127.0.0.1:8000#m").is_ok());
        let error = key("sesame", "http://10.0.0.5:8000#m").unwrap_err();
        insta::assert_snapshot!(error, @"http://10.0.0.5:8000/v1: $REALIGN_OPENAI_KEY would be sent unencrypted");
        assert!(key("", "http://10.0.0.5:8000#m").is_ok(), "without a key there is nothing to steal");
    }

    #[test]
    fn nothing_shows_a_key() {
        assert_eq!(format!("{:?}", key("sesame", "https://h#m").unwrap()), "[key]");
        let error = key("open\nsesame", "https://h#m").unwrap_err();
        insta::assert_snapshot!(error, @"$REALIGN_OPENAI_KEY: a character that no key has");
    }

    #[test]
    fn a_text_that_holds_the_key_is_recognised() {
        let key = key("sesame", "https://h#m").unwrap();
        assert!(key.is_in(b"say sesame now") && !key.is_in(b"say sesam e"));
        assert!(!Key::default().is_in(b"anything"));
    }
}
