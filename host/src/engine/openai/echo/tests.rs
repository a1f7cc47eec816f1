use super::*;

/// An answer for `text`, with these tokens, values and places; each token is the most probable one.
fn answer(text: &str, tokens: &[&str], values: &str, offsets: &str) -> String {
    let tops = vec![r#"{"x":-9.0}"#; tokens.len()].join(",");
    format!(
        r#"{{"choices":[{{"text":{},"logprobs":{{"tokens":{},"token_logprobs":{values},"top_logprobs":[{tops}],"text_offset":{offsets}}}}}],"usage":{{"prompt_tokens":3}}}}"#,
        json!(text),
        json!(tokens),
    )
}

fn echo(tokens: &[&str], values: &str, offsets: &str) -> Result<Echo, Unusable> {
    read(answer("a bc d!", tokens, values, offsets).as_bytes(), "a bc d")
}

const TOKENS: [&str; 4] = ["a", " bc", " d", "!"];

#[test]
fn tokens_behind_the_boundary_are_scored_and_the_generated_one_is_not() {
    let echo = echo(&TOKENS, "[null,-1.5,-0.25,-3.0]", "[0,1,4,6]").unwrap();
    assert_eq!(echo.behind(1), Scored::Sum(-1.75, 2, true));
    assert_eq!(echo.behind(4), Scored::Sum(-0.25, 1, true));
    assert_eq!(echo.behind(0), Scored::NoFirst);
    assert_eq!(echo.behind(6), Scored::NoTokens);
    assert_eq!((echo.leading, echo.counted), (None, Some(3)));
}

#[test]
fn places_are_worked_out_where_the_server_has_none() {
    let placed = echo(&TOKENS, "[null,-1.5,-0.25,-3.0]", "[0,1,4,6]").unwrap();
    assert_eq!(echo(&TOKENS, "[null,-1.5,-0.25,-3.0]", "[-1,-1,-1,-1]").unwrap(), placed);
}

#[test]
fn a_first_token_that_is_not_in_the_text_is_left_out_and_places_move_with_it() {
    let tokens = ["<s>", "a", " bc", " d"];
    let echo = echo(&tokens, "[null,-2.0,-1.5,-0.25]", "[0,3,4,7]").unwrap();
    assert_eq!(echo.leading.as_deref(), Some("<s>"));
    assert_eq!(echo.behind(0), Scored::Sum(-3.75, 3, true));
}

#[test]
fn parts_of_a_character_are_placed_between_their_neighbours() {
    let body = answer("\u{1f600} b", &["", "\u{fffd}", " b"], "[null,-1.0,-2.0]", "[0,0,1]");
    let echo = read(body.as_bytes(), "\u{1f600} b").unwrap();
    assert_eq!(echo.behind(1), Scored::Sum(-2.0, 1, true));
    let wrong = answer("\u{1f600} b", &["\u{fffd}", "\u{fffd}", " b"], "[null,-1.0,-2.0]", "[0,1,2]");
    assert!(
        read(wrong.as_bytes(), "\u{1f600} b").is_err(),
        "a place that is off by one would move the boundary"
    );
}

#[test]
fn spaces_at_the_end_of_a_context_belong_to_the_continuation() {
    assert_eq!((boundary("a b \n"), boundary(" "), boundary("\u{e9}")), (3, 0, 1));
}

#[test]
fn an_answer_that_lies_about_itself_is_refused() {
    let refusal =
        |tokens: &[&str], values: &str, offsets: &str| echo(tokens, values, offsets).unwrap_err().found;
    insta::assert_snapshot!(refusal(&TOKENS, "[null,-1.5,-0.25]", "[0,1,4,6]"), @"4 tokens with 3 values");
    insta::assert_snapshot!(refusal(&TOKENS, "[null,-1.5,-0.25,-1]", "[0,1,4]"), @"4 tokens with 3 values");
    insta::assert_snapshot!(refusal(&TOKENS, "[null,1.5,-0.25,-1]", "[0,1,4,6]"), @"1.5 is no log-probability");
    insta::assert_snapshot!(refusal(&TOKENS, "[null,-1e300,-0.25,-1]", "[0,1,4,6]"), @"-1e300 is no log-probability");
    insta::assert_snapshot!(refusal(&TOKENS, "[null,null,-0.25,-1]", "[0,1,4,6]"), @"token 2 has no log-probability");
    insta::assert_snapshot!(refusal(&TOKENS, "[null,-1.5,-0.25,-1]", "[0,2,4,6]"), @"the places of the tokens do not agree with the text (text_offset)");
    insta::assert_snapshot!(refusal(&TOKENS, "[null,-1.5,-0.25,-1]", "[0,1,4,3]"), @"the places of the tokens do not agree with the text (text_offset)");
    insta::assert_snapshot!(refusal(&["a", " xx", " d", "!"], "[null,-1.5,-0.25,-1]", "[0,1,4,6]"), @"the places of the tokens do not agree with the text (text_offset)");
    insta::assert_snapshot!(refusal(&["a", " bc", " d", "!", "!"], "[null,-1.5,-0.25,-1,-1]", "[0,1,4,6,7]"), @"2 tokens behind the text, 1 was asked for");
    insta::assert_snapshot!(refusal(&["a", " bc"], "[null,-1.5]", "[0,1]"), @"the places of the tokens do not agree with the text (text_offset)");
    insta::assert_snapshot!(refusal(&[], "[]", "[]"), @"the places of the tokens do not agree with the text (text_offset)");
    insta::assert_snapshot!(refusal(&TOKENS, "[null,NaN,-0.25,-1]", "[0,1,4,6]"), @"an answer that is not what was asked for: expected value at line 1 column 96");
    let other = read(answer("other", &["other"], "[null]", "[0]").as_bytes(), "text").unwrap_err();
    insta::assert_snapshot!(other.found, @"the text does not come back (echo)");
    let none = read(br#"{"choices":[{"text":"text!"}]}"#, "text").unwrap_err();
    insta::assert_snapshot!(none.found, @"no log-probabilities of tokens come back (logprobs)");
}
