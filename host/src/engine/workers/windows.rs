//! Whole texts that are longer than the model's window, in pieces.
//!
//! As lm-eval 0.4.13 scores them (`loglikelihood_rolling` with a context of one token): each token is scored exactly once. The
//! first window holds as many tokens as the model takes, behind the token that texts begin with. Each further window scores the next
//! tokens, as many as there are and the model takes; what room the last, shorter one has left is filled with the tokens before it. A
//! token at the start of a full window is therefore scored behind a single token, and perplexities of long texts are higher than a
//! sliding window would give.
//!
//! A window's last token is only scored, never read, so that a row may be one token longer than the window.

/// Context and continuation of each window over `tokens`, of which there is at least one. `window` is at least 1.
pub(super) fn windows(start: &[u32], tokens: &[u32], window: usize) -> Vec<(Vec<u32>, Vec<u32>)> {
    let first = tokens.len().min(window);
    let mut found = vec![(start.to_vec(), tokens[..first].to_vec())];
    let mut scored = first;
    while scored < tokens.len() {
        let end = tokens.len().min(scored + window);
        found.push((tokens[end - window - 1..scored].to_vec(), tokens[scored..end].to_vec()));
        scored = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `make_disjoint_window` over `get_rolling_token_windows` of lm-eval 0.4.13 gives for a context of 1.
    #[test]
    fn windows_are_those_of_lm_eval() {
        let tokens: Vec<u32> = (0..10).collect();
        let of = |window| windows(&[99], &tokens, window);
        assert_eq!(of(10), [(vec![99], tokens.clone())]);
        assert_eq!(
            of(4),
            [(vec![99], vec![0, 1, 2, 3]), (vec![3], vec![4, 5, 6, 7]), (vec![5, 6, 7], vec![8, 9]),]
        );
        assert_eq!(of(5), [(vec![99], vec![0, 1, 2, 3, 4]), (vec![4], vec![5, 6, 7, 8, 9])]);
        assert_eq!(of(1).len(), 10);
    }

    proptest! {
        #[test]
        fn every_token_is_scored_once_behind_the_tokens_before_it(count in 1_usize..200, window in 1_usize..40) {
            let tokens: Vec<u32> = (0..200).take(count).collect();
            let whole: Vec<u32> = [&[999], &tokens[..]].concat();
            let mut scored = Vec::new();
            for (context, continuation) in windows(&[999], &tokens, window) {
                prop_assert!(!context.is_empty() && !continuation.is_empty());
                prop_assert!(context.len() + continuation.len() - 1 <= window, "what the model reads");
                let end = scored.len() + 1;
                prop_assert_eq!(&context[..], &whole[end - context.len()..end]);
                scored.extend(continuation);
            }
            prop_assert_eq!(scored, tokens);
        }

        #[test]
        fn a_text_that_fits_is_one_window(count in 1_usize..40) {
            let tokens: Vec<u32> = (0..40).take(count).collect();
            prop_assert_eq!(windows(&[7], &tokens, 40), [(vec![7], tokens)]);
        }
    }
}
