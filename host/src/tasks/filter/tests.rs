use serde_json::json;

use super::*;

fn pipelines(yaml: &str, repeats: usize) -> Result<Vec<Pipeline>> {
    let specs: Vec<FilterPipeline> = serde_norway::from_str(yaml).expect("a list");
    Pipeline::all(&specs, repeats)
}

fn applied(yaml: &str, texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let row = json!({"choices": ["Guilty", "Guilty of Romance", "Not."]});
    let found = pipelines(&format!("[{{name: x, filter: {yaml}}}]"), texts.len()).expect("a pipeline");
    found[0].apply(&texts, row.as_object().expect("an object")).expect("one text")
}

#[test]
fn a_match_is_chosen_and_its_first_group_taken() {
    let regex = |settings: &str, text: &str| {
        applied(&format!("[{{function: regex{settings}}}, {{function: take_first}}]"), &[text])
    };
    assert_eq!(regex("", "so #### 1,024"), "1,024");
    assert_eq!(regex("", "nothing"), "[invalid]");
    let flexible = ", group_select: -1, regex_pattern: '(-?[$0-9.,]{2,})|(-?[0-9]+)'";
    assert_eq!(regex(flexible, "3 and 12 and 7"), "7");
    assert_eq!(regex(", fallback: none, regex_pattern: 'x(y)?'", "x"), "");
}

#[test]
fn texts_are_changed_and_chosen_in_order() {
    assert_eq!(
        applied(
            "[{function: lowercase}, {function: majority_vote}, {function: take_first}]",
            &["b", "A", "a", "B"]
        ),
        "b"
    );
    assert_eq!(
        applied(
            "[{function: take_first_k, k: 3}, {function: majority_vote}, {function: take_first}]",
            &["b", "a", "a"]
        ),
        "a"
    );
    assert_eq!(
        applied("[{function: remove_whitespace}, {function: uppercase}, {function: take_first}]", &[" a "]),
        "A"
    );
    let map = "[{function: map, mapping_dict: {yes: '1'}, default_value: '0'}, {function: take_first}]";
    assert_eq!((applied(map, &["yes"]), applied(map, &["?"])), ("1".into(), "0".into()));
}

#[test]
fn a_choice_is_found_by_pattern_by_text_and_by_letter() {
    let choice = |text: &str| {
        let settings = r"regex_pattern: '(\([A-Z]\))', ignore_case: true, ignore_punctuation: true";
        applied(&format!("[{{function: multi_choice_regex, {settings}}}, {{function: take_first}}]"), &[text])
    };
    assert_eq!(choice("It is (C)."), "(C)");
    assert_eq!(choice("I say GUILTY, of romance"), "(B)");
    assert_eq!(choice("Answer: A"), "(A)");
    assert_eq!(choice("I do not know"), "(C)");
    assert_eq!(choice("?"), "[invalid]");
}

#[test]
fn what_does_not_fit_is_named() {
    let refusal = |yaml: &str| pipelines(yaml, 2).expect_err("refused").to_string();
    insta::assert_snapshot!(refusal("[]"), @"filter_list: empty");
    insta::assert_snapshot!(refusal("[{name: a, filter: [{function: regex}]}]"), @"filter_list[0]: filter: does not end with one text");
    insta::assert_snapshot!(refusal("[{name: a, filter: [{function: take_first}, {function: regex}]}]"), @"filter_list[0]: filter[1]: regex: one text is left before it");
    insta::assert_snapshot!(refusal("[{name: a, filter: [{function: take_first_k, k: 3}, {function: take_first}]}]"), @"filter_list[0]: filter[0]: k: 3 of 2 repeats");
    insta::assert_snapshot!(refusal("[{name: a, filter: [{function: regex, pattern: x}, {function: take_first}]}]"), @"filter_list[0]: filter[0]: regex: unknown field `pattern`, expected one of `regex_pattern`, `group_select`, `fallback`");
    insta::assert_snapshot!(refusal("[{name: a, filter: [{function: regex, regex_pattern: '('}, {function: take_first}]}]"), @r#"filter_list[0]: filter[0]: regex_pattern: pattern "(": Parsing error at position 1: Opening parenthesis without closing parenthesis"#);
    insta::assert_snapshot!(refusal("[{name: a, filter: [{function: regex_pos}, {function: take_first}]}]"), @"filter_list[0]: filter[0]: function: `regex_pos` is not supported");
    insta::assert_snapshot!(refusal("[{name: a, filter: [{function: lowercase, k: 1}, {function: take_first}]}]"), @"filter_list[0]: filter[0]: lowercase: unknown field `k`, there are no fields");
    let twice = "[{name: a, filter: [{function: take_first}]}, {name: a, filter: [{function: take_first}]}]";
    insta::assert_snapshot!(refusal(twice), @"filter_list[1].name: `a` stands twice");
}
