//! The colours of every drawing.
//!
//! Drawings use these alone, so that a page can give each another shade in the dark (`html/page.css` names them).
//! Standing alone, a drawing has its own white background. The two series stay apart for people who do not see
//! red and green apart (Okabe and Ito 2008).

use plotters::style::RGBColor;

/// Behind everything.
pub const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Text and axes.
pub const INK: RGBColor = RGBColor(34, 34, 34);
/// Grid lines and frames.
pub const FAINT: RGBColor = RGBColor(150, 150, 150);
/// What is shown first, or alone.
pub const FIRST: RGBColor = RGBColor(0, 114, 178);
/// What stands beside it, or a limit.
pub const SECOND: RGBColor = RGBColor(213, 94, 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_shade_for_every_colour() {
        let style = include_str!("html/page.css");
        for RGBColor(red, green, blue) in [PAPER, INK, FAINT, FIRST, SECOND] {
            let name = format!("\"#{red:02X}{green:02X}{blue:02X}\"");
            assert!(style.contains(&format!("[fill={name}]")), "no fill for {name}");
            assert!(style.contains(&format!("[stroke={name}]")), "no stroke for {name}");
        }
    }
}
