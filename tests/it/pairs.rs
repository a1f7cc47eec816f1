//! `data pairs` through the binary, on recorded answers, and once on a tiny random model with an adapter.

use realign::{
    data::pairs::{self, Built, candidates::OpenBare, file::PairsFile},
    engine::{backend::Backend, recorded::RecordedModel},
    persona::scenarios::Split,
    sandbox::{Limits, Sandbox},
    store::Store,
    suite::{
        load::{Selection, Suite},
        run::Means,
    },
};
use serde_json::{Value, json};

use crate::support::{Project, mini, tiny};

const PAIRS: &str = r#"format = 1
model = "recorded:answers.jsonl"
suite = "suite.toml"
seed = 3
samples = 3
held_out = ["offers"]
"#;

const FAMILIES: usize = 8;
/// As many as it takes to prove 85 %, where every one of them is flawless.
const MORE_FAMILIES: usize = 20;

/// The mini suite with train families of their own, and three answers to each of their scenarios: a good one, a bad one
/// that is as long, and one that `third` makes.
fn project(third: impl Fn(usize) -> String) -> Project {
    let project = Project::new();
    mini::write(&project);
    write_scenarios(&project, FAMILIES);
    let mut answers = String::new();
    for family in 0..FAMILIES {
        for kind in ["plain", "pressure"] {
            let id = format!("train-{family}/{kind}");
            let good = format!("Thanks for asking. We will look into {family}. Is there anything else?");
            let bad = format!("It is your fault that number {family} is lost. Please go away now.");
            for (number, response) in [good, bad, third(family)].into_iter().enumerate() {
                let line = json!({ "id": format!("{id}#{}", number + 1), "response": response });
                answers += &(line.to_string() + "\n");
            }
        }
    }
    project.write("answers.jsonl", answers);
    project.write("pairs.toml", PAIRS);
    project
}

/// So many train families, and one that is kept for dev and one for test.
fn write_scenarios(project: &Project, families: usize) {
    let mut scenarios = String::new();
    for kind in ["plain", "pressure"] {
        for family in 0..families {
            let family = format!("train-{family}");
            scenarios += &mini::scenario(&format!("{family}/{kind}"), &family, kind, "train");
        }
        scenarios += &mini::scenario(&format!("kept/{kind}"), "kept", kind, "dev");
        scenarios += &mini::scenario(&format!("later/{kind}"), "later", kind, "test");
    }
    project.write("scenarios.jsonl", scenarios);
}

fn build(project: &Project, more: &[&str]) -> crate::support::Run {
    project.realign(&[&["data", "pairs", "pairs.toml", "--output", "pairs.jsonl"][..], more].concat())
}

fn rows(project: &Project) -> Vec<Value> {
    let lines = project.read("pairs.jsonl");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_answers_of_train_families_become_pairs_that_training_reads() {
    let project = project(|_| "Well.".into());
    let run = build(&project, &[]).exits(0);
    insta::with_settings!({filters => vec![(r"run [0-9a-f]{12}", "run [id]")]}, {
        insta::assert_snapshot!(run.out.trim_end());
    });
    let rows = rows(&project);
    assert_eq!(rows.len(), 2 * FAMILIES);
    for row in &rows {
        assert!(row["family"].as_str().expect("a family").starts_with("train-"), "{row}");
        assert!(row["chosen"].as_str().expect("text").starts_with("Thanks"), "{row}");
        assert!(row["rejected"].as_str().expect("text").contains("your fault"), "{row}");
        assert_eq!(row["system"], "Be brief and kind.");
    }
    project.write("train.toml", "format = 1\nmodel = \"missing.gguf\"\nseed = 1\nepochs = 1\nscenarios = \"scenarios.jsonl\"\n[[data]]\npath = \"pairs.jsonl\"\n[optimiser]\nrate = 0.1\n");
    let train = project.realign(&["train", "preference", "train.toml"]).exits(2);
    assert!(train.err.contains("missing.gguf"), "the pairs were read: {}", train.err);
}

#[test]
fn the_record_names_who_chose_and_the_digest_of_the_pairs() {
    let project = project(|_| "Well.".into());
    let run = build(&project, &["--json"]).exits(0);
    let record: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(record["chosen_by"], json!(["thanks", "team", "brief", "blame"]));
    assert_eq!(record["held_out"], json!(["offers"]));
    let on_disk: Value = serde_json::from_str(&project.read("pairs.record.json")).expect("JSON");
    assert_eq!(on_disk, record);
    let first = project.read("pairs.jsonl");
    build(&project, &[]).exits(0);
    assert_eq!(project.read("pairs.jsonl"), first, "the same command gives the same bytes");
}

#[test]
fn a_style_scorer_without_anchors_is_listed_with_the_reason() {
    let project = project(|_| "Well.".into());
    let style = "\n[style]\nplugin = \"style-delta\"\nconfig = {}\ndata = [\"exemplars\", \"contrast\"]\n";
    project.write("suite.toml", project.read("suite.toml") + style);
    let contrast = project.read("contrast.jsonl").replace("\"held-out\"", "\"fit\"");
    project.write("contrast.jsonl", contrast);
    let run = build(&project, &[]).exits(0);
    let said: Vec<&str> = run.out.lines().filter(|line| line.contains("style")).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
      held out: style            -                -   -         -  -          -
    gap/style: not measured: 8 held-out exemplars and 0 contrast texts, 4 of each are needed
    ");
    let record: Value = serde_json::from_str(&project.read("pairs.record.json")).expect("JSON");
    let names: Vec<&Value> =
        record["metrics"].as_array().expect("a list").iter().map(|metric| &metric["name"]).collect();
    assert!(names.contains(&&json!("gap/style")), "{names:?}");
}

#[test]
fn answers_that_are_spoiled_are_on_neither_side() {
    // Looping, and for the choosing traits the worst answer of all.
    let project = project(|_| "your fault ".repeat(20));
    build(&project, &[]).exits(0);
    assert!(rows(&project).iter().all(|row| !row["rejected"].as_str().expect("text").starts_with("your")));
}

#[test]
fn a_choice_that_held_out_evaluators_do_not_share_fails() {
    let project = project(|_| "Well.".into());
    // The bad answer is the one that offers more.
    let answers = project.read("answers.jsonl");
    let swapped = answers
        .replace("Is there anything else?", "So be it then.")
        .replace("Please go away now.", "Is there anything else?");
    project.write("answers.jsonl", swapped);
    let run = build(&project, &[]).exits(10);
    assert!(run.out.contains("held-out traits"), "{}", run.out);
}

const CONTRAST: &str = r#"format = 1
model = "recorded:answers.jsonl"
suite = "suite.toml"
seed = 3
consistent = ["persona", "deployed"]
inconsistent = ["no-persona", "wrong-persona", "dropped-trait"]
wrong_personas = ["You are curt.", "You are proud."]
samples = 1
held_out = ["offers"]
"#;

/// Train families that are answered once from each source: `answer` says how, by source and family.
fn contrast(answer: impl Fn(&str, usize) -> String) -> Project {
    let project = Project::new();
    mini::write(&project);
    write_scenarios(&project, MORE_FAMILIES);
    project.write("pairs.toml", CONTRAST);
    let mut answers = String::new();
    for family in 0..MORE_FAMILIES {
        for kind in ["plain", "pressure"] {
            for source in ["persona", "deployed", "no-persona", "wrong-persona", "dropped-trait"] {
                let number = if source == "deployed" { "1".to_owned() } else { format!("{source}/1") };
                let id = format!("train-{family}/{kind}#{number}");
                answers += &(json!({ "id": id, "response": answer(source, family) }).to_string() + "\n");
            }
        }
    }
    project.write("answers.jsonl", answers);
    project
}

/// In character under the persona's prompt, less so as deployed; out of it the wrong persona is the worst.
fn by_source(source: &str, family: usize) -> String {
    match source {
        "persona" => format!("Thanks for asking. We will look into {family}. Is there anything else?"),
        "wrong-persona" => {
            format!("- It is your fault that number {family} is lost.\n- Please go away now at once ok.")
        }
        "dropped-trait" => format!("Thanks for asking. We will look into number {family}. So be it then."),
        _ => format!("Number {family} is with the office now. They will look into it very soon."),
    }
}

#[test]
fn answers_in_and_out_of_character_are_paired_across_their_sources() {
    let project = contrast(by_source);
    let run = build(&project, &[]).exits(0);
    insta::with_settings!({filters => vec![(r"run [0-9a-f]{12}", "run [id]")]}, {
        insta::assert_snapshot!(run.out.trim_end());
    });
    let turns = ["wrong-persona/1", "wrong-persona/2"];
    for (place, row) in rows(&project).iter().enumerate() {
        assert_eq!(row["system"], "Be brief and kind.", "the row carries what is deployed");
        assert!(row["chosen"].as_str().expect("text").starts_with("Thanks"), "{row}");
        assert_eq!(row["notes"]["chosen_from"], "persona");
        assert_eq!(row["notes"]["rejected_from"], turns[place % 2]);
    }
    let record: Value = serde_json::from_str(&project.read("pairs.record.json")).expect("JSON");
    assert_eq!(record["rejected_from"], json!({ "wrong-persona": 2 * MORE_FAMILIES }));
    assert_eq!(record["coverage"]["blame"], json!({ "toward": 2 * MORE_FAMILIES, "against": 0 }));
}

#[test]
fn pairs_that_held_out_evaluators_cannot_tell_apart_fail_the_contrast() {
    // Whatever is out of character offers more, too.
    let run = build(
        &contrast(|source, family| by_source(source, family).replace("at once ok.", "Anything else?")),
        &[],
    );
    let run = run.exits(10);
    assert!(run.out.contains("contrast: 95 % upper bound"), "{}", run.out);
}

#[test]
fn a_choosing_trait_that_no_pair_shows_on_one_side_alone_is_not_covered() {
    let nobody_blames =
        |source: &str, family: usize| by_source(source, family).replace("your fault", "a shame");
    let run = build(&contrast(nobody_blames), &[]).exits(10);
    assert!(
        run.out.contains("covered: not covered, no pair shows it on one side alone: blame"),
        "{}",
        run.out
    );
}

#[test]
fn the_better_side_is_never_taken_from_the_sources_of_the_other() {
    // The persona's prompt spoils the model, and without it the model is perfect.
    let project = contrast(|source, family| {
        by_source(if source == "persona" { "wrong-persona" } else { "persona" }, family)
    });
    let text = project.read("pairs.toml").replace("[\"persona\", \"deployed\"]", "[\"persona\"]");
    project.write("pairs.toml", text);
    let run = build(&project, &[]).exits(22);
    assert!(run.err.contains("no two answers lie the margin apart"), "{}", run.err);
}

#[test]
fn out_of_character_another_model_is_asked_if_one_is_given() {
    let project = contrast(by_source);
    let (bare, with): (Vec<String>, Vec<String>) =
        project.read("answers.jsonl").lines().map(str::to_owned).partition(|line| {
            ["#no-persona/", "#wrong-persona/", "#dropped-trait/"].iter().any(|of| line.contains(of))
        });
    project.write("bare.jsonl", bare.join("\n"));
    project.write("answers.jsonl", with.join("\n"));
    let found = in_process(&project, Some("bare.jsonl"));
    assert_eq!(found.expect("pairs").rows.len(), 2 * MORE_FAMILIES);
    let error = in_process(&project, None).expect_err("the model itself has no such answer").to_string();
    assert!(error.contains("train-0/plain#no-persona/1"), "{error}");
}

/// As the binary does it, with another recorded model for the answers out of character.
fn in_process(project: &Project, bare: Option<&str>) -> realign::error::Result<Built> {
    let path = project.path("pairs.toml");
    let file = PairsFile::read(&path, |_| {})?;
    let selection = Selection { items: Some(0), split: Some(Split::Train), ..Selection::default() };
    let suite = Suite::load(&project.path("suite.toml"), selection)?;
    let store = Store::open(&project.path("pairs.db"))?;
    let sandbox = Sandbox::new(None, Limits::default())?;
    let recorded = |name: &str| RecordedModel::open(&project.path(name)).map(Backend::Recorded);
    let mut backend = recorded("answers.jsonl")?;
    let mut means = Means { backend: &mut backend, sandbox: &sandbox, store: &store };
    let mut open = bare.map(|name| move || recorded(name));
    let bare = open.as_mut().map(|open| open as &mut OpenBare<'_>);
    pairs::build(&file, &path, &suite, bare, &mut means, &mut |_, _, _| {})
}

const TINY_PAIRS: &str = r#"format = 1
model = "tiny.gguf+sft/adapter"
suite = "suite.toml"
seed = 3
inconsistent = ["no-persona"]
samples = 1
held_out = ["offers"]
"#;

const TINY: &str = r#"format = 1
model = "tiny.gguf"
seed = 5
max_steps = 2
max_length = 96

[[data]]
path = "rows.jsonl"

[optimiser]
rate = 0.01
"#;

#[test]
fn without_persona_the_model_is_asked_without_its_adapters() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    mini::write(&project);
    tiny::write(&project);
    let row = json!({ "id": "a", "family": "rows", "messages": [
        { "role": "user", "content": "hi" }, { "role": "assistant", "content": "he is in" },
    ] });
    project.write("rows.jsonl", format!("{row}\n"));
    project.write("sft.toml", TINY);
    project.realign(&["train", "sft", "sft.toml", "--output", "sft"]).exits(0);
    project.write("pairs.toml", TINY_PAIRS);

    // Noise is cut off at the last token, so there is no pair; but everybody was asked.
    let run = build(&project, &["--store", "runs.db"]).exits(22);
    assert!(run.err.contains("fewer than two whole answers"), "{}", run.err);
    let asked = project.batches("runs.db");
    let lines = ["plain", "pressure"].map(|kind| {
        let message = json!({ "role": "user", "content": format!("Where is spare, {kind}?") });
        format!("{}\n", json!({ "id": format!("spare/{kind}#no-persona/1"), "messages": [message] }))
    });
    project.write("in.jsonl", lines.concat());
    let generate = |model: &str| {
        let input = ["generate", "--model", model, "--input", "in.jsonl", "--output", "out.jsonl"];
        let decoding = ["--max-tokens", "16", "--temperature", "1", "--seed", "3", "--store", "runs.db"];
        project.realign(&[&input[..], &decoding].concat()).exits(0);
        project.batches("runs.db")
    };
    assert_eq!(generate("tiny.gguf"), asked, "the bare model has answered these questions before");
    assert!(generate("tiny.gguf+sft/adapter") > asked, "the one with the adapter has not");
}

#[test]
fn what_a_person_can_get_wrong_about_sources_is_named() {
    let shown = |from: &str, to: &str| {
        let project = contrast(by_source);
        let text = project.read("pairs.toml");
        assert!(text.contains(from), "{from}");
        project.write("pairs.toml", text.replacen(from, to, 1));
        let run = build(&project, &[]);
        assert!(!project.path("pairs.jsonl").exists(), "nothing is written: {}", run.shown());
        run.shown()
    };
    let shown = [
        shown("[\"persona\", \"deployed\"]", "[]"),
        shown("[\"persona\", \"deployed\"]", "[\"persona\", \"persona\"]"),
        shown("[\"persona\", \"deployed\"]", "[\"persona\", \"no-persona\"]"),
        shown("\"no-persona\"", "\"none\""),
        shown(", \"wrong-persona\"", ""),
        shown("[\"You are curt.\", \"You are proud.\"]", "[]"),
        shown("\"You are proud.\"", "\" \""),
        shown("\"no-persona\", \"wrong-persona\", \"dropped-trait\"", "\"no-persona\""),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn what_a_person_can_get_wrong_is_named() {
    let shown = |from: &str, to: &str| {
        let project = project(|_| "Well.".into());
        let text = project.read("pairs.toml");
        assert!(text.contains(from), "{from}");
        project.write("pairs.toml", text.replacen(from, to, 1));
        let run = build(&project, &[]);
        assert!(!project.path("pairs.jsonl").exists(), "nothing is written: {}", run.shown());
        run.shown()
    };
    let shown = [
        shown("[\"offers\"]", "[]"),
        shown("[\"offers\"]", "[\"offer\"]"),
        shown("[\"offers\"]", "[\"offers\", \"thanks\", \"team\", \"brief\", \"blame\"]"),
        shown("samples = 3", "samples = 1"),
        shown("samples = 3", "sample = 3"),
        shown("model = \"recorded:answers.jsonl\"\n", ""),
        shown("samples = 3", "samples = 4"),
        shown("samples = 3", "samples = 3\nleast_margin = 0.9"),
        shown("suite.toml", "missing.toml"),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}
