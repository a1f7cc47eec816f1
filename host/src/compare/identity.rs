//! What made a run's numbers, in three parts, and where two runs differ.
//!
//! - *Subject*: model, adapter, prompts. Differences are what a comparison is for; they are listed.
//! - *Engine*: back end, versions, batch plan. Differences can move the last digits; they are warnings.
//! - *Instrument*: suite, scenarios, decoding, evaluators. Differences make the numbers not comparable, unless they are
//!   allowed by name; then they are listed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What made a run's numbers: keys and values, usually digests, per part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What was measured.
    pub subject: BTreeMap<String, String>,
    /// What computed it.
    pub engine: BTreeMap<String, String>,
    /// What measured it.
    pub instrument: BTreeMap<String, String>,
}

/// A key whose values differ; `None` where a side does not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDifference {
    /// Key in its part.
    pub key: String,
    /// Value of the first run.
    pub before: Option<String>,
    /// Value of the second run.
    pub after: Option<String>,
}

/// Where two identities differ, keys in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityDifferences {
    /// To be listed.
    pub subject: Vec<KeyDifference>,
    /// To be warned about.
    pub engine: Vec<KeyDifference>,
    /// Not comparable if there is any.
    pub instrument: Vec<KeyDifference>,
    /// Differences of the instrument that were allowed by name; every report shows them.
    pub allowed: Vec<KeyDifference>,
    /// Models of either run that no digest stands for, each as `NAME at SERVER`: equal names need not be equal weights. To be
    /// warned about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undigested: Vec<String>,
}

impl IdentityDifferences {
    /// Whether the instruments are equal.
    #[must_use]
    pub const fn comparable(&self) -> bool {
        self.instrument.is_empty()
    }

    /// The same with differences of the instrument allowed by name.
    #[must_use]
    pub fn allowing(mut self, names: &[String]) -> Self {
        let (allowed, instrument) =
            self.instrument.into_iter().partition(|difference| names.contains(&difference.key));
        self.instrument = instrument;
        self.allowed = allowed;
        self
    }
}

/// Refuses a name that is no key of any instrument: it would allow nothing, and its writer believes otherwise.
///
/// # Errors
/// A usage error with the keys that there are.
pub fn check_allowed(names: &[String], identities: &[&Identity]) -> Result<()> {
    let keys: BTreeSet<&String> = identities.iter().flat_map(|identity| identity.instrument.keys()).collect();
    match names.iter().find(|name| !keys.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
            Err(Error::usage(format!("--allow: no instrument has a key `{name}`"))
                .hint(format!("these can be allowed: {}", known.join(", "))))
        }
    }
}

/// Where two identities differ.
#[must_use]
pub fn identity_differences(before: &Identity, after: &Identity) -> IdentityDifferences {
    IdentityDifferences {
        subject: part(&before.subject, &after.subject),
        engine: part(&before.engine, &after.engine),
        instrument: part(&before.instrument, &after.instrument),
        allowed: Vec::new(),
        undigested: [before, after]
            .into_iter()
            .filter_map(undigested)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    }
}

/// A model behind a server: nobody but the server knows its weights.
fn undigested(identity: &Identity) -> Option<String> {
    let server = identity.subject.get("server")?;
    let model = identity.subject.get("model").map_or("a model", String::as_str);
    Some(format!("{model} at {server}"))
}

/// Differing keys of one part; a missing key differs from every value.
fn part(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<KeyDifference> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| KeyDifference {
            key: key.clone(),
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(model: &str, kernel: &str, suite: Option<&str>) -> Identity {
        let part = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        Identity {
            subject: part("model", model),
            engine: part("kernel", kernel),
            instrument: suite.map(|suite| part("suite", suite)).unwrap_or_default(),
        }
    }

    #[test]
    fn another_model_on_another_kernel_is_comparable_and_listed() {
        let found = identity_differences(&identity("a", "x", Some("s")), &identity("b", "y", Some("s")));
        assert!(found.comparable());
        assert_eq!((found.subject[0].key.as_str(), found.engine[0].key.as_str()), ("model", "kernel"));
    }

    #[test]
    fn another_suite_or_a_missing_one_is_not_comparable() {
        for other in [Some("t"), None] {
            let found = identity_differences(&identity("a", "x", Some("s")), &identity("a", "x", other));
            assert!(!found.comparable());
            assert_eq!(found.instrument[0].key, "suite");
            assert_eq!(found.instrument[0].after.as_deref(), other);
        }
    }

    #[test]
    fn an_allowed_difference_is_comparable_and_listed_and_no_other_is() {
        let found = identity_differences(&identity("a", "x", Some("s")), &identity("a", "x", Some("t")));
        let allowed = found.clone().allowing(&["suite".to_owned()]);
        assert!(allowed.comparable() && allowed.allowed[0].key == "suite");
        assert!(!found.allowing(&["data".to_owned()]).comparable());
    }

    #[test]
    fn a_name_that_would_allow_nothing_is_refused() {
        let one = identity("a", "x", Some("s"));
        let error = check_allowed(&["suit".to_owned()], &[&one]).expect_err("no such key");
        insta::assert_snapshot!(error, @"--allow: no instrument has a key `suit`");
        assert_eq!(error.advice(), Some("these can be allowed: suite"));
    }

    #[test]
    fn a_server_s_model_is_named_even_where_nothing_differs() {
        let mut one = identity("a", "x", Some("s"));
        one.subject.insert("server".into(), "https://h/v1".into());
        let found = identity_differences(&one, &one);
        assert_eq!(found.undigested, ["a at https://h/v1"]);
        assert!(
            identity_differences(&identity("a", "x", None), &identity("a", "x", None)).undigested.is_empty()
        );
    }

    #[test]
    fn a_run_does_not_differ_from_itself() {
        let one = identity("a", "x", Some("s"));
        assert_eq!(identity_differences(&one, &one), IdentityDifferences::default());
    }
}
