//! What became of an evaluator's examples and of the checks, as people read it.

use std::fmt::Write as _;

use super::table;
use crate::plugins::trial::{Status, Trial};

/// The whole report.
#[must_use]
pub fn render(trial: &Trial) -> String {
    let Trial { id, version, kind, sha256, cases, checks } = trial;
    let mut text = format!("{id} {version}, {kind}, sha256 {}\n", sha256.short());
    if !cases.is_empty() {
        let held = cases.iter().filter(|case| case.differences.is_empty()).count();
        let _ = write!(text, "\n{held} of {} examples are as expected\n", cases.len());
        for case in cases.iter().filter(|case| !case.differences.is_empty()) {
            let _ = writeln!(text, "  {}", case.name);
            for difference in &case.differences {
                let _ = writeln!(text, "    {difference}");
            }
        }
    }
    let mut found = table::new(&["check", "", "what was tried"], &[]);
    for check in checks {
        let status = match check.status {
            Status::Held => "holds",
            Status::Broken => "BROKEN",
            Status::Skipped => "-",
        };
        found.add_row([check.name, status, &check.detail]);
    }
    let _ = write!(text, "\n{}", table::text(&found));
    let broken = checks.iter().filter(|check| check.status == Status::Broken).count();
    if broken > 0 {
        let _ = write!(text, "\n\n{broken} of {} checks are broken", checks.len());
    }
    text
}
