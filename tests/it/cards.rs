//! `plugin card` through the binary: cards of detectors, style scorers and benchmarks, of suites and of components alone.

use serde_json::{Value, json};

use crate::support::{Project, mini};

/// Rows in two voices, in groups of two, all of one length.
fn labelled(project: &Project, name: &str, groups: usize) {
    let mut rows = String::new();
    for group in 0..groups {
        let other = ["wrong", "none"][group % 2];
        for (label, text) in [("right", "thanks, we will look at it"), (other, "no, you can look at that")] {
            let row = json!({ "id": format!("{group}-{label}"), "group": format!("g{group}"), "label": label, "response": format!("{text} {group}") });
            rows += &(row.to_string() + "\n");
        }
    }
    project.write(name, rows);
}

const LEXICON: &str = r#"{"where":"anywhere","any":["thanks"],"none":[]}"#;

fn card(document: &str, name: &str) -> Value {
    let document: Value = serde_json::from_str(document).expect("one JSON document");
    let cards = document["cards"].as_array().expect("cards");
    cards
        .iter()
        .find(|card| card["name"] == name)
        .unwrap_or_else(|| panic!("no card {name}: {document}"))
        .clone()
}

#[test]
fn the_card_of_a_lone_detector_is_a_table_a_document_and_a_page() {
    let project = Project::new();
    labelled(&project, "texts.jsonl", 24);
    let arguments = [
        "plugin",
        "card",
        "trait-lexicon",
        "--config",
        LEXICON,
        "--data",
        "texts.jsonl",
        "--threshold",
        "0.5",
    ];
    let run = project.realign(&arguments).exits(0);
    insta::with_settings!({filters => vec![("[0-9a-f]{12}", "[digest]")]}, {
        insta::assert_snapshot!(run.out.trim_end());
    });
    assert!(run.out.lines().all(|line| line.chars().count() <= 100), "{}", run.out);

    let json = project.realign(&[&arguments[..], &["--json", "--html", "card.html"]].concat()).exits(0);
    let found = card(&json.out, "trait-lexicon");
    assert_eq!(found["threshold"], 0.5);
    assert_eq!(found["numbers"]["detector"]["counts"]["groups"], 24);
    assert_eq!(found["numbers"]["detector"]["at_given"]["confusion"]["other_refused"], 24);
    let page = project.read("card.html");
    assert!(page.contains("<svg") && !page.contains("<script"), "a page with a curve and without a script");
}

#[test]
fn a_suites_evaluators_have_a_card_each_bound_to_what_a_run_says_of_them() {
    let project = Project::new();
    mini::write(&project);
    labelled(&project, "texts.jsonl", 24);
    let arguments = ["plugin", "card", "--suite", "suite.toml", "--data", "texts.jsonl"];
    let run = project.realign(&arguments).exits(10);
    insta::assert_snapshot!(run.out.trim_end());
    let found = card(&project.realign(&[&arguments[..], &["--json"]].concat()).exits(10).out, "thanks");

    let eval = project.realign(&[
        "eval",
        "suite.toml",
        "--model",
        "recorded:responses.jsonl",
        "--items",
        "0",
        "--json",
    ]);
    let record: Value = serde_json::from_str(&eval.out).expect("JSON");
    let instrument = &record["identity"]["instrument"]["detector/thanks"];
    assert!(instrument.is_string(), "{}", eval.shown());
    assert_eq!(&found["evaluator"]["instrument"], instrument);
}

#[test]
fn a_row_about_one_trait_is_no_evidence_for_another() {
    let project = Project::new();
    mini::write(&project);
    let row = json!({ "id": "x", "label": "wrong", "trait": "blame", "text": "It is your fault." });
    project.write("texts.jsonl", format!("{row}\n"));
    let run =
        project.realign(&["plugin", "card", "--suite", "suite.toml", "--data", "texts.jsonl", "--json"]);
    let texts = |name: &str| card(&run.out, name)["numbers"]["detector"]["counts"]["wrong"].clone();
    assert_eq!((texts("blame"), texts("thanks")), (json!(9), json!(8)));
}

#[test]
fn an_evaluator_that_learns_is_fitted_fold_by_fold() {
    let project = Project::new();
    labelled(&project, "texts.jsonl", 24);
    let bayes = [
        "plugin",
        "card",
        "trait-bayes",
        "--config",
        r#"{"ngram":1,"smoothing":0.5}"#,
        "--data",
        "texts.jsonl",
    ];
    let without = project.realign(&bayes);
    insta::assert_snapshot!(without.shown());
    let run = project.realign(&[&bayes[..], &["--fit", "--json"]].concat()).exits(0);
    assert_eq!(card(&run.out, "trait-bayes")["cross_fitted"], true);
    let again = project.realign(&[&bayes[..], &["--fit", "--json"]].concat()).exits(0);
    assert_eq!(run.out, again.out, "the same command gives the same bytes");
    let style = ["plugin", "card", "style-delta", "--data", "texts.jsonl", "--fit", "--json"];
    let style = card(&project.realign(&style).out, "style-delta");
    assert!(style["numbers"]["style"]["own_variation"].is_number(), "{style}");
}

#[test]
fn text_of_others_reaches_page_and_terminal_as_text_only() {
    let project = Project::new();
    labelled(&project, "texts.jsonl", 24);
    let rows = project.read("texts.jsonl");
    let bad = json!({ "id": "<script>alert(1)</script>", "label": "none", "text": "thanks <img src=x onerror=alert(1)> \u{1b}[31m" });
    project.write("texts.jsonl", format!("{rows}{bad}\n"));
    let arguments = [
        "plugin",
        "card",
        "trait-lexicon",
        "--config",
        LEXICON,
        "--data",
        "texts.jsonl",
        "--html",
        "card.html",
        "--threshold",
        "0.5",
    ];
    let run = project.realign(&arguments).exits(0);
    assert!(run.out.contains("thanks <img") && !run.out.contains('\u{1b}'), "{}", run.out);
    let page = project.read("card.html");
    assert!(!page.contains("<script") && !page.contains("<img") && page.contains("&lt;script&gt;"), "{page}");
}

#[test]
fn a_benchmarks_card_shows_what_guessing_gives() {
    let project = Project::new();
    let mut rows = String::new();
    for item in 0..200 {
        let row = json!({ "id": format!("i{item}"), "group": format!("g{}", item % 40), "prompt": "It is", "choices": [" a", " b", " c", " d"], "answer": item % 4 });
        rows += &(row.to_string() + "\n");
    }
    project.write("rows.jsonl", rows);
    let run = project.realign(&[
        "plugin",
        "card",
        "choice-likelihood",
        "--data",
        "rows.jsonl",
        "--grant",
        "choose",
        "--model",
        "recorded:none.jsonl",
    ]);
    assert_eq!(run.code, 22, "{}", run.shown());
    mini::write(&project);
    project.write("facts.jsonl", project.read("rows.jsonl"));
    let run = project.realign(&["plugin", "card", "--suite", "suite.toml", "--json"]);
    let facts = &card(&run.out, "facts")["numbers"]["benchmark"];
    assert_eq!(facts["chance"], 0.25);
    assert!(
        facts["guessing"]["estimate"]["low"].as_f64() < Some(0.25)
            && facts["guessing"]["estimate"]["high"].as_f64() > Some(0.25),
        "{facts}"
    );
    assert_eq!(facts["decision"]["verdict"], "not-reached");
}

#[test]
fn what_a_person_can_get_wrong_is_named() {
    let project = Project::new();
    mini::write(&project);
    labelled(&project, "texts.jsonl", 4);
    project.write("label.jsonl", "{\"id\":\"a\",\"label\":\"good\",\"text\":\"x\"}\n");
    project.write(
        "seen.jsonl",
        "{\"id\":\"a\",\"label\":\"right\",\"text\":\"Thanks a lot. We are on it. Anything else 0?\"}\n",
    );
    let shown = |arguments: &[&str]| {
        let run = project.realign(&[&["plugin", "card"][..], arguments].concat());
        format!("$ {}\n{}", arguments.join(" "), run.shown())
    };
    let all = [
        shown(&["trait-lexicon"]),
        shown(&["trait-lexicon", "--data", "none.jsonl"]),
        shown(&["trait-lexicon", "--config", LEXICON, "--data", "label.jsonl"]),
        shown(&["trait-lexicon", "--config", LEXICON, "--data", "texts.jsonl", "--data", "texts.jsonl"]),
        shown(&["trait-lexicon", "--config", "3", "--data", "texts.jsonl"]),
        shown(&["--suite", "suite.toml", "--trait", "charm"]),
        shown(&["--suite", "suite.toml", "--data", "seen.jsonl"]),
        shown(&["choice-likelihood", "--data", "facts.jsonl"]),
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn few_groups_are_insufficient() {
    let project = Project::new();
    labelled(&project, "texts.jsonl", 19);
    let run = project
        .realign(&["plugin", "card", "trait-lexicon", "--config", LEXICON, "--data", "texts.jsonl"])
        .exits(11);
    assert!(run.out.contains("insufficient: 19 groups of texts, 20 are needed"), "{}", run.out);
}
