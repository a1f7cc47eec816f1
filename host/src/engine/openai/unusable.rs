//! Why log-likelihoods of a server cannot be used: what the probe found, by kind, and what would mend it.
//!
//! The kind stands in the run's identity, so that the answers that are kept say the same as the server; it holds nothing that another
//! probe of the same server could find otherwise, as by how much two answers differ. That is in [`Unusable::found`].

/// What keeps a server from scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It refuses the request.
    Refused,
    /// It does not send the text back.
    NoEcho,
    /// It sends the text without values.
    NoValues,
    /// Answers whose parts do not fit together.
    Malformed,
    /// Values that no model of language has.
    Implausible,
    /// Other values the second time.
    Unsteady,
    /// Values of other tokens.
    Shifted,
    /// Tokens that are generated and come back as others.
    Retokenised,
}

const ALL: [Kind; 8] = [
    Kind::Refused,
    Kind::NoEcho,
    Kind::NoValues,
    Kind::Malformed,
    Kind::Implausible,
    Kind::Unsteady,
    Kind::Shifted,
    Kind::Retokenised,
];

impl Kind {
    /// What it found, as the server's fault.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Refused => "it refuses texts with echo and logprobs",
            Self::NoEcho => "the text does not come back (echo)",
            Self::NoValues => "no log-probabilities of tokens come back (logprobs)",
            Self::Malformed => "its answers contradict themselves",
            Self::Implausible => "its values are none of a language model",
            Self::Unsteady => "the same text has other values the second time",
            Self::Shifted => "values do not belong to their tokens",
            Self::Retokenised => "tokens that it generates come back as others",
        }
    }

    /// What would mend it.
    pub(super) const fn way_out(self) -> &'static str {
        match self {
            Self::Refused | Self::NoEcho | Self::NoValues => {
                "start a server that answers /completions with `echo` and `logprobs` (llama-cpp-python: --logits_all True), \
                 or use the weights (a GGUF file or a folder)"
            }
            Self::Shifted => {
                "serve a model that puts a token in front of a text (BOS): without one llama-cpp-python shifts its values; or use \
                 the weights (a GGUF file or a folder)"
            }
            Self::Unsteady => {
                "let the server compute one request at a time and without a random part; or use the weights (a GGUF file or a folder)"
            }
            Self::Malformed | Self::Implausible | Self::Retokenised => {
                "use another server, or the weights (a GGUF file or a folder); `realign score` says more of what was found"
            }
        }
    }

    /// The kind that an identity names.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Why this server's values cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable {
    /// Of which kind it is.
    pub kind: Kind,
    /// What was found, with the numbers of this probe.
    pub found: String,
}

impl Unusable {
    pub(super) fn new(kind: Kind, found: impl Into<String>) -> Self {
        Self { kind, found: found.into() }
    }
}

impl From<Kind> for Unusable {
    fn from(kind: Kind) -> Self {
        Self::new(kind, kind.word())
    }
}

/// What is wrong with an answer, said of one that could not be read.
impl From<String> for Unusable {
    fn from(found: String) -> Self {
        Self::new(Kind::Malformed, found)
    }
}

impl From<&str> for Unusable {
    fn from(found: &str) -> Self {
        found.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_again_by_its_word() {
        for kind in ALL {
            assert_eq!(Kind::of_word(kind.word()), Some(kind));
        }
        assert_eq!(Kind::of_word("another"), None);
    }
}
