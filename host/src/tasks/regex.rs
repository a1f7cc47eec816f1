//! Regular expressions as Python's `re` reads them, for filters and metrics.
//!
//! The crate behind it differs in three things that task files meet: `$` also matches before a line break at the end, `\Z` is
//! the very end, and inside brackets `[`, `&&`, `--` and `~~` mean themselves. The pattern is rewritten for that. Matching is
//! limited in steps.

use fancy_regex::{Captures, Regex, RegexBuilder};

/// Steps back that one match may take.
const MOST_STEPS: usize = 1_000_000;

/// Longest pattern in bytes.
const MOST_BYTES: usize = 4096;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MOST_BYTES {
            return Err(format!("a pattern of {} bytes, the limit is {MOST_BYTES}", pattern.len()));
        }
        let built = RegexBuilder::new(&translated(pattern)).backtrack_limit(MOST_STEPS).build();
        built.map(Self).map_err(|error| format!("pattern {pattern:?}: {}", one_line(&error)))
    }

    /// Groups of every match, as `re.findall` gives them: the whole match where there are no groups, else each group, empty
    /// where it took no part.
    ///
    /// # Errors
    /// The limit of steps, in one line.
    pub fn find_all(&self, text: &str) -> Result<Vec<Vec<String>>, String> {
        let mut found = Vec::new();
        self.each(text, |captures| {
            let group =
                |group: usize| captures.get(group).map_or(String::new(), |group| group.as_str().to_owned());
            let first = usize::from(captures.len() > 1);
            found.push((first..captures.len()).map(group).collect());
        })?;
        Ok(found)
    }

    /// Every match replaced, as `re.sub`; `\1` and `\g<1>` are groups.
    ///
    /// # Errors
    /// The limit of steps, in one line.
    pub fn replace_all(&self, text: &str, replacement: &str) -> Result<String, String> {
        let (mut out, mut done) = (String::new(), 0);
        self.each(text, |captures| {
            let Some(whole) = captures.get(0) else { return };
            out.push_str(&text[done..whole.start()]);
            expand(replacement, captures, &mut out);
            done = whole.end();
        })?;
        out.push_str(&text[done..]);
        Ok(out)
    }

    /// Python's order of matches: an empty one may follow directly on one that is not, and none on an empty one.
    fn each(&self, text: &str, mut take: impl FnMut(&Captures<'_, str>)) -> Result<(), String> {
        let mut from = 0;
        while from <= text.len() {
            let found = self.0.captures_from_pos(text, from).map_err(|error| one_line(&error))?;
            let Some(captures) = found else { break };
            let Some(whole) = captures.get(0) else { break };
            let (start, end) = (whole.start(), whole.end());
            take(&captures);
            from =
                if start == end { end + text[end..].chars().next().map_or(1, char::len_utf8) } else { end };
        }
        Ok(())
    }
}

/// A pattern that means to the crate what the given one means to Python.
fn translated(pattern: &str) -> String {
    let multiline = pattern.starts_with("(?m") || pattern.starts_with("(?im") || pattern.starts_with("(?sm");
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let (mut inside, mut first) = (false, false);
    while let Some(c) = chars.next() {
        let begins = std::mem::take(&mut first);
        match c {
            '\\' => match chars.next() {
                Some('Z') if !inside => out.push_str("\\z"),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            '[' if inside => out.push_str("\\["),
            '[' => {
                (inside, first) = (true, true);
                out.push('[');
                if let Some('^') = chars.peek() {
                    chars.next();
                    out.push('^');
                }
            }
            ']' if inside && begins => out.push_str("\\]"),
            ']' if inside => {
                inside = false;
                out.push(']');
            }
            '&' | '~' if inside => out.extend(['\\', c]),
            '-' if inside && chars.peek() == Some(&'-') => out.push_str("\\-"),
            '$' if !inside && !multiline => out.push_str("(?=\\n?\\z)"),
            c => out.push(c),
        }
    }
    out
}

fn expand(replacement: &str, captures: &Captures<'_, str>, out: &mut String) {
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('g') if chars.peek() == Some(&'<') => {
                chars.next();
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                let group = name.parse().ok().and_then(|number: usize| captures.get(number));
                out.push_str(group.or_else(|| captures.name(&name)).map_or("", |group| group.as_str()));
            }
            Some(digit) if digit.is_ascii_digit() => {
                let number = digit.to_digit(10).unwrap_or(0) as usize;
                out.push_str(captures.get(number).map_or("", |group| group.as_str()));
            }
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
}

/// The innermost reason, in one line.
fn one_line(error: &fancy_regex::Error) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str, text: &str) -> Vec<Vec<String>> {
        Pattern::new(pattern).expect("a pattern").find_all(text).expect("found")
    }

    /// Each as `CPython` 3.11's `re.findall` gives it.
    #[test]
    fn matches_are_those_of_python() {
        assert_eq!(all(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", "a 12 b 3"), [["12", ""], ["", "3"]]);
        assert_eq!(all("(?<=the answer is )(.*)(?=.)", "So the answer is (B)."), [["(B)"]]);
        assert_eq!(all("a*", "ab"), [["a"], [""], [""]]);
        assert_eq!(all("b$", "ab\n"), [["b"]]);
        assert_eq!(all(r"b\Z", "ab\n"), Vec::<Vec<String>>::new());
        assert_eq!(all("[][]", "a[b]"), [["["], ["]"]]);
        assert_eq!(all(r"#### (\-?[0-9\.\,]+)", "so #### 1,024."), [["1,024."]]);
        assert_eq!(all("", "é"), [[""], [""]]);
    }

    #[test]
    fn replacements_are_those_of_python() {
        let replace = |pattern: &str, text: &str, by: &str| {
            Pattern::new(pattern).expect("a pattern").replace_all(text, by).expect("replaced")
        };
        assert_eq!(replace(",", "1,024", ""), "1024");
        assert_eq!(replace("(a)(b)?", "ab a", r"<\1\g<2>>"), "<ab> <a>");
        assert_eq!(replace(r"(?s).*#### ", "x\n#### 4", ""), "4");
        assert_eq!(replace(r"\.$", "4.\n", ""), "4\n");
    }

    #[test]
    fn a_pattern_that_never_ends_is_stopped() {
        let text = "a".repeat(40);
        let error = Pattern::new(r"(a|a)*\1b").expect("a pattern").find_all(&text).expect_err("stopped");
        insta::assert_snapshot!(error, @"Error executing regex: Max limit for backtracking count exceeded");
        insta::assert_snapshot!(Pattern::new("(a").expect_err("refused"), @r#"pattern "(a": Parsing error at position 2: Opening parenthesis without closing parenthesis"#);
    }
}
