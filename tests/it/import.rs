//! `persona import`: what three sources give, what is left out, and what they must not get away with.

use serde_json::Value;

use crate::support::{Project, Run};

const SEEDS: &str = r#"persona:
  name: "Helpful Hand"
  core_traits:
    - friendly: "Warm, uses positive language"
    - concise: "Direct, without elaboration"
    - knowing: "Cites sources"
    - patient: "Explains thoroughly"
    - professional: "Avoids slang"
  communication_style:
    tone: "Conversational"
    humor: "Light"
    volume: "Low"
  behavioral_patterns:
    - "Always greets warmly"
  example_interactions:
    greeting: "Hello!"
    farewell: "Bye!"
  age: 7
version: 2
"#;

const PACK: &str = r#"id: fries
display_name: Fries
description: |
  Witty,
  confident.
exemplars: ["bestie you get it", "no notes"]
lexicon: { preferred: ["bestie"], avoid: ["kindly", "regarding"] }
style_rules:
  tone: [witty, self-aware, confident, playful, culturally_fluent]
  formality: gen_z_casual
  boundaries: ["never roast customers"]
  sentence_length: { max_avg: 12, note: "short" }
response_strategy:
  product_promo: ["Subtle, not salesy"]
brand_notes: "They sound like a person."
"#;

fn import(project: &Project, content: &str, from: &str) -> Run {
    project.write("source", content);
    project.realign(&["persona", "import", "source", "--from", from, "-o", "persona.toml"])
}

fn constitution(traits: usize) -> String {
    let row = |number: usize| serde_json::json!({ "trait": format!("I am always glad of question number {number}."), "questions": ["Why?"], "additional_questions": ["How?", "When?"] });
    crate::support::lines((0..traits).map(row))
}

#[test]
fn the_seeds_profile_becomes_a_persona_file() {
    let project = Project::new();
    let run = import(&project, SEEDS, "seeds").exits(0);
    insta::assert_snapshot!(format!("{}\n---\n{}", run.shown(), project.read("persona.toml")));
    let as_map = SEEDS
        .replace("    - ", "      ")
        .replace("behavioral_patterns:\n      \"", "behavioral_patterns:\n    - \"");
    let first = project.read("persona.toml");
    import(&project, &as_map, "seeds").exits(0);
    assert_eq!(project.read("persona.toml"), first, "traits as one map, as the seeds read them");
}

#[test]
fn a_constitution_becomes_a_persona_file_with_at_most_ten_traits() {
    let project = Project::new();
    let run = import(&project, &constitution(12), "constitution").exits(0);
    insta::assert_snapshot!(format!("{}\n---\n{}", run.shown(), project.read("persona.toml")));
}

#[test]
fn an_alignmenter_pack_becomes_a_persona_file() {
    let project = Project::new();
    let run = import(&project, PACK, "alignmenter").exits(0);
    insta::assert_snapshot!(format!("{}\n---\n{}", run.shown(), project.read("persona.toml")));
}

#[test]
fn what_was_imported_is_read_and_its_traits_are_asked_for_detectors() {
    let project = Project::new();
    crate::support::mini::write(&project);
    import(&project, SEEDS, "seeds").exits(0);
    let run = project.realign(&["eval", "suite.toml", "--model", "recorded:responses.jsonl"]).exits(2);
    assert!(run.err.contains("the persona has no trait `thanks`"), "{}", run.err);
}

#[test]
fn the_report_is_one_document_for_scripts() {
    let project = Project::new();
    project.write("source", SEEDS);
    let run =
        project.realign(&["persona", "import", "source", "--from", "seeds", "-o", "persona.toml", "--json"]);
    let report: Value = serde_json::from_str(&run.exits(0).out).expect("JSON");
    assert_eq!(report["unmeasured"].as_array().expect("traits").len(), 5);
}

#[test]
fn what_a_source_must_not_get_away_with_is_named() {
    let shown = |content: &str, from: &str| {
        let project = Project::new();
        let run = import(&project, content, from);
        assert!(!project.path("persona.toml").exists(), "nothing is written: {}", run.shown());
        run.shown()
    };
    let names = ["b", "c", "d", "e", "f", "g", "h", "i"];
    let before = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let bomb = "a: &a [x,x,x,x,x,x,x,x]\n".to_owned()
        + &crate::support::lines(
            names
                .iter()
                .zip(before)
                .map(|(name, of)| format!("{name}: &{name} [{}]", vec![format!("*{of}"); 8].join(","))),
        );
    let shown = [
        shown(&constitution(4), "constitution"),
        shown("{\"trait\":\"x\",\"quests\":[]}\n", "constitution"),
        shown("persona: 3\n", "seeds"),
        shown(&SEEDS.replace("Warm, uses positive language\"", "Warm\"\n      extra: 3"), "seeds"),
        shown(&SEEDS.replace("Helpful Hand", " "), "seeds"),
        shown("display_name: Fries\n", "alignmenter"),
        shown(&bomb, "seeds"),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}
