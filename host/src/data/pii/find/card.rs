//! Numbers of payment cards.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{alone, digits, pattern};

/// Digits, perhaps in groups, with an issuer's prefix and length and a right check digit.
pub(super) fn cards(text: &str) -> Vec<Range<usize>> {
    static FORM: LazyLock<Regex> = LazyLock::new(|| pattern(r"[0-9](?:[ -]?[0-9]){11,18}"));
    let is_card = |number: &str| {
        let digits = digits(number);
        issued(&digits) && luhn(&digits)
    };
    alone(&FORM, text).filter(|(_, number)| is_card(number)).map(|(range, _)| range).collect()
}

/// Whether prefix and length are those of an issuer (ISO/IEC 7812 ranges as the schemes publish them).
fn issued(digits: &[u8]) -> bool {
    let prefix =
        |length: usize| digits.iter().take(length).fold(0_u32, |n, digit| 10 * n + u32::from(*digit));
    let (two, three, four) = (prefix(2), prefix(3), prefix(4));
    match digits.len() {
        13 | 19 if digits[0] == 4 => true,
        14 => two == 36 || two == 38 || two == 39 || (300..=305).contains(&three),
        15 => two == 34 || two == 37,
        16 => {
            digits[0] == 4
                || (51..=55).contains(&two)
                || (2221..=2720).contains(&four)
                || four == 6011
                || two == 65
                || (644..=649).contains(&three)
                || (3528..=3589).contains(&four)
                || two == 62
        }
        17..=19 => two == 62,
        _ => false,
    }
}

/// Luhn's check (US patent 2,950,048): from the right every second digit doubled, digits summed, a multiple of ten.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) => 2 * digit / 10 + 2 * digit % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_changed_digit_makes_a_card_number_wrong(place in 0_usize..16, by in 1_u8..10) {
            let mut digits: Vec<u8> = digits("4111111111111111");
            digits[place] = (digits[place] + by) % 10;
            prop_assert!(!luhn(&digits));
        }
    }
}
