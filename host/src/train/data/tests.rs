use std::fs;

use super::{pairs::Pair, supervised::Supervised, *};
use crate::exit::Exit;

fn file(lines: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    fs::write(&path, lines).unwrap();
    (folder, path)
}

fn supervised(lines: &str) -> Result<Vec<Row>> {
    let (_folder, path) = file(lines);
    read_supervised(&path, Role::Persona)
}

fn pairs(lines: &str) -> Result<Vec<Row>> {
    let (_folder, path) = file(lines);
    read_pairs(&path, Role::Persona)
}

fn refusal(result: Result<Vec<Row>>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.exit(), Exit::BadInput, "{error}");
    let message = error.to_string();
    message[message.find("rows.jsonl").expect("the file is named")..].to_owned()
}

fn roles(messages: &[ChatMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.role.as_str()).collect()
}

#[test]
fn the_three_forms_of_supervised_rows_are_read() {
    let rows = supervised(
        r#"{"id":"a","family":"f","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}]}
{"prompt":"Hi","completion":"Ho","system":"Be brief."}
{"text":"Once upon a time"}
"#,
    )
    .unwrap();
    assert_eq!((rows[0].id.as_str(), rows[0].family.as_deref()), ("a", Some("f")));
    let Content::Conversation(second) = &rows[1].content else { panic!("{rows:?}") };
    assert_eq!(roles(second), ["system", "user", "assistant"]);
    assert_eq!(rows[1].id, "rows.jsonl:2");
    assert_eq!(rows[2].content, Content::Text("Once upon a time".into()));
}

#[test]
fn pairs_of_texts_of_messages_of_conversations_and_of_the_seeds_mean_the_same() {
    let rows = pairs(
        r#"{"prompt":"Hi","chosen":"Good day","rejected":"Yo"}
{"prompt":[{"role":"user","content":"Hi"}],"chosen":[{"role":"assistant","content":"Good day"}],"rejected":"Nope"}
{"chosen":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Good day!"}],"rejected":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo"}]}
{"scenario":"Hi","consistent_response":"Good day","inconsistent_response":"Yo","trait":"polite"}
"#,
    )
    .unwrap();
    for row in &rows {
        let Content::Pair { chosen, rejected } = &row.content else { panic!("{row:?}") };
        assert_eq!((roles(chosen), roles(rejected)), (vec!["user", "assistant"], vec!["user", "assistant"]));
        assert_eq!(chosen[0].content, "Hi");
    }
    assert_eq!(rows[0].content, rows[3].content);
}

#[test]
fn rows_that_cannot_be_meant_are_refused_with_file_line_and_field() {
    let messages = |roles: &[(&str, &str)]| {
        let list: Vec<_> = roles.iter().map(|(role, text)| message(role, text)).collect();
        serde_json::json!({ "messages": list }).to_string() + "\n"
    };
    insta::assert_snapshot!(refusal(supervised("")), @"rows.jsonl: no rows");
    insta::assert_snapshot!(refusal(supervised("{\"mesages\":[]}\n")), @"rows.jsonl line 1 column 10: unknown field `mesages`, expected one of `id`, `family`, `system`, `messages`, `prompt`, `completion`, `instruction`, `response`, `text`, `notes`");
    insta::assert_snapshot!(refusal(supervised("{\"prompt\":\"Hi\"}\n")), @"rows.jsonl line 1: one of `messages`, `prompt` with `completion`, `instruction` with `response`, and `text` is needed");
    insta::assert_snapshot!(refusal(supervised(&messages(&[("user", "Hi")]))), @"rows.jsonl line 1: messages: the last message must be the assistant's");
    insta::assert_snapshot!(refusal(supervised(&messages(&[("user", "Hi"), ("bot", "Ho")]))), @"rows.jsonl line 1: messages[1].role: `bot` is not expected there");
    insta::assert_snapshot!(refusal(supervised(&messages(&[("user", "Hi"), ("assistant", " ")]))), @"rows.jsonl line 1: messages[1].content: empty");
    insta::assert_snapshot!(refusal(supervised("{\"prompt\":3,\"completion\":\"Ho\"}\n")), @"rows.jsonl line 1 column 11: neither a text nor a list of messages");
    insta::assert_snapshot!(refusal(supervised("{\"id\":\"a\",\"text\":\"b\"}\n{\"id\":\"a\",\"text\":\"c\"}\n")), @"rows.jsonl line 2: id `a` stands on line 1 too");
}

#[test]
fn pairs_that_teach_nothing_are_refused() {
    insta::assert_snapshot!(refusal(pairs("{\"prompt\":\"Hi\",\"chosen\":\"Ho\",\"rejected\":\"Ho \"}\n")), @"rows.jsonl line 1: chosen and rejected are the same text");
    insta::assert_snapshot!(refusal(pairs("{\"chosen\":\"Ho\",\"rejected\":\"He\"}\n")), @"rows.jsonl line 1: prompt: missing");
    let one_class = "{\"prompt\":\"Hi\",\"chosen\":\"Ho\",\"rejected\":\"He\"}\n{\"prompt\":\"Hey\",\"chosen\":\"Ho\",\"rejected\":\"Ha\"}\n";
    insta::assert_snapshot!(refusal(pairs(one_class)), @"rows.jsonl: chosen is the same text in all 2 rows");
    let other_prompt = r#"{"chosen":[{"role":"user","content":"Hi"},{"role":"assistant","content":"A"}],"rejected":[{"role":"user","content":"Hey"},{"role":"assistant","content":"B"}]}"#;
    insta::assert_snapshot!(refusal(pairs(other_prompt)), @"rows.jsonl line 1: chosen and rejected differ before their last turn");
}

#[test]
fn families_that_are_kept_for_testing_are_refused() {
    let rows = supervised("{\"family\":\"late\",\"text\":\"a b\"}\n{\"family\":\"lost\",\"text\":\"c d\"}\n")
        .unwrap();
    let (_folder, scenarios) = file(
        "{\"family\":\"late\",\"split\":\"train\",\"kind\":\"plain\"}\n{\"family\":\"lost\",\"split\":\"test\",\"kind\":\"plain\"}\n",
    );
    assert!(refuse_held_out(&rows[..1], &scenarios).is_ok());
    let message = refuse_held_out(&rows, &scenarios).unwrap_err().to_string();
    assert!(message.contains("rows.jsonl line 2: family `lost` is in the test split of "), "{message}");
}

#[test]
fn rows_to_look_at_keep_what_training_refuses() {
    let (_folder, path) = file(
        r#"{"id":7,"prompt":"Hi","chosen":" ","rejected":"Yo","source":"web"}
{"scenario":"Hi","consistent_response":"Yo","inconsistent_response":"Yo","trait":"polite"}
{"instruction":"Say hi","response":"Hi","notes":{"by":"hand"}}
"#,
    );
    let found = inspect(&path).unwrap();
    assert_eq!((found[0].id.as_deref(), found[0].line), (Some("7"), 1));
    assert_eq!(found[0].extra["source"], "web");
    assert_eq!((found[1].trait_id.as_deref(), found[1].row.id.as_str()), (Some("polite"), "rows.jsonl:2"));
    assert!(matches!(&found[1].row.content, Content::Pair { chosen, rejected } if chosen == rejected));
    assert_eq!(found[2].notes.as_ref().unwrap()["by"], "hand");
    assert!(found[2].raw.starts_with("{\"instruction\""));
}

#[test]
fn of_rows_to_look_at_a_bad_one_is_named_with_line_and_field() {
    let refusal = |bad: &str| {
        let (_folder, path) = file(&format!("{{\"text\":\"fine\"}}\n{bad}\n"));
        let message = inspect(&path).unwrap_err().to_string();
        message[message.find("rows.jsonl").expect("the file is named")..].to_owned()
    };
    let shown = [
        refusal(r#"{"prompt":"Hi","chosen":3,"rejected":"Yo"}"#),
        refusal(r#"{"prompt":"Hi","chosen":"Ho"}"#),
        refusal(r#"{"prompt":"Hi"}"#),
        refusal(r#"{"instruction":"Hi","completion":"Ho"}"#),
        refusal(r#"{"messages":[{"role":"owner","content":"Hi"},{"role":"assistant","content":"Ho"}]}"#),
        refusal(r#"{"messages":[{"role":"user"}]}"#),
        refusal("[1]"),
        refusal("{"),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_fields_that_are_kept_aside_are_those_that_training_refuses() {
    for (fields, kind) in
        [(Pair::FIELDS, read_pairs as fn(&Path, Role) -> _), (Supervised::FIELDS, read_supervised)]
    {
        for field in fields {
            let (_folder, path) = file(&format!("{{\"{field}\":null,\"no-such-field\":1}}\n"));
            let error = kind(&path, Role::Persona).unwrap_err().to_string();
            assert!(error.contains("unknown field `no-such-field`"), "{field}: {error}");
        }
    }
}
