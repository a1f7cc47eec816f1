//! Code of other crates that panics on damaged input, run as code that fails.
//!
//! A caught panic is still announced by the panic hook, which would print lines of another crate before our own error. So a hook of ours is put
//! before the one that is there, once and for the whole process, and stays silent in one case only: this thread is inside of [`run`], and
//! the panic arose in a source file that is not this crate's. Whatever else panics is announced as before: other threads,
//! code outside of [`run`], and our own code inside of it, which is a bug of ours and not the file's, and is not swallowed either.
//! What embeds this crate and aborts in its own hook, as libFuzzer does, sees our bugs alone.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    path::Path,
    sync::Once,
};

/// What a thread does, as far as the hook is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// [`run`].
    Run,
    /// [`run`], in which our own code panicked.
    Bug,
}

thread_local! {
    static INSIDE: Cell<Inside> = const { Cell::new(Inside::Nothing) };
}

/// What `work` gives; nothing where code of another crate panicked in it. Panics of our own code go on.
pub(super) fn run<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_silent(info) {
                before(info);
            }
        }));
    });
    INSIDE.set(Inside::Run);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    match (done, INSIDE.replace(Inside::Nothing)) {
        (Ok(value), _) => Some(value),
        (Err(bug), Inside::Bug) => panic::resume_unwind(bug),
        (Err(_), _) => None,
    }
}

fn is_silent(info: &PanicHookInfo<'_>) -> bool {
    if INSIDE.get() == Inside::Nothing {
        return false;
    }
    if info.location().is_none_or(|location| !is_ours(location.file())) {
        return true;
    }
    INSIDE.set(Inside::Bug);
    false
}

/// Whether a source file, as the compiler names it, is one of this crate's.
fn is_ours(file: &str) -> bool {
    // .../src/tasks/data/parquet/contained.rs
    let source = Path::new(file!()).ancestors().nth(4);
    source.is_some_and(|source| Path::new(file).starts_with(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_another_crate_is_nothing() {
        assert_eq!(run(|| "xx".repeat(usize::MAX)), None);
        assert_eq!(INSIDE.get(), Inside::Nothing);
        assert_eq!(run(|| 3), Some(3));
    }

    #[test]
    fn a_panic_in_our_own_code_goes_on() {
        let caught = panic::catch_unwind(|| run(|| panic!("a bug")));
        assert_eq!(caught.expect_err("a panic").downcast_ref(), Some(&"a bug"));
        assert_eq!(INSIDE.get(), Inside::Nothing);
    }

    #[test]
    fn files_of_this_crate_are_told_from_others() {
        assert!(is_ours(file!()));
        assert!(!is_ours("/registry/src/parquet-1.0.0/src/file/reader.rs"));
        assert!(!is_ours("/rustc/library/alloc/src/slice.rs"));
    }
}
