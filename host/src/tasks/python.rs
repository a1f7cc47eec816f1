//! Python's way to write values, both ways: templates are filled in as Python prints, and a rendered list is read as Python
//! reads one.

use std::fmt::Write;

use minijinja::{Value, value::ValueKind};

/// `str(value)` as a template puts it into its text.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_owned)
}

/// `repr(value)`, for what JSON can hold.
fn repr(value: &Value) -> String {
    match value.kind() {
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.into(),
        ValueKind::None => "None".into(),
        ValueKind::String => quoted(value.as_str().unwrap_or_default()),
        ValueKind::Number => number(value),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().into_iter().flatten();
            format!("[{}]", items.map(|item| repr(&item)).collect::<Vec<_>>().join(", "))
        }
        ValueKind::Map => {
            let entry = |key: Value| {
                let value = value.get_item(&key).unwrap_or_default();
                format!("{}: {}", repr(&key), repr(&value))
            };
            let keys = value.try_iter().into_iter().flatten();
            format!("{{{}}}", keys.map(entry).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

/// Floats in the shortest digits that give them back; from 1e16 on, and below 1e-4, with an exponent of two digits.
fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    f64::try_from(value.clone()).map_or_else(|_| value.to_string(), float)
}

/// A float as Python prints it.
#[must_use]
pub fn float(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() || (1e-4..1e16).contains(&size) {
        return match value {
            _ if value.is_nan() => "nan".into(),
            f64::INFINITY => "inf".into(),
            f64::NEG_INFINITY => "-inf".into(),
            _ => format!("{value:?}"),
        };
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// In single quotes, unless there are single quotes inside and no double ones.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// What `ast.literal_eval` makes of a list of texts and whole numbers; `None` where it is not one.
///
/// Read as a Jinja expression without names, which writes lists and texts as Python does.
#[must_use]
pub fn list(text: &str) -> Option<Vec<serde_json::Value>> {
    let text = text.trim();
    if !text.starts_with('[') || !text.ends_with(']') {
        return None;
    }
    let mut environment = minijinja::Environment::empty();
    environment.set_fuel(Some(200_000));
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let value = environment.compile_expression(text).ok()?.eval(()).ok()?;
    items(&value)
}

/// The items of a list of texts and whole numbers; `None` where it is not one.
#[must_use]
pub fn items(value: &Value) -> Option<Vec<serde_json::Value>> {
    let item = |item: Value| match item.as_str() {
        Some(text) => Some(serde_json::Value::String(text.to_owned())),
        None if item.is_integer() => i64::try_from(item).ok().map(serde_json::Value::from),
        None => None,
    };
    (value.kind() == ValueKind::Seq).then(|| value.try_iter().ok()?.map(item).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_python_prints_them() {
        let shown = |value: serde_json::Value| text(&Value::from(Serde(&value)));
        assert_eq!(shown(json!("it's")), "it's");
        assert_eq!(
            shown(json!(["it's", "a \"b\"", 1, 2.5, true, null])),
            r#"["it's", 'a "b"', 1, 2.5, True, None]"#
        );
        assert_eq!(shown(json!({"a": [false]})), "{'a': [False]}");
        assert_eq!(shown(json!(1e16)), "1e+16");
        assert_eq!(shown(json!(0.00001)), "1e-05");
        assert_eq!(shown(json!(3.0)), "3.0");
    }

    #[test]
    fn a_printed_list_is_read_and_nothing_else_is() {
        assert_eq!(list(r#" ['a', "it's"] "#), Some(vec![json!("a"), json!("it's")]));
        assert_eq!(list("[1, 2]"), Some(vec![json!(1), json!(2)]));
        assert_eq!(list("[x]"), None);
        assert_eq!(list("[see below]"), None);
        assert_eq!(list("a"), None);
    }
}
