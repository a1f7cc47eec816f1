//! Settings that an evaluator's own schema rules out, made of settings that it allows.
//!
//! Only what follows from the words of the schema without a judgement: a key that must be there taken out, a key that may
//! not be there added, a value of another type. So no validator is needed, and none is trusted.

use serde_json::{Map, Value, json};

/// What is wrong, and the settings.
pub(super) type Refusable = (String, Value);

/// Settings that `schema` rules out, from `config`, which it allows.
#[must_use]
pub(super) fn ruled_out(schema: &Value, config: &Value) -> Vec<Refusable> {
    let empty = Map::new();
    let settings = config.as_object().unwrap_or(&empty);
    let mut found = Vec::new();
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let mut without = settings.clone();
        without.remove(key);
        found.push((format!("without {key}"), Value::Object(without)));
    }
    if schema["additionalProperties"] == false {
        let mut more = settings.clone();
        more.insert("no-such-setting".into(), json!(1));
        found.push(("with a setting that does not exist".into(), Value::Object(more)));
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let Some((other, name)) = property["type"].as_str().and_then(other_type) else { continue };
        let mut wrong = settings.clone();
        wrong.insert(key.clone(), other);
        found.push((format!("with {key} as {name}"), Value::Object(wrong)));
    }
    found
}

/// A value that is not of this type.
fn other_type(name: &str) -> Option<(Value, &'static str)> {
    match name {
        "string" => Some((json!(3), "a number")),
        "number" | "integer" | "boolean" | "object" => Some((json!("three"), "a text")),
        "array" => Some((json!(true), "true")),
        _ => None,
    }
}

/// Whether `config` lacks a key that `schema` demands, or has one that it rules out.
#[must_use]
pub(super) fn first_misfit(schema: &Value, config: &Value) -> Option<String> {
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(key) = missing.into_iter().find(|key| config.get(key).is_none()) {
        return Some(format!("the schema demands {key}, and the cases do without"));
    }
    if schema["additionalProperties"] == false {
        let known = |key: &&String| schema["properties"].get(key.as_str()).is_none();
        if let Some(key) = config.as_object().into_iter().flat_map(Map::keys).find(known) {
            return Some(format!("the cases set {key}, which the schema rules out"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_schema_rules_out_is_made_of_what_it_allows() {
        let schema = json!({
            "type": "object", "required": ["word"], "additionalProperties": false,
            "properties": { "word": { "type": "string" }, "most": { "type": "integer" }, "any": {} },
        });
        let found = ruled_out(&schema, &json!({ "word": "a" }));
        let lines: Vec<String> = found.iter().map(|(what, config)| format!("{what}: {config}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        without word: {}
        with a setting that does not exist: {"no-such-setting":1,"word":"a"}
        with most as a text: {"most":"three","word":"a"}
        with word as a number: {"word":3}
        "#);
        assert_eq!(first_misfit(&schema, &json!({ "word": "a" })), None);
        assert!(first_misfit(&schema, &json!({})).is_some());
        assert!(first_misfit(&schema, &json!({ "word": "a", "more": 1 })).is_some());
    }
}
