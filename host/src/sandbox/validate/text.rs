//! Lengths and alphabets of the strings that a guest hands back.

/// Most bytes of a failure message or the reason of a not-applicable.
pub(super) const MESSAGE_BYTES: usize = 1024;

/// Most bytes of an id that has to match something of the host.
pub(super) const ID_BYTES: usize = 256;

/// Most bytes of a name of the contract: evaluator ids, metrics, ask kinds.
pub(super) const NAME_BYTES: usize = 64;

/// At most `limit` bytes.
pub(super) fn within(what: &str, text: &str, limit: usize) -> Result<(), String> {
    let bytes = text.len();
    if bytes > limit { Err(format!("{what} has {bytes} bytes, {limit} are allowed")) } else { Ok(()) }
}

/// Not empty, short, and one line.
pub(super) fn line(what: &str, text: &str, limit: usize) -> Result<(), String> {
    within(what, text, limit)?;
    if text.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{what} has control characters"));
    }
    Ok(())
}

/// `[a-z0-9-]`, 1 to 64 bytes.
pub(super) fn name(what: &str, text: &str) -> Result<(), String> {
    line(what, text, NAME_BYTES)?;
    if text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        Ok(())
    } else {
        Err(format!("{what} has other characters than a-z, 0-9 and -"))
    }
}

/// `MAJOR.MINOR.PATCH` with an optional pre-release and build part, as semantic versioning has it.
pub(super) fn version(text: &str) -> Result<(), String> {
    line("version", text, NAME_BYTES)?;
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let pre_word =
        |part: &str| word(part) && (number(part) || !part.bytes().all(|byte| byte.is_ascii_digit()));
    let semantic = core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(pre_word))
        && build.is_none_or(|build| build.split('.').all(word));
    if semantic { Ok(()) } else { Err("version is not MAJOR.MINOR.PATCH".to_owned()) }
}

/// A JSON object.
pub(super) fn json_object(what: &str, text: &str, limit: usize) -> Result<(), String> {
    within(what, text, limit)?;
    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_err() {
        return Err(format!("{what} is not a JSON object"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_semantic() {
        for good in ["0.1.0", "1.20.300", "1.0.0-rc.1", "1.0.0+build.7", "1.0.0-a-b+c"] {
            assert_eq!(version(good), Ok(()), "{good}");
        }
        for bad in ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.x", "1.0.0-", "1.0.0-01", "v1.0.0", "1.0.0 "] {
            assert!(version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_keep_to_their_alphabet() {
        assert_eq!(name("id", "trait-lexicon-2"), Ok(()));
        for bad in ["", "Trait", "a b", "a\u{7}", "ä", &"a".repeat(65)] {
            assert!(name("id", bad).is_err(), "{bad}");
        }
    }
}
