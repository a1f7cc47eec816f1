//! Telephone numbers.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{alone, digits, pattern};

/// A country code behind `+`; ten digits as North America writes them; or a number behind a word that announces one.
pub(super) fn phones(text: &str) -> Vec<Range<usize>> {
    static ABROAD: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\+[1-9][0-9]{0,3}(?:[ ./-]{0,2}\(?[0-9]{1,5}\)?){2,6}"));
    static AMERICAN: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:1[ .-])?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}"));
    static LABELLED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:phone|telephone|tel|mobile|cell|whatsapp|fax|sms|call(?:ing)?|dial|text|ring)\b(?: (?:number|me|us|him|her|them|at|on|is))*[.: #]{1,3}(\(?[0-9][0-9 ()/.-]{5,20}[0-9])",
        )
    });
    let abroad = alone(&ABROAD, text).filter(|(_, number)| (8..=15).contains(&digits(number).len()));
    let mut found: Vec<Range<usize>> = abroad.map(|(range, _)| range).collect();
    let american = alone(&AMERICAN, text).filter(|(_, number)| is_american(&digits(number)));
    found.extend(american.map(|(range, _)| range));
    for captures in LABELLED.captures_iter(text) {
        let Some(number) = captures.get(1) else { continue };
        let after = text[number.end()..].chars().next();
        let amount = after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '%' | ','));
        if !amount && is_labelled(number.as_str()) {
            found.push(number.range());
        }
    }
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, first| next.start < first.end);
    found
}

/// The North American plan: area code and exchange begin with 2 to 9, neither is a service code, and 555-01xx is nobody's.
fn is_american(digits: &[u8]) -> bool {
    let local = match digits {
        [1, local @ ..] if local.len() == 10 => local,
        local => local,
    };
    if local.len() != 10 {
        return false;
    }
    let code_is_given_out = |code: &[u8]| code[0] >= 2 && code[1..3] != [1, 1];
    let fictional = local[3..8] == [5, 5, 5, 0, 1];
    code_is_given_out(&local[..3]) && code_is_given_out(&local[3..6]) && !fictional
}

/// Behind a word such as "phone": 7 to 15 digits that are neither a date, nor a decimal, nor two years.
fn is_labelled(number: &str) -> bool {
    let groups: Vec<&str> =
        number.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let date = matches!(lengths[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4] | [4, 4]);
    let decimal = groups.len() == 2 && number.contains('.') && !number.contains(' ');
    let fictional = digits(number).windows(5).any(|run| run == [5, 5, 5, 0, 1]);
    (7..=15).contains(&digits(number).len()) && !date && !decimal && !fictional
}
