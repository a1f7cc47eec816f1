//! One request to a server, over HTTP, and what can go wrong with it.
//!
//! The server is hostile input: its answer is bounded in time and size, redirects are not followed, nothing is decompressed, and
//! what it says of an error is shortened, and withheld where it holds the key. Proxies of the environment are used for https only,
//! where they see nothing but the host's name.

use std::{io, time::Duration};

use serde_json::Value;
use ureq::{
    Agent,
    http::Response,
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::{address::Address, key::Key};
use crate::error::{Error, Result};

/// Longest body of an answer: an echo of 32,000 tokens fits.
pub(super) const LONGEST_ANSWER: u64 = 8 << 20;
/// Longest body of a refusal that is read.
const LONGEST_REFUSAL: u64 = 64 << 10;
/// Characters of a server's own words that are shown.
const SHOWN: usize = 200;
/// To open a connection.
const CONNECT: Duration = Duration::from_secs(20);

/// Why a request brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server will not answer this; asking again is no use.
    Refused { status: u16, message: String },
    /// It is busy (429, 502, 503, 504, 529), and may say for how long.
    Busy { status: u16, wait: Option<Duration> },
    /// It failed or could not be reached; the same may work once more.
    Failed { status: Option<u16>, message: String },
    /// It broke the rules; it is not asked again.
    Broken(String),
}

/// A server that can be asked.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    address: Address,
    key: Key,
    patience: Duration,
}

impl Client {
    /// Prepares connections; nothing is sent. `patience` bounds every request as a whole.
    ///
    /// # Errors
    /// Exit 2 where https is wanted and the system has no root certificates.
    pub(super) fn new(address: Address, key: Key, patience: Duration) -> Result<Self> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT.min(patience)))
            .timeout_global(Some(patience))
            .user_agent(concat!("realign/", env!("CARGO_PKG_VERSION")));
        if address.encrypted() {
            config = config.tls_config(tls()?);
        } else {
            config = config.proxy(None);
        }
        Ok(Self { agent: config.build().new_agent(), address, key, patience })
    }

    /// Where the server is.
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// Sends one request and reads its answer.
    pub(super) fn post(&self, endpoint: &str, body: &Value) -> Result<Vec<u8>, Failure> {
        let mut request = self
            .agent
            .post(format!("{}/{endpoint}", self.address.base()))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(key) = self.key.header() {
            request = request.header("authorization", key);
        }
        let bytes = body.to_string();
        let answer = request.send(bytes.as_bytes()).map_err(|error| self.failure(error))?;
        let status = answer.status().as_u16();
        match status {
            200..=299 => {
                let body = self.read(answer, LONGEST_ANSWER)?;
                if self.key.is_in(&body) {
                    return Err(Failure::Broken("the answer holds the key that was sent".into()));
                }
                Ok(body)
            }
            300..=399 => Err(Failure::Broken(format!("{status}, a redirect, which is not followed"))),
            429 | 502 | 503 | 504 | 529 => Err(Failure::Busy { status, wait: retry_after(&answer) }),
            408 | 500..=599 => {
                let message = format!("{status}{}", self.words(answer));
                Err(Failure::Failed { status: Some(status), message })
            }
            _ => Err(Failure::Refused { status, message: self.words(answer) }),
        }
    }

    fn read(&self, answer: Response<ureq::Body>, limit: u64) -> Result<Vec<u8>, Failure> {
        answer.into_body().into_with_config().limit(limit).read_to_vec().map_err(|error| self.failure(error))
    }

    /// What the server says of a refusal, behind a colon; empty where it says nothing that can be shown.
    fn words(&self, answer: Response<ureq::Body>) -> String {
        let body = self.read(answer, LONGEST_REFUSAL).unwrap_or_default();
        let Ok(body) = serde_json::from_slice::<Value>(&body) else { return String::new() };
        let places = ["/error/message", "/message", "/detail", "/error"];
        let said = places.iter().find_map(|place| body.pointer(place).and_then(Value::as_str));
        match said {
            // What is cut could hide the end of a key, so the whole is looked at.
            Some(said) if !self.key.is_in(said.as_bytes()) => {
                let said: String =
                    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
                format!(": {said}")
            }
            _ => String::new(),
        }
    }

    fn failure(&self, error: ureq::Error) -> Failure {
        match error {
            ureq::Error::Timeout(_) => {
                failed(format!("no whole answer within {} s", self.patience.as_secs_f64()))
            }
            ureq::Error::BodyExceedsLimit(limit) => {
                Failure::Broken(format!("an answer of more than {limit} bytes"))
            }
            ureq::Error::HostNotFound => Failure::Broken("there is no such host".into()),
            // A handshake that fails is an error of input and output, too, but no second one ends otherwise.
            ureq::Error::Io(error) => {
                match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
                    Some(error) => untrusted(error),
                    None => failed(plain(&error)),
                }
            }
            ureq::Error::Rustls(error) => untrusted(&error),
            ureq::Error::Protocol(error) => Failure::Broken(format!("no HTTP: {error}")),
            other => Failure::Broken(format!("no answer: {other}")),
        }
    }
}

/// No answer at all.
fn failed(message: String) -> Failure {
    Failure::Failed { status: None, message }
}

fn untrusted(error: &rustls::Error) -> Failure {
    Failure::Broken(format!("no trusted connection: {error}"))
}

/// Seconds to wait; a date is not understood and counts as none.
fn retry_after(answer: &Response<ureq::Body>) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?.trim().parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn tls() -> Result<TlsConfig> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Error::usage(
            "no root certificates on this system, so that no https server can be trusted",
        )
        .hint("install the system's certificates (Debian: ca-certificates), or set SSL_CERT_FILE"));
    }
    let roots: Vec<_> = found.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCerts::new_with_certs(&roots);
    Ok(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build())
}

/// An operating system error in lower case, without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}
