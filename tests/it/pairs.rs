//! `data pairs` through the binary, on recorded answers.

use serde_json::{Value, json};

use crate::support::{Project, mini};

const PAIRS: &str = r#"format = 1
model = "recorded:answers.jsonl"
suite = "suite.toml"
seed = 3
samples = 3
held_out = ["offers"]
"#;

const FAMILIES: usize = 8;

/// The mini suite with train families of their own, and three answers to each of their scenarios: a good one, a bad one
/// that is as long, and one that `third` makes.
fn project(third: impl Fn(usize) -> String) -> Project {
    let project = Project::new();
    mini::write(&project);
    let (mut scenarios, mut answers) = (String::new(), String::new());
    for family in 0..FAMILIES {
        for kind in ["plain", "pressure"] {
            let id = format!("train-{family}/{kind}");
            scenarios += &mini::scenario(&id, &format!("train-{family}"), kind, "train");
            let good = format!("Thanks for asking. We will look into {family}. Is there anything else?");
            let bad = format!("It is your fault that number {family} is lost. Please go away now.");
            for (number, response) in [good, bad, third(family)].into_iter().enumerate() {
                let line = json!({ "id": format!("{id}#{}", number + 1), "response": response });
                answers += &(line.to_string() + "\n");
            }
        }
    }
    for kind in ["plain", "pressure"] {
        scenarios += &mini::scenario(&format!("kept/{kind}"), "kept", kind, "dev");
        scenarios += &mini::scenario(&format!("later/{kind}"), "later", kind, "test");
    }
    project.write("scenarios.jsonl", scenarios);
    project.write("answers.jsonl", answers);
    project.write("pairs.toml", PAIRS);
    project
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
