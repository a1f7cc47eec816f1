//! The built-in evaluators: components of `plugins/dist`, inside the binary.

/// Id and component of each, in the order of their ids. The lock file beside the components says which bytes they are.
pub(super) const BUILT_IN: &[(&str, &[u8])] = &[];
