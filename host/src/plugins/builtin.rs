//! The built-in evaluators: components of `plugins/dist`, inside the binary.

/// Id and component of each, in the order of their ids. The lock file beside the components says which bytes they are.
pub(super) const BUILT_IN: &[(&str, &[u8])] = &[
    ("bits-per-byte", include_bytes!("../../../plugins/dist/bits-per-byte.wasm")),
    ("choice-likelihood", include_bytes!("../../../plugins/dist/choice-likelihood.wasm")),
    ("instruction-checks", include_bytes!("../../../plugins/dist/instruction-checks.wasm")),
    ("likert-inventory", include_bytes!("../../../plugins/dist/likert-inventory.wasm")),
    ("numeric-answer", include_bytes!("../../../plugins/dist/numeric-answer.wasm")),
    ("short-answer", include_bytes!("../../../plugins/dist/short-answer.wasm")),
    ("style-chars", include_bytes!("../../../plugins/dist/style-chars.wasm")),
    ("style-delta", include_bytes!("../../../plugins/dist/style-delta.wasm")),
    ("trait-bayes", include_bytes!("../../../plugins/dist/trait-bayes.wasm")),
    ("trait-judge", include_bytes!("../../../plugins/dist/trait-judge.wasm")),
    ("trait-lexicon", include_bytes!("../../../plugins/dist/trait-lexicon.wasm")),
    ("trait-logistic", include_bytes!("../../../plugins/dist/trait-logistic.wasm")),
    ("trait-manner", include_bytes!("../../../plugins/dist/trait-manner.wasm")),
    ("trait-sentiment", include_bytes!("../../../plugins/dist/trait-sentiment.wasm")),
    ("trait-structure", include_bytes!("../../../plugins/dist/trait-structure.wasm")),
    ("yes-no-questionnaire", include_bytes!("../../../plugins/dist/yes-no-questionnaire.wasm")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::lock::Lock;

    #[test]
    fn every_built_in_has_the_bytes_that_the_lock_file_names() {
        let lock = Lock::parse(include_str!("../../../plugins/dist/lock.toml")).unwrap();
        let locked: Vec<&str> = lock.plugins.iter().map(|plugin| plugin.id.as_str()).collect();
        let built_in: Vec<&str> = BUILT_IN.iter().map(|(id, _)| *id).collect();
        assert_eq!(built_in, locked);
        for (plugin, (_, wasm)) in lock.plugins.iter().zip(BUILT_IN) {
            plugin.check(wasm).unwrap();
        }
    }
}
