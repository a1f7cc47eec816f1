//! The author's loop through the binary: begin, build, try, lock. Where a compiler or a componentizer is missing, what needs
//! it is skipped, and says so.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use realign::plugins::{registry, toolchain::Toolchain};
use serde_json::Value;

use crate::support::{Project, Run, lines, skipped};

const KINDS: [&str; 3] = ["trait-detector", "style-scorer", "benchmark"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the repository").to_owned()
}

/// Whether a compiler for components is there; says so where not.
fn compiler() -> bool {
    let found = Toolchain::find().is_ok();
    if !found {
        skipped("no compiler for wasm32-unknown-unknown, see the table of languages in PLUGINS.md");
    }
    found
}

/// Whether a tool is on the path; says so where not.
fn tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !found {
        skipped(&format!("{name} is not on the path, see the table of languages in PLUGINS.md"));
    }
    found
}

/// A new evaluator, with the versions of crates that are on this machine already.
fn begin(project: &Project, name: &str, kind: &str, language: &str) -> Run {
    let run = project.realign(&["plugin", "new", name, "--kind", kind, "--lang", language]);
    if language == "rust" && run.code == 0 {
        fs::copy(repository().join("Cargo.lock"), project.path(name).join("Cargo.lock")).expect("copied");
    }
    run
}

/// The document of a trial in which everything holds.
fn tried(project: &Project, plugin: &str) -> Value {
    let run = project.realign(&["plugin", "test", plugin, "--json"]).exits(0);
    serde_json::from_str(&run.out).expect("JSON")
}

#[test]
fn a_new_crate_of_every_kind_passes_its_own_tests() {
    let project = Project::new();
    for kind in KINDS {
        begin(&project, &format!("new-{kind}"), kind, "rust").exits(0);
        let run = Command::new(env!("CARGO"))
            .args(["test", "--offline", "--jobs", "2"])
            .current_dir(project.path(&format!("new-{kind}")))
            .env("CARGO_TARGET_DIR", project.path("target"))
            .output()
            .expect("cargo starts");
        let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success() && out.contains("cases_hold ... ok"), "{kind}:\n{out}\n{err}");
    }
}

#[test]
fn from_an_empty_folder_to_a_scored_cell_in_rust() {
    if !compiler() {
        return;
    }
    let project = Project::new();
    begin(&project, "says-thanks", "trait-detector", "rust").exits(0);
    project.realign(&["plugin", "build", "says-thanks"]).exits(0);
    let found = tried(&project, "./says-thanks/says-thanks.wasm");
    assert_eq!(found["cases"].as_array().map(Vec::len), Some(4), "{found}");
    assert!(found["checks"].as_array().expect("checks").iter().all(|check| check["status"] != "broken"));
}

#[test]
fn from_an_empty_folder_to_a_scored_cell_in_python() {
    if !tool("componentize-py") {
        return;
    }
    let project = Project::new();
    for kind in KINDS {
        begin(&project, &format!("new-{kind}"), kind, "python").exits(0);
        let found = tried(&project, &format!("new-{kind}"));
        assert_eq!(found["kind"], kind);
    }
    let source = project.read("new-trait-detector/plugin.py");
    let build = |text: String| {
        project.write("new-trait-detector/plugin.py", text);
        project.realign(&["plugin", "build", "new-trait-detector"])
    };
    let syntax = build(source.replace("def detect(", "def detect((")).exits(22);
    assert!(
        syntax.err.contains("SyntaxError") && syntax.err.contains("plugin.py\", line 20"),
        "{}",
        syntax.err
    );
    let missing = build(source.replace("TraitDetector = realign.export(Says)", "")).exits(22);
    assert!(missing.err.contains("TraitDetector"), "{}", missing.err);
    build(source.replace("return realign.presence(bool(found), spans=spans)", "return bool(found)")).exits(0);
    let wrong =
        project.realign(&["plugin", "test", "./new-trait-detector/new-trait-detector.wasm"]).exits(10);
    assert!(wrong.out.contains("BROKEN"), "{}", wrong.out);
    build(source.replace("return realign.presence(bool(found), spans=spans)", "return found.no_such_thing"))
        .exits(0);
    let raised =
        project.realign(&["plugin", "test", "./new-trait-detector/new-trait-detector.wasm"]).exits(10);
    assert!(raised.out.contains("AttributeError") && raised.out.contains("plugin.py line"), "{}", raised.out);
}

#[test]
fn from_an_empty_folder_to_a_scored_cell_in_javascript() {
    if !tool("componentize-qjs") {
        return;
    }
    let project = Project::new();
    for kind in KINDS {
        begin(&project, &format!("new-{kind}"), kind, "js").exits(0);
        let found = tried(&project, &format!("new-{kind}"));
        assert_eq!(found["kind"], kind);
    }
    let source = project.read("new-trait-detector/plugin.js");
    project.write("new-trait-detector/plugin.js", source.replace("const words", "const words words"));
    let syntax = project.realign(&["plugin", "build", "new-trait-detector"]).exits(22);
    assert!(syntax.err.contains("plugin.js"), "{}", syntax.err);
    project.write(
        "new-trait-detector/plugin.js",
        source.replace("const words = ", "const words = state.no.such.thing ?? "),
    );
    let raised = project.realign(&["plugin", "test", "new-trait-detector"]).exits(10);
    assert!(raised.out.contains("TypeError"), "{}", raised.out);
}

/// Words of a line as a shell takes them: single quotes hold one together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_command_of_the_authors_guide_runs() {
    if !compiler() {
        return;
    }
    let project = Project::new();
    let mut texts = String::new();
    for group in 0..24 {
        for (label, text) in [("right", "thanks, we will look"), ("none", "no, that is late")] {
            let row = serde_json::json!({ "id": format!("{group}-{label}"), "group": format!("g{group}"), "label": label, "text": text });
            texts += &(row.to_string() + "\n");
        }
    }
    project.write("texts.jsonl", texts);
    let guide = fs::read_to_string(repository().join("PLUGINS.md")).expect("the guide");
    let blocks = guide.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut commands = 0;
    for line in blocks.flat_map(str::lines) {
        let words = words(line.strip_prefix("realign ").expect("a command of realign"));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["plugin", "new", name, _, kind, _, language] => {
                begin(&project, name, kind, language).exits(0);
            }
            // The answers fail the gates that the suite comes with.
            ["eval", ..] => {
                let run = project.realign(&words).exits(10);
                let row = run.out.lines().find(|line| line.contains("trait/thanks")).expect("its row");
                assert!(row.contains("66.7 %"), "{}", run.out);
            }
            _ => {
                project.realign(&words).exits(0);
            }
        }
        if let ["init", folder] = words[..] {
            follow(&project, folder, &guide);
        }
        commands += 1;
    }
    assert!(commands >= 9, "{commands} commands");
}

/// Puts the guide's detector into the new suite, and answers its scenarios: two of three say thanks, where only that detector finds it.
fn follow(project: &Project, folder: &str, guide: &str) {
    let suite = project.read(&format!("{folder}/suite.toml"));
    let detector = |text: &str| {
        let begin = text.find("[[detector]]\ntrait = \"thanks\"").expect("a detector of thanks");
        let end = begin + text[begin..].find(" }\n").expect("its settings") + " }\n".len();
        text[begin..end].to_owned()
    };
    project.write(&format!("{folder}/suite.toml"), suite.replace(&detector(&suite), &detector(guide)));
    let scenarios = project.read(&format!("{folder}/scenarios.jsonl"));
    let scenarios = scenarios.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let answers =
        scenarios.filter(|scenario| scenario["split"] == "test").enumerate().map(|(place, scenario)| {
            let response = if place % 3 == 0 { "No." } else { "We will look. Many thanks." };
            serde_json::json!({ "id": scenario["id"], "response": response })
        });
    project.write("answers.jsonl", lines(answers));
}

#[test]
fn source_that_does_not_build_is_explained_in_the_compilers_words() {
    if !compiler() {
        return;
    }
    let project = Project::new();
    begin(&project, "says-thanks", "trait-detector", "rust").exits(0);
    let source = project.read("says-thanks/src/lib.rs");
    project.write("says-thanks/src/lib.rs", source.replace("Ok(config)", "Ok(confg)"));
    let wrong = project.realign(&["plugin", "build", "says-thanks"]).exits(22);
    assert!(
        wrong.err.contains("cannot find value `confg`") && wrong.err.contains("src/lib.rs:"),
        "{}",
        wrong.err
    );
    assert!(!project.path("says-thanks/says-thanks.wasm").exists());
    let manifest = project.read("says-thanks/Cargo.toml");
    project.write("says-thanks/src/lib.rs", source);
    project.write("says-thanks/Cargo.toml", manifest.replace("\"cdylib\", ", ""));
    let library = project.realign(&["plugin", "build", "says-thanks"]).exits(2);
    assert!(library.err.contains("no library of crate type cdylib"), "{}", library.err);
}

#[test]
fn what_a_person_can_get_wrong_is_named() {
    let project = Project::new();
    begin(&project, "says-thanks", "trait-detector", "python").exits(0);
    begin(&project, "says-hi", "style-scorer", "js").exits(0);
    project.write("empty/readme.txt", "");
    project.write(
        "cases.toml",
        "format = 1\n[[case]]\nname = \"x\"\nresponse = \"y\"\nexpected = { presence = 1.0 }\n",
    );
    let without_tools = |arguments: &[&str]| {
        let output =
            project.command(arguments).env("PATH", project.path("nowhere")).output().expect("it starts");
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(&project.path("").display().to_string(), "[project]/")
        };
        format!(
            "$ {}\nexit {}\n{}{}",
            arguments.join(" "),
            output.status.code().unwrap_or(-1),
            text(&output.stdout),
            text(&output.stderr)
        )
    };
    let all = [
        without_tools(&["plugin", "new", "says-thanks", "--kind", "trait-detector", "--lang", "rust"]),
        without_tools(&["plugin", "new", "Says", "--kind", "trait-detector", "--lang", "rust"]),
        without_tools(&["plugin", "build", "says-thanks"]),
        without_tools(&["plugin", "build", "says-hi"]),
        without_tools(&["plugin", "build", "empty"]),
        without_tools(&["plugin", "test", "trait-lexicon", "--cases", "cases.toml"]),
        without_tools(&["plugin", "test", "trait-lexicon", "--native"]),
        without_tools(&["plugin", "lock", "empty"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn every_built_in_evaluator_conforms() {
    let project = Project::new();
    for id in registry::built_in() {
        let cases = repository().join("plugins").join(id).join("cases.toml").display().to_string();
        let run = project.realign(&["plugin", "test", id, "--cases", &cases]).exits(0);
        if id == "trait-lexicon" {
            insta::with_settings!({filters => vec![("sha256 [0-9a-f]{12}", "sha256 [digest]")]}, {
                insta::assert_snapshot!(run.out.trim_end());
            });
        }
    }
}

#[test]
fn an_evaluator_that_remembers_shows_in_the_checks() {
    let project = Project::new();
    project.write("remembers.wasm", crate::hostile::assemble::guest("nan-score"));
    let run = project.realign(&["plugin", "test", "./remembers.wasm"]).exits(0);
    assert!(run.out.contains("there is no cases.toml"), "{}", run.out);
    project.write(
        "cases.toml",
        "format = 1\n[[case]]\nname = \"poison\"\nresponse = \"! poison\"\nexpect = { presence = 1.0 }\n",
    );
    let run = project.realign(&["plugin", "test", "./remembers.wasm"]).exits(10);
    assert!(run.out.contains("0 of 1 examples") && run.out.contains("BROKEN"), "{}", run.out);
}

#[test]
fn a_lock_holds_a_folder_of_components() {
    let project = Project::new();
    let dist = repository().join("plugins/dist");
    for id in ["trait-lexicon", "trait-bayes"] {
        project.write(
            &format!("own/{id}.wasm"),
            fs::read(dist.join(id).with_extension("wasm")).expect("built in"),
        );
    }
    project.realign(&["plugin", "lock", "own"]).exits(0);
    project.realign(&["plugin", "lock", "own", "--check"]).exits(0);
    assert!(project.realign(&["plugin", "list", "own"]).exits(0).out.contains("trait-bayes"));
    project.write("own/trait-bayes.wasm", fs::read(dist.join("style-delta.wasm")).expect("built in"));
    let changed = project.realign(&["plugin", "lock", "own", "--check"]).exits(20);
    assert!(changed.err.contains("trait-bayes: locked at"), "{}", changed.err);
    project.realign(&["plugin", "inspect", "./own/trait-bayes.wasm"]).exits(20);
    fs::remove_file(project.path("own/trait-bayes.wasm")).expect("removed");
    project.realign(&["plugin", "lock", "own", "--check"]).exits(20);
}

#[test]
fn costs_are_measured_and_fuel_does_not_depend_on_the_number_of_samples() {
    let project = Project::new();
    let cases = repository().join("plugins/trait-lexicon/cases.toml").display().to_string();
    let run = project.realign(&["plugin", "bench", "trait-lexicon", "--cases", &cases, "--json"]).exits(0);
    let found: Value = serde_json::from_str(&run.out).expect("JSON");
    let fuel: Vec<f64> = found["samples"]
        .as_array()
        .expect("counts")
        .iter()
        .map(|one| one["fuel"].as_f64().expect("a number"))
        .collect();
    assert_eq!(fuel.len(), 3);
    assert!(fuel[2] < 1.1 * fuel[1], "{fuel:?}");
}
