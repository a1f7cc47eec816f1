//! The model's chat template: messages to the text that the model was trained on.
//!
//! A template is a program inside the model file, so it is untrusted. It runs in minijinja, which has no files
//! and no network, with limited fuel: one that loops is an error and never a hang. It sees what Hugging Face
//! templates expect (`messages`, `add_generation_prompt`, `bos_token`, `eos_token`, `raise_exception`, Python's
//! string methods) and no clock, so the same messages always give the same text.

use minijinja::{Environment, ErrorKind, Value, context, syntax::SyntaxConfig};
use realign_engine_abi::message::ChatMessage;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Instructions that a template may spend on one conversation: enough for thousands of messages.
const FUEL: u64 = 1_000_000;
/// Roles that a message may have.
const ROLES: [&str; 3] = ["system", "user", "assistant"];

/// A compiled chat template.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    digest: String,
    source: String,
}

impl Template {
    /// Compiles a template; `bos` and `eos` are the texts of the model's first and last tokens.
    ///
    /// # Errors
    /// A model error if the template is not valid.
    pub fn new(source: String, bos: &str, eos: &str) -> Result<Self> {
        let digest = crate::tokenizer::hexadecimal(&Sha256::digest(source.as_bytes()));
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .map_err(|error| Error::internal(format!("the template syntax cannot be set: {error}")))?,
        );
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise);
        environment
            .add_template_owned("chat", source.clone())
            .map_err(|error| invalid(&format!("does not compile: {error}")))?;
        Ok(Self { environment, bos: bos.to_owned(), eos: eos.to_owned(), digest, source })
    }

    /// The template's text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 of the template's text, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The text of a conversation; with the header of the assistant's turn at the end if that is `asked` next.
    ///
    /// # Errors
    /// A request error if a role is unknown or the template refuses the messages; a model error if the template
    /// fails or does not end.
    pub fn render(&self, messages: &[ChatMessage], asked: bool) -> Result<String> {
        if let Some(message) = messages.iter().find(|message| !ROLES.contains(&message.role.as_str())) {
            return Err(Error::request(format!("role {:?} is not one of {ROLES:?}", message.role)));
        }
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.as_str(), content => message.content.as_str() })
            .collect();
        let template = self.environment.get_template("chat").map_err(|error| invalid(&error.to_string()))?;
        let (bos, eos) = (&self.bos, &self.eos);
        template
            .render(context! { messages, add_generation_prompt => asked, bos_token => bos.as_str(), eos_token => eos.as_str() })
            .map_err(|error| failed(&error))
    }
}

/// Marks an error that the template raised on purpose.
#[derive(Debug)]
struct Raised;

impl std::fmt::Display for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("raised by the template")
    }
}

impl std::error::Error for Raised {}

fn raise(message: String) -> std::result::Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message).with_source(Raised))
}

fn failed(error: &minijinja::Error) -> Error {
    if error.kind() == ErrorKind::OutOfFuel {
        return Error::model(format!("chat template did not end within {FUEL} instructions"))
            .hint("the template loops; choose another model file");
    }
    let raised = std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<Raised>);
    if raised {
        let why = error.detail().unwrap_or("no reason given");
        return Error::request(format!("chat template refuses these messages: {why}"))
            .hint("change the order or the roles of the messages");
    }
    invalid(&error.to_string())
}

fn invalid(what: &str) -> Error {
    Error::model(format!("chat template: {what}")).hint("choose another model file")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn message(role: &str, content: &str) -> ChatMessage {
        ChatMessage { role: role.into(), content: content.into() }
    }

    fn render(source: &str) -> Result<String> {
        Template::new(source.into(), "<s>", "</s>")?.render(&[message("user", " hi ")], true)
    }

    #[test]
    fn a_template_sees_messages_tokens_and_python_methods() {
        let source = "{{ bos_token }}{% for m in messages %}[{{ m['role'].upper() }}]{{ m.content.strip() }}\
                      {% endfor %}{% if add_generation_prompt %}[ASSISTANT]{% endif %}{{ messages | tojson }}";
        assert_snapshot!(render(source).unwrap(), @r#"<s>[USER]hi[ASSISTANT][{"role": "user", "content": " hi "}]"#);
    }

    #[test]
    fn a_template_that_loops_is_cut_off() {
        let source = "{% for a in range(90000) %}{% for b in range(90000) %}{{ b }}{% endfor %}{% endfor %}";
        assert_snapshot!(render(source).unwrap_err(), @"chat template did not end within 1000000 instructions");
    }

    #[test]
    fn a_template_that_doubles_a_text_for_ever_is_cut_off_before_memory_is_full() {
        for double in ["ns.s ~ ns.s", "ns.s.replace('x', 'xx')", "ns.s * 2", "[ns.s, ns.s] | join"] {
            let source = format!(
                "{{% set ns = namespace(s='x') %}}{{% for i in range(80) %}}{{% set ns.s = {double} %}}{{% endfor %}}"
            );
            let error = render(&source).unwrap_err().to_string();
            assert_eq!(error, "chat template did not end within 1000000 instructions", "{double}");
        }
    }

    #[test]
    fn a_template_that_refuses_blames_the_messages_and_a_broken_one_the_model() {
        assert_snapshot!(
            render("{{ raise_exception('roles must alternate') }}").unwrap_err(),
            @"chat template refuses these messages: roles must alternate"
        );
        assert_snapshot!(
            render("{{ strftime_now('%Y') }}").unwrap_err(),
            @"chat template: unknown function: strftime_now is unknown (in chat:1)"
        );
        assert_snapshot!(
            render("{% if %}").unwrap_err(),
            @"chat template: does not compile: syntax error: unexpected end of block (in chat:1)"
        );
    }

    #[test]
    fn an_unknown_role_is_refused_before_the_template_runs() {
        let template = Template::new("x".into(), "", "").unwrap();
        assert_snapshot!(
            template.render(&[message("tool", "x")], true).unwrap_err(),
            @r#"role "tool" is not one of ["system", "user", "assistant"]"#
        );
    }
}
