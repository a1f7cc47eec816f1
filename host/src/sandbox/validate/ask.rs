//! Questions of an evaluator to the host.

use std::collections::BTreeSet;

use super::{Untrusted, broken, text};
use crate::{
    model::Failure,
    sandbox::{
        outcome::{code, failure},
        types::Ask,
    },
};

/// Checks the questions of one round: at most `most`, kinds granted, ids not among `asked`, to which they are added.
pub(in crate::sandbox) fn asks(
    Untrusted(asks): Untrusted<Vec<Ask>>,
    most: usize,
    grants: &BTreeSet<String>,
    asked: &mut BTreeSet<String>,
) -> Result<Vec<Ask>, Failure> {
    if asks.is_empty() {
        return Err(broken("step neither asked nor finished"));
    }
    if asks.len() > most {
        return Err(failure(code::ASKS, format!("{} asks, {most} are allowed for this batch", asks.len())));
    }
    for Ask { id, kind, body } in &asks {
        text::line("ask id", id, text::ID_BYTES).map_err(broken)?;
        text::name("ask kind", kind).map_err(broken)?;
        if !grants.contains(kind) {
            return Err(failure(code::GRANT, format!("asked for {kind}, which is not granted")));
        }
        text::json_object("ask body", body, usize::MAX).map_err(broken)?;
        if !asked.insert(id.clone()) {
            return Err(broken("an ask id came twice in one batch"));
        }
    }
    Ok(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(id: &str, kind: &str, body: &str) -> Ask {
        Ask { id: id.into(), kind: kind.into(), body: body.into() }
    }

    fn check(given: Vec<Ask>) -> String {
        let grants = BTreeSet::from(["choose".to_owned()]);
        let mut asked = BTreeSet::from(["before".to_owned()]);
        match asks(Untrusted(given), 2, &grants, &mut asked) {
            Ok(_) => "valid".to_owned(),
            Err(Failure { code, message }) => format!("{code}: {message}"),
        }
    }

    #[test]
    fn asks_are_few_granted_and_told_apart() {
        let lines = [
            check(vec![ask("a", "choose", "{}"), ask("b", "choose", "{}")]),
            check(vec![]),
            check(vec![ask("a", "choose", "{}"); 3]),
            check(vec![ask("a", "choose", "{}"); 2]),
            check(vec![ask("before", "choose", "{}")]),
            check(vec![ask("a", "generate", "{}")]),
            check(vec![ask("a", "choose", "[1]")]),
            check(vec![ask("", "choose", "{}")]),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        valid
        contract: step neither asked nor finished
        asks: 3 asks, 2 are allowed for this batch
        contract: an ask id came twice in one batch
        contract: an ask id came twice in one batch
        grant: asked for generate, which is not granted
        contract: ask body is not a JSON object
        contract: ask id is empty
        ");
    }
}
