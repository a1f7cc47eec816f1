//! A finished conversation as tokens, with a mark on each token that the assistant has to produce.
//!
//! What is scored is derived from the chat template and never guessed: the text before an assistant's turn is the
//! template's own prompt for it, and the turn reaches to the token with which the template ends it. The pieces are
//! tokenized one by one, so the prompt in front of a scored turn has exactly the tokens that it has when the model
//! is asked, and no token straddles a border.

use realign_engine_abi::message::{ChatMessage, Tokenized};

use crate::{
    error::{Error, Result},
    template::Template,
    tokenizer::Tokenizer,
};

/// Tokens and marks of a conversation.
///
/// # Errors
/// A request error if the template refuses the messages, does not begin the conversation with its own prompt, or
/// does not end a turn with a token that ends generation.
pub fn transcript(tokenizer: &Tokenizer, template: &Template, messages: &[ChatMessage]) -> Result<Tokenized> {
    let whole = template.render(messages, false)?;
    let mut pieces: Vec<(&str, bool)> = Vec::new();
    let mut done = 0;
    let turns = messages.iter().enumerate().filter(|(_, message)| message.role == "assistant");
    for (turn, _) in turns {
        let place = |error: Error| error.within(format!("message {turn}"));
        let prompt = template.render(&messages[..turn], true).map_err(place)?;
        let after = template.render(&messages[..=turn], false).map_err(place)?;
        if !(whole.starts_with(&after) && after.starts_with(&prompt) && prompt.len() >= done) {
            return Err(place(Error::request("the chat template words a turn in two ways"))
                .hint("its prompt must be the beginning of the finished conversation"));
        }
        let end = tokenizer.end_of_turn(&after[prompt.len()..]).ok_or_else(|| {
            place(Error::request("the chat template does not end the assistant's turn"))
                .hint("training needs a token after which generation stops")
        })?;
        pieces.push((&whole[done..prompt.len()], false));
        done = prompt.len() + end;
        pieces.push((&whole[prompt.len()..done], true));
    }
    pieces.push((&whole[done..], false));
    let mut found = Tokenized::default();
    for (text, scored) in pieces {
        found.tokens.extend(tokenizer.encode(text)?);
        found.scored.resize(found.tokens.len(), scored);
    }
    Ok(found)
}
