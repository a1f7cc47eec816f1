use serde_json::{Value, json};

use super::*;

/// Whether a response follows an instruction.
fn holds(id: &str, kwargs: &Value, response: &str) -> bool {
    let instruction = json!({ "id": id, "kwargs": kwargs });
    serde_json::from_value::<Instruction>(instruction).expect("an instruction").holds(response)
}

fn yes(id: &str, kwargs: &Value, response: &str) {
    assert!(holds(id, kwargs, response), "{id}: {response}");
}

fn no(id: &str, kwargs: &Value, response: &str) {
    assert!(!holds(id, kwargs, response), "{id}: {response}");
}

#[test]
fn words_and_letters_are_counted() {
    let keywords = json!({"keywords": ["Heron", "river"]});
    yes("keywords:existence", &keywords, "A heron at the RIVER");
    no("keywords:existence", &keywords, "A heron");
    yes(
        "keywords:frequency",
        &json!({"keyword": "fish", "frequency": 2, "relation": "at least"}),
        "Fish eat fish.",
    );
    no(
        "keywords:frequency",
        &json!({"keyword": "fish", "frequency": 2, "relation": "less than"}),
        "Fish eat fish.",
    );
    yes("keywords:forbidden_words", &json!({"forbidden_words": ["cat"]}), "concatenate");
    no("keywords:forbidden_words", &json!({"forbidden_words": ["cat"]}), "A Cat.");
    yes(
        "keywords:letter_frequency",
        &json!({"letter": "E", "let_frequency": 3, "let_relation": "at least"}),
        "eEe",
    );
    yes(
        "length_constraints:number_words",
        &json!({"num_words": 3, "relation": "at least"}),
        "one, two three",
    );
    no(
        "length_constraints:number_words",
        &json!({"num_words": 3, "relation": "less than"}),
        "one, two three",
    );
    yes(
        "length_constraints:number_sentences",
        &json!({"num_sentences": 2, "relation": "at least"}),
        "One. Two!",
    );
    yes(
        "change_case:capital_word_frequency",
        &json!({"capital_frequency": 2, "capital_relation": "at least"}),
        "NASA and ESA",
    );
    yes("punctuation:no_comma", &json!({}), "none");
    no("punctuation:no_comma", &json!({}), "one, two");
    no("punctuation:no_comma", &json!({}), " \n");
}

#[test]
fn forms_are_recognised() {
    yes("length_constraints:number_paragraphs", &json!({"num_paragraphs": 2}), "one\n***\ntwo\n***");
    no("length_constraints:number_paragraphs", &json!({"num_paragraphs": 2}), "one *** *** two");
    let first = json!({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"});
    yes("length_constraints:nth_paragraph_first_word", &first, "One.\n\n\"Then, two.");
    no("length_constraints:nth_paragraph_first_word", &first, "One.\n\nLater.");
    yes("detectable_content:number_placeholders", &json!({"num_placeholders": 2}), "[name] of [place]");
    no("detectable_content:number_placeholders", &json!({"num_placeholders": 2}), "[name] of [place");
    yes("detectable_content:postscript", &json!({"postscript_marker": "P.S."}), "Bye\nP. S. more");
    yes("detectable_content:postscript", &json!({"postscript_marker": "P.P.S"}), "P.P.S more");
    no("detectable_content:postscript", &json!({"postscript_marker": "P.S."}), "Bye");
    yes("detectable_format:number_bullet_lists", &json!({"num_bullets": 2}), "* one\n - two\n**not**");
    yes("detectable_format:constrained_response", &json!({}), "My answer is maybe.");
    yes("detectable_format:number_highlighted_sections", &json!({"num_highlights": 2}), "*one* and **two**");
    no("detectable_format:number_highlighted_sections", &json!({"num_highlights": 1}), "** ** and * alone");
    yes(
        "detectable_format:multiple_sections",
        &json!({"section_spliter": "SECTION", "num_sections": 2}),
        "SECTION 1 a\nSECTION 2 b",
    );
    yes("detectable_format:json_format", &json!({}), "```json\n{\"a\": 1}\n```");
    no("detectable_format:json_format", &json!({}), "{a: 1}");
    yes("detectable_format:title", &json!({}), "<<Of herons>>\ntext");
    no("detectable_format:title", &json!({}), "<< >>");
    yes("combination:two_responses", &json!({}), "one\n******\ntwo");
    no("combination:two_responses", &json!({}), "one ****** one");
    yes("combination:repeat_prompt", &json!({"prompt_to_repeat": "Say it."}), "say it. It.");
    yes("startend:end_checker", &json!({"end_phrase": "The end."}), "All. \"the end.\"");
    yes("startend:quotation", &json!({}), "\"quoted\"");
    no("startend:quotation", &json!({}), "\"");
    yes("change_case:english_capital", &json!({}), "LOUD 1!");
    no("change_case:english_lowercase", &json!({}), "Quiet");
}
