//! Jinja templates of task files, rendered over one row of data.
//!
//! Strict like lm-eval's: an unknown name is an error, never an empty text. Rendering is limited in fuel, because
//! a task file is input like any other.

use minijinja::{
    Environment, ErrorKind, State, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Serde, ValueKind, from_args},
};

use crate::error::{Error, Result};

/// Instructions that one rendering may take.
const FUEL: u64 = 200_000;

/// One row of data.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// One template, or the name of a column.
pub struct Template {
    key: &'static str,
    source: String,
    environment: Environment<'static>,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// A usage error naming the key where the syntax is wrong.
    pub fn new(key: &'static str, source: &str) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|error| Error::usage(format!("{key}: {}", one_line(&error))))?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(python_methods);
        environment
            .add_template_owned("template", source.to_owned())
            .map_err(|error| Error::usage(format!("{key}: {}", one_line(&error))))?;
        Ok(Self { key, source: source.to_owned(), environment })
    }

    /// The text for a row: the column of that name if there is one, else the template rendered.
    ///
    /// # Errors
    /// Bad input naming the key where the template fails on the row.
    pub fn scalar(&self, row: &Row) -> Result<String> {
        match row.get(&self.source) {
            Some(serde_json::Value::String(text)) => Ok(text.clone()),
            Some(value) => Ok(value.to_string()),
            None => {
                let template =
                    self.environment.get_template("template").map_err(|error| self.failed(&error))?;
                template.render(Serde(row)).map_err(|error| self.failed(&error))
            }
        }
    }

    /// The list for a row: the column of that name, or the value of a template that is one expression.
    ///
    /// # Errors
    /// Bad input naming the key where there is no list of texts.
    pub fn list(&self, row: &Row) -> Result<Vec<String>> {
        let value = match row.get(&self.source) {
            Some(value) => Value::from(Serde(value)),
            None => self.expression(row)?,
        };
        if value.kind() != ValueKind::Seq {
            return Err(Error::bad_input(format!("{}: gives {} instead of a list", self.key, value.kind())));
        }
        let items = value.try_iter().map_err(|error| self.failed(&error))?;
        Ok(items.map(|item| item.to_string()).collect())
    }

    fn expression(&self, row: &Row) -> Result<Value> {
        let inner = self.source.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let Some(inner) = inner else {
            let message =
                format!("{}: `{}` is neither a column nor one {{{{ expression }}}}", self.key, self.source);
            return Err(Error::bad_input(message));
        };
        let expression = self.environment.compile_expression(inner).map_err(|error| self.failed(&error))?;
        expression.eval(Serde(row)).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &minijinja::Error) -> Error {
        Error::bad_input(format!("{}: {}", self.key, one_line(error)))
    }
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
