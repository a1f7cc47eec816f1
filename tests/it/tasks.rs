//! lm-eval task files: what lm-eval 0.4.13 itself made of them (`tests/tasks/oracle.py`), and files that are broken.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::support::{Project, mini};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tasks").join(name)
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|other| other == ending))
        .collect();
    found.sort();
    found
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

/// The answers that lm-eval's model gave, as recorded answers. It writes a document once for each filter.
fn recorded(samples: &Map<String, Value>) -> String {
    let mut lines = BTreeSet::new();
    for (task, documents) in samples {
        let prefix = if samples.len() > 1 { format!("{task}/") } else { String::new() };
        for sample in list(documents) {
            let id = format!("{prefix}{}", sample["doc_id"]);
            let responses = list(&sample["resps"]);
            match &responses[0][0] {
                Value::String(_) => {
                    let texts = list(&responses[0]);
                    for (repeat, text) in texts.iter().enumerate() {
                        let id = if texts.len() == 1 { id.clone() } else { format!("{id}/{repeat}") };
                        lines.insert(json!({ "id": id, "response": text }).to_string());
                    }
                }
                Value::Number(number) => {
                    lines.insert(scores(&id, &[json!([number, false])]));
                }
                _ => {
                    let pairs: Vec<Value> = responses.iter().map(|response| response[0].clone()).collect();
                    let choices = sample["doc"]["choices"].as_array().map_or(pairs.len(), Vec::len);
                    let (with, without) = pairs.split_at(choices.min(pairs.len()));
                    lines.insert(scores(&id, with));
                    if !without.is_empty() {
                        lines.insert(scores(&format!("{id}#unconditional"), without));
                    }
                }
            }
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn scores(id: &str, pairs: &[Value]) -> String {
    let part = |place: usize| pairs.iter().map(|pair| pair[place].clone()).collect::<Vec<_>>();
    let tokens = vec![1; pairs.len()];
    json!({ "id": id, "loglikelihood": part(0), "greedy": part(1), "tokens": tokens }).to_string()
}

/// The file of a task or group in `fine/`.
fn file_of(name: &str) -> PathBuf {
    let named = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("readable");
        text.lines().any(|line| line == format!("task: {name}") || line == format!("group: {name}"))
    };
    files(&folder("fine"), "yaml").into_iter().find(named).expect("a file of that name")
}

/// Numbers as they are, lists too: equal up to the last digit or one beside it.
fn same(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("finite"), b.as_f64().expect("finite"));
            assert!((a - b).abs() <= 4.0 * f64::EPSILON * b.abs(), "{place}: {a} here, {b} there");
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).for_each(|(a, b)| same(a, b, place));
        }
        _ => assert_eq!(ours, theirs, "{place}"),
    }
}

#[test]
fn prompts_filters_values_and_results_are_those_of_lm_eval() {
    let mut compared = 0;
    for path in files(&folder("expected"), "json") {
        let expected: Value =
            serde_json::from_str(&fs::read_to_string(&path).expect("readable")).expect("JSON");
        let (task, options) = (expected["task"].as_str().expect("a name"), &expected["options"]);
        let samples = expected["samples"].as_object().expect("samples");
        let project = Project::new();
        project.write("recorded.jsonl", recorded(samples));
        let file = file_of(task);
        let mut arguments: Vec<String> =
            ["eval", "--model", "recorded:recorded.jsonl", "--output", "out", "--name", "run", "--task"]
                .map(str::to_owned)
                .into();
        arguments.push(file.to_str().expect("a plain path").to_owned());
        for (option, argument) in [("limit", "--limit"), ("num_fewshot", "--num-fewshot")] {
            if let Some(number) = options[option].as_u64() {
                arguments.extend([argument.to_owned(), number.to_string()]);
            }
        }
        if options["apply_chat_template"] == true {
            arguments.push("--apply-chat-template".into());
            if options["fewshot_as_multiturn"] == false {
                arguments.push("--single-turn".into());
            }
        }
        project.realign(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        for (task, theirs) in samples {
            let ours = project.read(&format!("out/samples_{task}.jsonl"));
            let ours: Vec<Value> =
                ours.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert_eq!(ours.len(), list(theirs).len(), "{name}");
            for (ours, theirs) in ours.iter().zip(list(theirs)) {
                compare_sample(ours, theirs, &format!("{name}: {task} document {}", theirs["doc_id"]));
                compared += 1;
            }
        }
        let ours: Value = serde_json::from_str(&project.read("out/results.json")).expect("JSON");
        for (task, theirs) in expected["results"].as_object().expect("results") {
            for (metric, theirs) in theirs.as_object().expect("metrics") {
                // Bootstrapped there.
                let left_out = ["alias", "perplexity_stderr,none", "sample_count"];
                if !left_out.contains(&metric.as_str()) {
                    same(&ours["results"][task][metric], theirs, &format!("{name}: {task}: {metric}"));
                }
            }
        }
        for part in ["n-shot", "n-samples"] {
            same(&ours[part], &expected[part], &format!("{name}: {part}"));
        }
        project.realign(&["verify", "run"]).exits(0);
    }
    assert_eq!(compared, 231, "documents compared");
}

fn compare_sample(ours: &Value, theirs: &Value, place: &str) {
    for key in ["doc_id", "doc", "filter"] {
        same(&ours[key], &theirs[key], &format!("{place}: {key}"));
    }
    let arguments = list(&theirs["arguments"]);
    for (index, theirs) in arguments.iter().enumerate() {
        let ours = &ours["arguments"][format!("gen_args_{index}")];
        let prompt = theirs[0].as_str().expect("a prompt");
        match &ours["arg_0"] {
            messages @ Value::Array(_) => {
                assert_eq!(*messages, serde_json::from_str::<Value>(prompt).expect("messages"), "{place}");
            }
            ours => assert_eq!(ours, prompt, "{place}: prompt"),
        }
        if theirs[1].is_string() {
            assert_eq!(ours["arg_1"], theirs[1], "{place}: continuation");
        }
        if let Some(until) = theirs[1].get("until") {
            assert_eq!(ours["arg_1"]["until"], *until, "{place}: until");
        }
    }
    assert_eq!(ours["arguments"].as_object().map(Map::len), Some(arguments.len()), "{place}");
    if theirs["filtered_resps"][0].is_string() {
        assert_eq!(ours["filtered_resps"], theirs["filtered_resps"], "{place}: what filters leave");
    }
    if let Some(hash) = ours.get("prompt_hash") {
        assert_eq!(*hash, theirs["prompt_hash"], "{place}: prompt_hash");
    }
    assert_eq!(ours["target_hash"], theirs["target_hash"], "{place}: target_hash");
    for metric in list(&theirs["metrics"]).iter().filter_map(Value::as_str) {
        same(&ours[metric], &theirs[metric], &format!("{place}: {metric}"));
    }
}

/// One line for each broken file: its exit code, and what is said of it.
#[test]
fn no_broken_task_is_accepted_and_each_is_told_what_is_wrong() {
    let broken = folder("broken").canonicalize().expect("a folder");
    let mut paths = files(&broken, "yaml");
    let members = ["member.yaml", "text.yaml"];
    paths.extend(files(&broken.join("groups"), "yaml"));
    paths.retain(|path| !members.iter().any(|member| path.ends_with(member)));
    assert!(paths.len() >= 80, "{} files", paths.len());
    let project = Project::new();
    let mut said = Vec::new();
    for path in &paths {
        let run = project.realign(&["validate", path.to_str().expect("a plain path")]);
        let text = run.out.replace(&format!("{}/", broken.display()), "");
        let name = path.strip_prefix(&broken).expect("below").with_extension("");
        assert!(!text.starts_with("fine"), "{} is accepted: {text}", name.display());
        let line = text.lines().next().unwrap_or_default().trim_start_matches("wrong  ");
        said.push(format!("{} [{}] {line}", name.display(), run.code));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn every_task_of_the_examples_is_fine() {
    let project = Project::new();
    let paths = files(&folder("fine"), "yaml");
    let mut arguments = vec!["validate"];
    arguments.extend(paths.iter().map(|path| path.to_str().expect("a plain path")));
    let run = project.realign(&arguments).exits(0);
    let said = run.out.lines().map(|line| line.rsplit_once(": ").map_or(line, |(_, holds)| holds));
    assert_eq!(said.count(), paths.len());
}

#[test]
fn a_run_of_a_group_is_compared_by_its_tasks_and_told_apart_by_its_options() {
    let project = Project::new();
    let expected = fs::read_to_string(folder("expected/zoo.json")).expect("readable");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    project.write("recorded.jsonl", recorded(expected["samples"].as_object().expect("samples")));
    let file = file_of("zoo");
    let file = file.to_str().expect("a plain path");
    let run = |name: &str, more: &[&str]| {
        let base = ["eval", "--model", "recorded:recorded.jsonl", "--name", name, "--task", file];
        project.realign(&[&base, more].concat()).exits(0)
    };
    insta::assert_snapshot!(run("a", &[]).out);
    run("b", &["--num-fewshot", "2"]);
    let compared = project.realign(&["compare", "a", "b"]).exits(12);
    assert!(compared.shown().contains("task/choice"), "{}", compared.shown());
}

/// In a suite a task is asked under its own name, and its numbers stand beside the suite's.
#[test]
fn a_suite_measures_its_tasks_too() {
    let project = Project::new();
    mini::write(&project);
    let (text, task) = (project.read("suite.toml"), "\n[[task]]\nfile = \"two.yaml\"\n");
    let start = text.find("[[benchmark]]").expect("a benchmark");
    let rest = text[start..].find("\n\n").map_or("", |end| &text[start + end..]);
    project.write("suite.toml", format!("{}{rest}{task}", &text[..start]));
    let yaml = "task: two\ndataset_path: json\ndataset_kwargs: {data_files: {test: two.jsonl}}\ntest_split: test\n\
                output_type: multiple_choice\ndoc_to_text: q\ndoc_to_choice: [\"yes\", \"no\"]\ndoc_to_target: a\n\
                metric_list: [{metric: acc}]\n";
    project.write("two.yaml", yaml);
    project.write("two.jsonl", "{\"q\": \"one\", \"a\": 0}\n{\"q\": \"two\", \"a\": 1}\n");
    let pairs = [json!([-1.0, false]), json!([-2.0, false])];
    let answers = (0..2).map(|id| scores(&format!("task/two/{id}"), &pairs) + "\n").collect::<String>();
    project.write("responses.jsonl", project.read("responses.jsonl") + &answers);
    let run = ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--name", "run"];
    let run = project.realign(&run);
    assert!(
        run.out.lines().any(|line| line.starts_with("two/acc ") && line.contains("50.0 %")),
        "{}",
        run.shown()
    );
    project.realign(&["verify", "run"]).exits(0);
}

/// The example's rows have lists, structs, lists of structs and what is missing; both packings are read.
#[test]
fn rows_of_parquet_and_of_json_lines_give_the_same_run() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parquet");
    let file = |name: &str| fs::read(source.join(name)).expect("readable");
    let task = String::from_utf8(file("arc.yaml")).expect("text");
    let run = |data: &str, reader: &str| {
        let project = Project::new();
        let named = task.replace("rows.parquet", data);
        project.write("arc.yaml", named.replace("dataset_path: parquet", &format!("dataset_path: {reader}")));
        project.write(data, file(data));
        let answers = (0..5).map(|id| {
            let pairs: Vec<Value> =
                (0..4).map(|place| json!([-1.0 - f64::from((place + id) % 3), false])).collect();
            scores(&id.to_string(), &pairs) + "\n"
        });
        project.write("recorded.jsonl", answers.collect::<String>());
        let arguments = ["eval", "--model", "recorded:recorded.jsonl", "--output", "out", "--name", "run"];
        project.realign(&[&arguments[..], &["--task", "arc.yaml"]].concat()).exits(0);
        let results: Value = serde_json::from_str(&project.read("out/results.json")).expect("JSON");
        (project.read("out/samples_arc.jsonl"), results["results"].clone())
    };
    let lines = run("rows.jsonl", "json");
    assert_eq!(lines.0.lines().count(), 5);
    assert!(lines.0.contains("Which of these keeps a boat") && lines.0.contains("(été ☃)"), "{}", lines.0);
    assert_eq!(run("rows.parquet", "parquet"), lines);
    assert_eq!(run("rows-zstd.parquet", "parquet"), lines);
}

/// The crate that decodes panics on this file; nobody is to see that.
#[test]
fn of_a_damaged_parquet_file_nothing_but_one_error_is_said() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let project = Project::new();
    project.write("arc.yaml", fs::read(tests.join("parquet/arc.yaml")).expect("readable"));
    let damaged = tests.join("fuzz/seeds/parquet/panics-in-the-crate.parquet");
    project.write("rows.parquet", fs::read(damaged).expect("readable"));
    project.write("recorded.jsonl", scores("0", &[json!([-1.0, false])]));
    let run =
        project.realign(&["eval", "--model", "recorded:recorded.jsonl", "--task", "arc.yaml"]).exits(22);
    assert_eq!(run.out, "");
    insta::assert_snapshot!(run.err.trim_end(), @r"
    error: arc.yaml: rows.parquet: no Parquet file that can be read: its pages do not hold together
     hint: fetch or write the file again
    ");
}
