//! Continuing prompts: conversations through `/chat/completions`, raw text through `/completions`.

use serde_json::{Value, json};

use super::{
    answer::{About, Answer, Choice, Usage},
    dispatch::Request,
};
use crate::{
    engine::query::{GenerateAnswer, GenerateQuery, Prompt},
    model::Finish,
};

/// Servers disagree on how wide a seed may be; every one takes 31 bits.
const SEED_BITS: u64 = 0x7fff_ffff;

/// The request of a query. Nucleus sampling is switched off, which many servers have on by default.
pub(super) fn request(query: &GenerateQuery, model: &str) -> Request {
    let mut body = json!({
        "model": model,
        "max_tokens": query.max_tokens,
        // Through its shortest decimal form: 0.7 as f32 is no 0.7 as f64.
        "temperature": query.temperature.to_string().parse::<f64>().unwrap_or_default(),
        "top_p": 1.0,
        "seed": query.seed.derive(&query.id).0 & SEED_BITS,
        "stream": false,
    });
    if !query.stop.is_empty() {
        body["stop"] = json!(query.stop);
    }
    let (endpoint, name, prompt) = match &query.prompt {
        Prompt::Messages(messages) => ("chat/completions", "messages", json!(messages)),
        Prompt::Raw(text) => ("completions", "prompt", json!(text)),
    };
    body[name] = prompt;
    Request { endpoint, body }
}

/// Reads the answer to a query.
///
/// # Errors
/// A line that says what is wrong with it: more tokens than were asked for, no text, a reason that is no end of an answer.
pub(super) fn read(body: &[u8], query: &GenerateQuery) -> Result<(GenerateAnswer, About), String> {
    let (choice, usage, about) = Answer::read(body)?;
    let made = usage.as_ref().and_then(|usage: &Usage| usage.completion_tokens).unwrap_or_default();
    if made > u64::from(query.max_tokens) {
        return Err(format!("{made} tokens, at most {} were asked for", query.max_tokens));
    }
    let finish = finish(&choice)?;
    let Choice { text, message, .. } = choice;
    let text = match &query.prompt {
        Prompt::Raw(_) => text,
        // A model that ends its turn at once has no content.
        Prompt::Messages(_) => message.map(|message| message.content.unwrap_or_default()),
    };
    let text = text.ok_or_else(|| "an answer without a text".to_owned())?;
    let (text, finish) = cut(text, &query.stop, finish);
    let tokens = usize::try_from(made).unwrap_or(usize::MAX);
    Ok((GenerateAnswer { text, tokens, finish }, about))
}

/// `stop` means the end of the turn as well as a stop text. Where the server names the text, it is told apart.
fn finish(choice: &Choice) -> Result<Finish, String> {
    match choice.finish_reason.as_deref() {
        Some("stop") if matches!(choice.stop_reason, Some(Value::String(_))) => Ok(Finish::Stop),
        Some("stop") => Ok(Finish::End),
        Some("length") => Ok(Finish::Length),
        Some(other) => Err(format!("the answer ended with {:?}, which is no answer", head(other))),
        None => Err("an answer that does not say why it ended".into()),
    }
}

/// Servers differ in whether they take the stop text off.
fn cut(text: String, stop: &[String], finish: Finish) -> (String, Finish) {
    match stop.iter().filter_map(|stop| text.find(stop.as_str())).min() {
        Some(place) => (text[..place].to_owned(), Finish::Stop),
        None => (text, finish),
    }
}

/// The beginning of a server's own words.
pub(super) fn head(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::Seed, model::ChatMessage};

    fn query(prompt: Prompt) -> GenerateQuery {
        GenerateQuery {
            id: "a".into(),
            prompt,
            max_tokens: 8,
            temperature: 0.7,
            seed: Seed(1),
            stop: vec!["\n\n".into()],
        }
    }

    fn answer(text: &str) -> Result<GenerateAnswer, String> {
        read(text.as_bytes(), &query(Prompt::Raw("Once".into()))).map(|(answer, _)| answer)
    }

    #[test]
    fn a_conversation_goes_to_the_chat_endpoint_as_it_is() {
        let messages = ["system", "user", "assistant", "user"]
            .map(|role| ChatMessage { role: role.into(), content: format!("by {role}") });
        let Request { endpoint, body } = request(&query(Prompt::Messages(messages.into())), "m");
        assert_eq!(endpoint, "chat/completions");
        insta::assert_snapshot!(body, @r#"{"max_tokens":8,"messages":[{"content":"by system","role":"system"},{"content":"by user","role":"user"},{"content":"by assistant","role":"assistant"},{"content":"by user","role":"user"}],"model":"m","seed":1210147246,"stop":["\n\n"],"stream":false,"temperature":0.7,"top_p":1.0}"#);
    }

    #[test]
    fn why_a_text_ended_is_told_apart_where_the_server_does() {
        let finish = |rest: &str| {
            let text = format!(r#"{{"choices":[{{"text":"x",{rest}}}]}}"#);
            answer(&text).unwrap().finish
        };
        assert_eq!(finish(r#""finish_reason":"stop""#), Finish::End);
        assert_eq!(finish(r#""finish_reason":"stop","stop_reason":"\n\n""#), Finish::Stop);
        assert_eq!(
            finish(r#""finish_reason":"stop","stop_reason":2"#),
            Finish::End,
            "a token that ends turns"
        );
        assert_eq!(finish(r#""finish_reason":"length""#), Finish::Length);
    }

    #[test]
    fn a_stop_text_that_the_server_left_is_taken_off() {
        let found = answer(r#"{"choices":[{"text":"one\n\ntwo","finish_reason":"length"}]}"#).unwrap();
        assert_eq!((found.text.as_str(), found.finish), ("one", Finish::Stop));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let refusal = |text: &str| answer(text).unwrap_err();
        insta::assert_snapshot!(refusal("{\"choices\":["), @"an answer that is not what was asked for: EOF while parsing a list at line 1 column 12");
        insta::assert_snapshot!(refusal(r#"{"choices":[]}"#), @"0 choices, 1 was asked for");
        insta::assert_snapshot!(refusal(r#"{"choices":[{"text":"x","finish_reason":"content_filter"}]}"#), @r#"the answer ended with "content_filter", which is no answer"#);
        insta::assert_snapshot!(refusal(r#"{"choices":[{"text":"x","finish_reason":null}]}"#), @"an answer that does not say why it ended");
        insta::assert_snapshot!(refusal(r#"{"choices":[{"finish_reason":"stop"}]}"#), @"an answer without a text");
        insta::assert_snapshot!(refusal(r#"{"choices":[{"text":"x","finish_reason":"stop"}],"usage":{"completion_tokens":9}}"#), @"9 tokens, at most 8 were asked for");
    }
}
