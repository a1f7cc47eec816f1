//! The shell of every page: policy, style, heading with the verdict, navigation, sections.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::report::text::clean;

/// The style sheet.
const STYLE: &str = include_str!("page.css");

/// One page.
#[derive(Debug)]
pub struct Page<'a> {
    /// What the page is about, as in "run before".
    pub title: &'a str,
    /// What was measured by what, in a line.
    pub subtitle: &'a str,
    /// The verdict as a badge, and a sentence that says what decided; the first thing to read.
    pub verdict: (Markup, String),
    /// Everything else, in order.
    pub sections: Vec<Section>,
    /// The page's own script, if it needs one; it has to work on text alone.
    pub script: Option<&'static str>,
}

/// One part of a page, reached from its navigation.
#[derive(Debug)]
pub struct Section {
    /// Unique in the page; letters and dashes.
    pub id: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What it shows.
    pub body: Markup,
}

impl Page<'_> {
    /// The whole file.
    #[must_use]
    pub fn render(&self) -> String {
        let (badge, sentence) = &self.verdict;
        let (title, subtitle) = (clean(self.title), clean(self.subtitle));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy(self.script));
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content={ "realign " (env!("CARGO_PKG_VERSION")) };
                    title { (title) " - realign" }
                    // An icon of no bytes, so that no browser looks for one.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        h1 { (title) }
                        p.quiet { (subtitle) }
                        p.lead { (badge) " " (clean(sentence)) }
                        nav aria-label="Sections" { ul {
                            @for section in &self.sections { li { a href={ "#" (section.id) } { (section.title) } } }
                        } }
                    }
                    main id="content" tabindex="-1" {
                        @for section in &self.sections {
                            section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                                h2 id={ (section.id) "-title" } { (section.title) }
                                (section.body)
                            }
                        }
                    }
                    footer {
                        "Intervals are two-sided 95 %, clustered. Written by realign " (env!("CARGO_PKG_VERSION"))
                        "; this file loads nothing and sends nothing."
                    }
                    @if let Some(script) = self.script { script { (PreEscaped(script)) } }
                }
            }
        };
        page.into_string()
    }
}

/// What the page may do: use its own style sheet, and its own script, which may turn no text into elements.
fn policy(script: Option<&str>) -> String {
    let style = hash(STYLE);
    let script = script.map_or_else(String::new, |script| format!("script-src {}; ", hash(script)));
    format!(
        "default-src 'none'; style-src {style}; {script}img-src data:; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'"
    )
}

/// The source expression that allows exactly this text.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Verdict, report::html::verdict};

    #[test]
    fn hostile_titles_are_text_and_the_verdict_stands_before_every_section() {
        let page = Page {
            title: "<script>alert(1)</script>\u{1b}",
            subtitle: "\"><img src=x onerror=alert(1)>",
            verdict: (verdict(Verdict::Fail), "<b>it</b> fails".into()),
            sections: vec![Section { id: "gates", title: "Gates", body: html! { p { "body" } } }],
            script: None,
        };
        let text = page.render();
        assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<b>"), "{text}");
        assert!(!text.contains('\u{1b}'));
        let place = |what: &str| text.find(what).expect(what);
        assert!(place("badge bad") < place("id=\"gates\""));
    }

    #[test]
    fn the_policy_allows_the_style_sheet_as_a_browser_reads_it() {
        // A browser hashes what stands between the tags; a carriage return would be another text there.
        assert!(!STYLE.contains('\r') && !STYLE.contains("</"));
        let script = Some("const one = 1 < 2;");
        let verdict = (html! {}, String::new());
        let page = Page { title: "t", subtitle: "s", verdict, sections: Vec::new(), script };
        let text = page.render();
        assert!(text.contains(&format!("<style>{STYLE}</style>")));
        // The hash of that script, from `openssl dgst -sha256 -binary | base64`.
        assert!(
            text.contains("<script>const one = 1 < 2;</script>")
                && text.contains("script-src 'sha256-LXP4HDZI90iKFitbdx8bWZDVPwFKFubYoixNzNBvKco='"),
            "{text}"
        );
    }
}
