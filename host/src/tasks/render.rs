//! Jinja templates of task files, rendered over one row of data.
//!
//! Strict like lm-eval's: an unknown name is an error, never an empty text. Rendering is limited in fuel and in length,
//! because a task file is input like any other. Values are filled in as Python prints them.

use std::collections::BTreeSet;

use minijinja::{
    Environment, ErrorKind, Output, State, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Serde, ValueKind, from_args},
};

use super::{python, regex::Pattern};
use crate::error::{Error, Result};

/// Instructions that one rendering may take.
const FUEL: u64 = 200_000;

/// Longest text that one rendering may give: 16 MiB.
const MOST_BYTES: usize = 16 << 20;

/// One row of data.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// Names of the columns of a split.
pub type Columns = BTreeSet<String>;

/// A value of a task file: the name of a column, or a template.
pub struct Template {
    key: &'static str,
    source: String,
    /// `None` where the source is the name of a column.
    environment: Option<Environment<'static>>,
}

impl Template {
    /// The column of that name if the data has one, else the compiled template.
    ///
    /// # Errors
    /// A usage error naming the key where the syntax is wrong.
    pub fn new(key: &'static str, source: &str, columns: &Columns) -> Result<Self> {
        let environment = (!columns.contains(source)).then(|| environment(key, source)).transpose()?;
        Ok(Self { key, source: source.to_owned(), environment })
    }

    /// What the row gives: the column's value; else, where the template is one expression, a list if it gives one; else text.
    ///
    /// # Errors
    /// Bad input naming the key where the row lacks the column or the template fails on it.
    pub fn value(&self, row: &Row) -> Result<serde_json::Value> {
        let Some(environment) = &self.environment else {
            let missing = || Error::bad_input(format!("{}: the row has no `{}`", self.key, self.source));
            return row.get(&self.source).cloned().ok_or_else(missing);
        };
        if let Some(list) = self.list(environment, row)? {
            return Ok(list);
        }
        let template = environment.get_template("template").map_err(|error| self.failed(&error))?;
        let text = template.render(Serde(row)).map_err(|error| self.failed(&error))?;
        if text.len() > MOST_BYTES {
            let message = format!("{}: gives {} bytes, the limit is {MOST_BYTES}", self.key, text.len());
            return Err(Error::bad_input(message));
        }
        Ok(serde_json::Value::String(text))
    }

    /// The text for a row.
    ///
    /// # Errors
    /// As [`Self::value`], and bad input where it is no text.
    pub fn text(&self, row: &Row) -> Result<String> {
        match self.value(row)? {
            serde_json::Value::String(text) => Ok(text),
            // A template gives its list printed.
            list @ serde_json::Value::Array(_) if self.environment.is_some() => {
                Ok(python::text(&Value::from(Serde(&list))))
            }
            other => Err(Error::bad_input(format!("{}: gives {} instead of a text", self.key, kind(&other)))),
        }
    }

    /// The list of a template that is one expression and gives one.
    fn list(&self, environment: &Environment<'static>, row: &Row) -> Result<Option<serde_json::Value>> {
        let inner = self.source.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        // `{{a}} and {{b}}` begins and ends like one expression, and is none.
        let Some(expression) = inner.and_then(|inner| environment.compile_expression(inner).ok()) else {
            return Ok(None);
        };
        let value = expression.eval(Serde(row)).map_err(|error| self.failed(&error))?;
        // A list of anything else is printed like every other value.
        Ok(python::items(&value).map(serde_json::Value::Array))
    }

    fn failed(&self, error: &minijinja::Error) -> Error {
        Error::bad_input(format!("{}: {}", self.key, one_line(error)))
    }
}

/// What a JSON value is called.
#[must_use]
pub fn kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "nothing",
        serde_json::Value::Bool(_) => "true or false",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a text",
        serde_json::Value::Array(_) => "a list",
        serde_json::Value::Object(_) => "an object",
    }
}

fn environment(key: &str, source: &str) -> Result<Environment<'static>> {
    let wrong = |error: &minijinja::Error| Error::usage(format!("{key}: {}", one_line(error)));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|error| wrong(&error))?);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(python_methods);
    environment.set_formatter(as_python_prints);
    environment.add_filter("regex_replace", regex_replace);
    environment.add_template_owned("template", source.to_owned()).map_err(|error| wrong(&error))?;
    Ok(environment)
}

fn as_python_prints(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if value.is_undefined() || value.as_str().is_some() {
        return minijinja::escape_formatter(out, state, value);
    }
    Ok(out.write_str(&python::text(value))?)
}

/// lm-eval's filter of that name: every match of a pattern replaced.
fn regex_replace(text: &str, pattern: &str, replacement: &str) -> Result<String, minijinja::Error> {
    let replaced = Pattern::new(pattern).and_then(|pattern| pattern.replace_all(text, replacement));
    replaced.map_err(|message| minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

/// The methods of Python lists and strings that task files use and Jinja itself does not have.
fn python_methods(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, minijinja::Error> {
    if value.kind() == ValueKind::Seq && method == "index" {
        let (wanted,): (Value,) = from_args(arguments)?;
        let position = value.try_iter()?.position(|item| item == wanted);
        return position.map(Value::from).ok_or_else(|| {
            minijinja::Error::new(ErrorKind::InvalidOperation, format!("{wanted:?} is not in the list"))
        });
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments)
}

fn one_line(error: &minijinja::Error) -> String {
    error.to_string().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> Row {
        let row = json!({"a": "x", "n": 3, "flag": true, "list": ["p", "q's"], "none": null});
        row.as_object().expect("an object").clone()
    }

    fn text(source: &str) -> Result<String> {
        Template::new("key", source, &Columns::from(["a".to_owned(), "n".to_owned()]))?.text(&row())
    }

    #[test]
    fn values_are_filled_in_as_python_prints_them() {
        let shown = |source: &str| text(source).expect("a text");
        assert_eq!(shown("{{flag}} {{none}} {{list}} {{n / 2}}\n"), "True None ['p', \"q's\"] 1.5\n");
        assert_eq!(shown("{{ list }}"), "['p', \"q's\"]");
        assert_eq!(shown("a"), "x");
        assert_eq!(shown("{{a}}{{a}}"), "xx");
        assert_eq!(
            shown("{{a.upper()}} {{list.index('p')}} {{'a1b'|regex_replace('[0-9]', '-')}}"),
            "X 0 a-b"
        );
    }

    #[test]
    fn what_cannot_be_rendered_is_named() {
        let refusal = |source: &str| text(source).expect_err("refused").to_string();
        insta::assert_snapshot!(refusal("n"), @"key: gives a number instead of a text");
        insta::assert_snapshot!(refusal("{{b}}"), @"key: undefined value: `b` is undefined (in template:1)");
        insta::assert_snapshot!(refusal("{{a"), @"key: syntax error: unexpected end of input, expected end of variable block (in template:1)");
        insta::assert_snapshot!(refusal("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}"), @"key: engine ran out of fuel (in template:1)");
        insta::assert_snapshot!(refusal("{{ 'a' * 20000000 }}"), @"key: engine ran out of fuel (in <expression>:1)");
        insta::assert_snapshot!(refusal("{{ a|regex_replace('(', '') }}"), @r#"key: invalid operation: pattern "(": Parsing error at position 1: Opening parenthesis without closing parenthesis (in <expression>:1)"#);
    }
}
