//! Numbers in prose, as exact fractions.
//!
//! Read are digits with commas or thin spaces between groups of three, a decimal point, a sign, and a fraction of two whole
//! numbers (`3/4`); signs of currency and percent beside them are passed over. A number ends where its letters begin: `12th`
//! is 12, and the point that ends a sentence is none of its own.

/// A fraction in lowest terms; the denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Number {
    numerator: i128,
    denominator: i128,
}

/// Most digits of a number: their fractions stay within 128 bits.
const MOST_DIGITS: usize = 18;

impl Number {
    fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = common(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()? * denominator.signum();
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }
}

fn common(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { common(b, a % b) }
}

/// The last number of a text.
#[must_use]
pub(crate) fn last(text: &str) -> Option<Number> {
    let chars: Vec<char> = text.chars().collect();
    let (mut place, mut found) = (0, None);
    while place < chars.len() {
        if !chars[place].is_ascii_digit() && !begins_with_point(&chars, place) {
            place += 1;
            continue;
        }
        let negative = is_negative(&chars, place);
        let (number, end) = unsigned(&chars, place);
        found =
            number.and_then(|(top, bottom)| Number::new(if negative { -top } else { top }, bottom)).or(found);
        place = end.max(place + 1);
    }
    found
}

/// `.5`, where no digit stands before it.
fn begins_with_point(chars: &[char], place: usize) -> bool {
    let digit = |place: usize| chars.get(place).is_some_and(char::is_ascii_digit);
    chars[place] == '.' && digit(place + 1) && !(place > 0 && digit(place - 1))
}

/// Whether a minus belongs to the number: before it, perhaps before its currency, and not between two numbers or words.
fn is_negative(chars: &[char], place: usize) -> bool {
    let mut before = chars[..place].iter().rev().skip_while(|c| matches!(c, '$' | '€' | '£' | '¥'));
    matches!(before.next(), Some('-' | '\u{2212}'))
        && before.next().is_none_or(|c| !c.is_alphanumeric() && *c != ')')
}

/// A number without its sign, as numerator and denominator, and where it ends; none where it is too long.
fn unsigned(chars: &[char], start: usize) -> (Option<(i128, i128)>, usize) {
    let (whole, mut place) = digits(chars, start, true);
    let mut decimals = String::new();
    let digit = |place: usize| chars.get(place).is_some_and(char::is_ascii_digit);
    if chars.get(place) == Some(&'.') && digit(place + 1) {
        (decimals, place) = digits(chars, place + 1, false);
    }
    let fits = whole.len() + decimals.len() <= MOST_DIGITS;
    let scale = 10_i128.checked_pow(u32::try_from(decimals.len()).unwrap_or(u32::MAX));
    let top = format!("0{whole}{decimals}").parse().ok();
    let after_slash = start > 0 && chars[start - 1] == '/';
    if !after_slash && decimals.is_empty() && chars.get(place) == Some(&'/') && digit(place + 1) {
        let (bottom, end) = digits(chars, place + 1, false);
        // `1/2/2024` is a date: its last number stands by itself.
        if chars.get(end) != Some(&'/') && fits && bottom.len() <= MOST_DIGITS {
            return (top.zip(bottom.parse().ok()), end);
        }
    }
    (top.zip(scale).filter(|_| fits), place)
}

/// Digits, with separators of groups of three taken out where they are allowed.
fn digits(chars: &[char], start: usize, grouped: bool) -> (String, usize) {
    let mut found = String::new();
    let mut place = start;
    let digit = |place: usize| chars.get(place).is_some_and(char::is_ascii_digit);
    while place < chars.len() {
        let separator = matches!(chars[place], ',' | '\u{202f}' | '\u{2009}' | '\u{a0}');
        let three = (1..=3).all(|more| digit(place + more)) && !digit(place + 4);
        if chars[place].is_ascii_digit() {
            found.push(chars[place]);
        } else if !(grouped && separator && !found.is_empty() && three) {
            break;
        }
        place += 1;
    }
    (found, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_is_read_however_it_is_written() {
        let is =
            |text: &str, top: i128, bottom: i128| assert_eq!(last(text), Number::new(top, bottom), "{text}");
        is("She has 3, then 1,024 apples.", 1024, 1);
        is("It costs $1,234.50.", 12345, 10);
        is("-7", -7, 1);
        is("a loss of -$5", -5, 1);
        is("10-7", 7, 1);
        is("between 3 and 4/8", 1, 2);
        is("about .5 litres", 1, 2);
        is("2.50", 5, 2);
        is("12\u{202f}345\u{202f}678", 12_345_678, 1);
        is("1, 2, 300", 300, 1);
        is("50%", 50, 1);
        is("on 1/2/2024", 2024, 1);
        is("18.0", 18, 1);
        is("the 12th", 12, 1);
        is("5/0 or", 0, 0);
        assert_eq!(last("none"), None);
        assert_eq!(last(&"9".repeat(40)), None);
    }
}
