//! Texts to be tokenized, in requests whose answers fit a frame.

use realign_engine_abi::message::{Request, TokenizeInput};

/// Texts in one request for tokens.
const TEXTS_PER_REQUEST: usize = 1_024;
/// Bytes of text in one request for tokens; the answer must fit a frame.
const BYTES_PER_REQUEST: usize = 4 << 20;

/// Requests for the tokens of texts, in their order.
#[must_use]
pub fn requests(texts: Vec<TokenizeInput>) -> Vec<Request> {
    let mut requests: Vec<Vec<TokenizeInput>> = Vec::new();
    let mut bytes = 0;
    for text in texts {
        let size = text_bytes(&text);
        match requests.last_mut() {
            Some(request) if request.len() < TEXTS_PER_REQUEST && bytes + size <= BYTES_PER_REQUEST => {
                bytes += size;
                request.push(text);
            }
            _ => {
                bytes = size;
                requests.push(vec![text]);
            }
        }
    }
    requests.into_iter().map(Request::Tokenize).collect()
}

/// Bytes of text in one input.
#[must_use]
pub fn text_bytes(text: &TokenizeInput) -> usize {
    match text {
        TokenizeInput::Raw(text) => text.len(),
        TokenizeInput::Pair { context, continuation } => context.len() + continuation.len(),
        TokenizeInput::Chat(messages) | TokenizeInput::Transcript(messages) => {
            messages.iter().map(|message| message.role.len() + message.content.len()).sum()
        }
    }
}
