//! Where a server is: `BASE_URL#NAME`.
//!
//! An address that holds a credential is refused without being repeated: what a user types here reaches records and reports.

use std::net::IpAddr;

use ureq::http::Uri;

use crate::error::{Error, Result};

const FORM: &str = "name it as openai:BASE_URL#MODEL, for example openai:http://127.0.0.1:8000/v1#qwen";

/// A server and what it calls the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    base: String,
    model: String,
    encrypted: bool,
    loopback: bool,
}

impl Address {
    /// Reads what stands behind `openai:`. Where the URL has no path, `/v1` is added.
    ///
    /// # Errors
    /// Usage errors: no name, no http or https URL, or one with credentials or a query.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| Error::usage(format!("--model openai: {what}")).hint(FORM);
        let Some((url, model)) = text.split_once('#') else { return Err(wrong("no #MODEL behind the URL")) };
        if model.trim().is_empty() || model.chars().any(char::is_control) {
            return Err(wrong("the model's name behind # is empty or has control characters"));
        }
        let uri: Uri = url.parse().map_err(|_| wrong("what stands before # is no URL"))?;
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("the URL begins with neither http:// nor https://")),
        };
        let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else {
            return Err(wrong("the URL names no host"));
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong(
                "the URL has a user, a password or a query, which would be stored with the run",
            )
            .hint("put the key into $REALIGN_OPENAI_KEY"));
        }
        let path = match uri.path().trim_end_matches('/') {
            "" => "/v1",
            path => path,
        };
        let scheme = if encrypted { "https" } else { "http" };
        Ok(Self {
            base: format!("{scheme}://{authority}{path}"),
            model: model.to_owned(),
            encrypted,
            loopback: is_loopback(host),
        })
    }

    /// The URL that endpoints are appended to; it holds no credential.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The model's name there.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether what is sent is encrypted.
    #[must_use]
    pub const fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// Whether the server is on this machine, where nobody between can read along.
    #[must_use]
    pub const fn loopback(&self) -> bool {
        self.loopback
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Address::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_url_without_a_path_gets_the_usual_one_and_others_are_kept() {
        let base = |text: &str| Address::parse(text).unwrap().base().to_owned();
        assert_eq!(base("http://127.0.0.1:8000#m"), "http://127.0.0.1:8000/v1");
        assert_eq!(base("https://api.example.com/openai/v2/#org/m#x"), "https://api.example.com/openai/v2");
        assert_eq!(Address::parse("https://h#org/m#x").unwrap().model(), "org/m#x");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |host: &str| Address::parse(&format!("http://{host}#m")).unwrap().loopback();
        assert!(["localhost:1", "127.3.0.1", "[::1]:9"].iter().all(|host| loopback(host)));
        let others = ["localhost.example.com", "10.0.0.5", "127.0.0.1.example.com", "[fe80::1]"];
        assert!(!others.iter().any(|host| loopback(host)));
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_credential_is_never_repeated() {
        insta::assert_snapshot!(refusal("http://h"), @"--model openai: no #MODEL behind the URL");
        insta::assert_snapshot!(refusal("http://h#"), @"--model openai: the model's name behind # is empty or has control characters");
        insta::assert_snapshot!(refusal("h:80/v1#m"), @"--model openai: what stands before # is no URL");
        insta::assert_snapshot!(refusal("ftp://h#m"), @"--model openai: the URL begins with neither http:// nor https://");
        for secret in ["https://me:sesame@h#m", "https://sesame@h#m", "https://h/v1?key=sesame#m"] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(refusal(secret), @"--model openai: the URL has a user, a password or a query, which would be stored with the run");
            }
        }
    }
}
