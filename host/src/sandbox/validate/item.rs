//! Items that a benchmark made of rows.

use super::{Untrusted, broken, text};
use crate::{
    model::{ChatMessage, Failure},
    sandbox::types::{Item, Prompt},
};

const ROLES: [&str; 3] = ["system", "user", "assistant"];

/// Checks the items of `rows` rows. That ids are unique is for the caller to see, who has all batches.
pub(in crate::sandbox) fn items(
    Untrusted(items): Untrusted<Vec<Item>>,
    rows: usize,
) -> Result<Vec<Item>, Failure> {
    if items.len() != rows {
        return Err(broken(format!("items gave {} items for {rows} rows", items.len())));
    }
    items.iter().try_for_each(check).map_err(broken)?;
    Ok(items)
}

fn check(Item { id, group, prompt, .. }: &Item) -> Result<(), String> {
    text::line("item id", id, text::ID_BYTES)?;
    text::line("item group", group, text::ID_BYTES)?;
    let Prompt::Messages(messages) = prompt else {
        return Ok(());
    };
    if messages.is_empty() {
        return Err("item prompt has no messages".to_owned());
    }
    if messages.iter().any(|ChatMessage { role, .. }| !ROLES.contains(&role.as_str())) {
        return Err(format!("item prompt has an unknown role, known are {}", ROLES.join(", ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(change: impl FnOnce(&mut Item)) -> String {
        let mut item = Item {
            id: "a".into(),
            group: "g".into(),
            prompt: Prompt::Messages(vec![ChatMessage { role: "user".into(), content: String::new() }]),
            body: String::new(),
        };
        change(&mut item);
        items(Untrusted(vec![item]), 1).map_or_else(|failure| failure.message, |_| "valid".to_owned())
    }

    #[test]
    fn items_have_ids_groups_and_known_roles() {
        let lines = [
            check_one(|_| ()),
            check_one(|item| item.prompt = Prompt::Raw(String::new())),
            check_one(|item| item.id = "line\nfeed".into()),
            check_one(|item| item.group = String::new()),
            check_one(|item| item.prompt = Prompt::Messages(vec![])),
            check_one(|item| {
                item.prompt =
                    Prompt::Messages(vec![ChatMessage { role: "root".into(), content: String::new() }]);
            }),
            items(Untrusted(vec![]), 1).unwrap_err().message,
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        valid
        valid
        item id has control characters
        item group is empty
        item prompt has no messages
        item prompt has an unknown role, known are system, user, assistant
        items gave 0 items for 1 rows
        ");
    }
}
