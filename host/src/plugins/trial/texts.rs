//! Texts that an evaluator has to get along with, whatever it judges.

/// Name of the longest text.
pub const LONGEST: &str = "1 MiB of text";

/// Name and text of each, the longest last.
#[must_use]
pub fn probes() -> Vec<(&'static str, String)> {
    vec![
        ("empty text", String::new()),
        ("blanks", " \t\r\n\u{a0}\u{2003}\u{3000}".into()),
        ("plain text", "Thanks for asking. We will look into it, and we let you know. Is there anything else?".into()),
        ("every Unicode plane", every_plane()),
        ("right to left", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}! \u{202b}\u{645}\u{631}\u{62d}\u{628}\u{627} 12 \u{202c}\u{5ea}\u{5d5}\u{5d3}\u{5d4}.".into()),
        ("lone combining marks", "\u{301}\u{308} a\u{301}\u{301}\u{301} \u{20dd}\u{fe0f}\u{200d}".into()),
        ("joined emoji", "\u{1f469}\u{200d}\u{1f52c}\u{1f3fd} \u{1f1e9}\u{1f1ea} 1\u{fe0f}\u{20e3} ok".into()),
        ("control characters", "\u{0}\u{7}\u{1b}[31mred\u{1b}[0m\u{9b}\u{feff}\u{fffd}".into()),
        ("markup", "# Title\n\n- one\n- two\n\n1. three\n\n```\ncode\n```\n<b>bold</b> {\"a\": [1, 2]}".into()),
        ("one word without end", "a".repeat(10_000)),
        (LONGEST, "We will look into it, and you need do nothing. ".repeat((1 << 20) / 47 + 1)),
    ]
}

/// The first and last characters of each plane that has characters, private ones included.
fn every_plane() -> String {
    let mut text = String::new();
    for plane in 0_u32..=16 {
        for offset in [0x20, 0x41, 0x3b1, 0x4e00, 0xe000, 0xfffd] {
            text.extend(char::from_u32(plane * 0x1_0000 + offset));
            text.push(' ');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_seventeen_planes_are_in_and_the_long_text_is_as_long_as_it_says() {
        let planes: std::collections::BTreeSet<u32> =
            every_plane().chars().map(|character| u32::from(character) >> 16).collect();
        assert_eq!(planes.len(), 17);
        let probes = probes();
        let (_, longest) = probes.last().unwrap();
        assert!((1 << 20..(1 << 20) + 64).contains(&longest.len()), "{}", longest.len());
    }
}
