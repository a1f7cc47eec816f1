//! Finding personal data in a text by its form.
//!
//! | Kind | Is |
//! |---|---|
//! | e-mail address | what `linkify` takes for one, unless its domain is reserved for examples (RFC 2606) |
//! | card | 12 to 19 digits, perhaps in groups, with an issuer's prefix and length and a right check digit (Luhn) |
//! | IBAN | what `iban_validate` accepts: country, length, account format, check digits |
//! | social security number | `123-45-6789` with numbers that are given out |
//! | IP address | one that is reachable from everywhere; not private, local or for documentation |
//! | telephone number | `+` and a country code; ten digits as North America writes them; or 7 to 15 digits behind a word such as "phone" or "call" |
//!
//! A form that fits much is worth nothing: a year, a price, a date, an order number is no telephone number. Names and postal
//! addresses have no form and are not looked for. A library for telephone numbers would check area codes of every country;
//! the one that is kept well brings 25 crates, and what it needs is what is hard here: to know where a number is.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
    sync::LazyLock,
};

use iban::Iban;
use linkify::{LinkFinder, LinkKind};
use regex::Regex;
use serde::{Deserialize, Serialize};

mod card;
mod phone;

/// What was found. Where two overlap, the one that stands first here is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// International bank account number.
    Iban,
    /// Number of a payment card.
    Card,
    /// Social security number of the United States.
    Ssn,
    /// E-mail address.
    Email,
    /// Internet address.
    Ip,
    /// Telephone number.
    Phone,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Iban, Self::Card, Self::Ssn, Self::Email, Self::Ip, Self::Phone];

    /// What stands in a redacted text.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Iban => "[IBAN]",
            Self::Card => "[CARD]",
            Self::Ssn => "[SSN]",
            Self::Email => "[EMAIL]",
            Self::Ip => "[IP]",
            Self::Phone => "[PHONE]",
        }
    }
}

/// Where something stands: bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub kind: Kind,
    /// Bytes, on character boundaries.
    pub range: Range<usize>,
}

/// Everything that is found in a text, in its order; nothing overlaps.
#[must_use]
pub fn find(text: &str) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let mut add = |kind: Kind, ranges: Vec<Range<usize>>| {
        for range in ranges {
            let free =
                found.iter().all(|span| span.range.end <= range.start || range.end <= span.range.start);
            if free {
                found.push(Span { kind, range });
            }
        }
    };
    add(Kind::Iban, ibans(text));
    add(Kind::Card, card::cards(text));
    add(Kind::Ssn, ssns(text));
    add(Kind::Email, emails(text));
    add(Kind::Ip, ips(text));
    add(Kind::Phone, phone::phones(text));
    found.sort_by_key(|span| span.range.start);
    found
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is part of the program")
}

/// Matches that no letter, digit or further group touches.
fn alone<'t>(pattern: &Regex, text: &'t str) -> impl Iterator<Item = (Range<usize>, &'t str)> {
    let touches = |character: char| character.is_alphanumeric() || character == '_';
    pattern
        .find_iter(text)
        .filter(move |found| {
            let before = text[..found.start()].chars().next_back();
            let mut after = text[found.end()..].chars();
            let next = after.next();
            let continued =
                matches!(next, Some('-' | '.' | '/')) && after.next().is_some_and(|c| c.is_ascii_digit());
            !before.is_some_and(|c| touches(c) || matches!(c, '-' | '.' | '/' | '$' | '€' | '£' | '#' | ','))
                && !next.is_some_and(|c| touches(c) || c == '%')
                && !continued
        })
        .map(|found| (found.range(), found.as_str()))
}

fn digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect()
}

fn ibans(text: &str) -> Vec<Range<usize>> {
    static FORM: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,32}"));
    let mut found = Vec::new();
    for candidate in FORM.find_iter(text) {
        let before = text[..candidate.start()].chars().next_back();
        if before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        // A capitalised word may follow: the longest beginning that is one, ending where a group ends.
        let text = candidate.as_str();
        let ends = text.char_indices().filter(|(_, c)| *c == ' ').map(|(end, _)| end);
        let mut ends: Vec<usize> = ends.chain([text.len()]).collect();
        ends.reverse();
        let fits = |end: &usize| {
            let plain: String = text[..*end].chars().filter(|c| *c != ' ').collect();
            plain.parse::<Iban>().is_ok()
        };
        if let Some(end) = ends.into_iter().find(fits) {
            found.push(candidate.start()..candidate.start() + end);
        }
    }
    found
}

fn ssns(text: &str) -> Vec<Range<usize>> {
    static FORM: LazyLock<Regex> = LazyLock::new(|| pattern(r"[0-9]{3}-[0-9]{2}-[0-9]{4}"));
    let given_out = |number: &str| {
        let parts: Vec<u32> = number.split('-').filter_map(|part| part.parse().ok()).collect();
        matches!(parts[..], [area, group, serial]
            if area != 0 && area != 666 && area < 900 && group != 0 && serial != 0)
    };
    alone(&FORM, text).filter(|(_, number)| given_out(number)).map(|(range, _)| range).collect()
}

fn emails(text: &str) -> Vec<Range<usize>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Email]);
    let somebodys = |address: &str| {
        let domain = address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let reserved =
            ["example.com", "example.org", "example.net", "test", "invalid", "example", "localhost"];
        !reserved.iter().any(|name| domain == *name || domain.ends_with(&format!(".{name}")))
    };
    let links = finder.links(text).filter(|link| somebodys(link.as_str()));
    links.map(|link| link.start()..link.end()).collect()
}

fn ips(text: &str) -> Vec<Range<usize>> {
    static FORM: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*::?[0-9A-Fa-f:]+"));
    let reachable = |address: &str| match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => is_global_v4(address),
        Ok(IpAddr::V6(address)) => is_global_v6(address),
        Err(_) => false,
    };
    let version = |start: usize| {
        let before = text[..start].trim_end().to_lowercase();
        before.ends_with("version") || before.ends_with("release")
    };
    alone(&FORM, text)
        .filter(|(range, address)| reachable(address) && !version(range.start))
        .map(|(range, _)| range)
        .collect()
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || first == 0
        || first >= 224)
}

/// Global unicast (`2000::/3`) without the range for documentation.
fn is_global_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first >> 13 == 1 && !(first == 0x2001 && second == 0x0db8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(Kind, &str)> {
        find(text).into_iter().map(|span| (span.kind, &text[span.range])).collect()
    }

    fn one(text: &str) -> Option<(Kind, &str)> {
        let found = found(text);
        assert!(found.len() <= 1, "{text}: {found:?}");
        found.first().copied()
    }

    #[test]
    fn each_kind_is_found_where_it_stands() {
        assert_eq!(
            one("Write to jo.doe@mail.harbor.co, please."),
            Some((Kind::Email, "jo.doe@mail.harbor.co"))
        );
        assert_eq!(one("Card 4111 1111 1111 1111."), Some((Kind::Card, "4111 1111 1111 1111")));
        assert_eq!(one("amex 378282246310005"), Some((Kind::Card, "378282246310005")));
        assert_eq!(one("My SSN is 536-90-4399."), Some((Kind::Ssn, "536-90-4399")));
        assert_eq!(
            one("Pay DE44 5001 0517 5407 3249 31 NOW"),
            Some((Kind::Iban, "DE44 5001 0517 5407 3249 31"))
        );
        assert_eq!(one("IBAN GB33BUKB20201555555555."), Some((Kind::Iban, "GB33BUKB20201555555555")));
        assert_eq!(one("It came from 8.8.8.8!"), Some((Kind::Ip, "8.8.8.8")));
        assert_eq!(one("from 2a00:1450:4001:81b::200e"), Some((Kind::Ip, "2a00:1450:4001:81b::200e")));
        assert_eq!(one("Ring +44 20 7946 0958"), Some((Kind::Phone, "+44 20 7946 0958")));
        assert_eq!(one("(212) 736-5000 is right"), Some((Kind::Phone, "(212) 736-5000")));
        assert_eq!(one("1-800-275-2273"), Some((Kind::Phone, "1-800-275-2273")));
        assert_eq!(one("Tel.: 030 1234567"), Some((Kind::Phone, "030 1234567")));
        assert_eq!(one("call us at 0800 123 4567"), Some((Kind::Phone, "0800 123 4567")));
    }

    #[test]
    fn numbers_that_are_nobodys_are_left_alone() {
        for text in [
            "In 2024 and 1999-2003",
            "$1,234,567.89 or 1.299.000 EUR",
            "on 2024-11-26 at 10:30:45",
            "order 123-4567890-1234567",
            "tracking 9400110200881234567890",
            "parcel 4111111111111112 has a wrong check digit",
            "part 1234567890",
            "ISBN 978-3-16-148410-0",
            "pi is 3.14159265358979",
            "<<16*3=48>>48 eggs and 12345678 stars",
            "3+12345678901 = 12345678904",
            "version 10.4.2.1 of 192.168.1.10 and 127.0.0.1",
            "std::net and a::b and 10:30",
            "555-0123 and (212) 555-0199",
            "jo@example.com, root@localhost",
            "666-12-3456 and 000-12-3456 and 123-00-4567",
            "call 2 friends in 2024",
            "text 12.5 % of 100",
            "GB82 WEST 1234 5698 7654 33",
            "scores of 100 200 3000",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn the_longest_meaning_wins_where_two_overlap() {
        assert_eq!(one("call 4111 1111 1111 1111"), Some((Kind::Card, "4111 1111 1111 1111")));
        assert_eq!(one("phone 536-90-4399"), Some((Kind::Ssn, "536-90-4399")));
    }

    proptest! {
        #[test]
        fn spans_lie_in_order_on_character_boundaries(text in "([a-z@.é€ ]{0,6}|[0-9 .+()-]{1,20}|call |:){0,8}") {
            let mut end = 0;
            for span in find(&text) {
                prop_assert!(span.range.start >= end && span.range.start < span.range.end);
                prop_assert!(text.get(span.range.clone()).is_some());
                end = span.range.end;
            }
        }
    }
}
