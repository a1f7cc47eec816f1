//! Stored runs shown again, and as pages.

use serde_json::{Value, json};

use crate::support::{Project, lines, mini};

fn evaluated(name: &str) -> Project {
    let project = Project::new();
    mini::write(&project);
    let arguments =
        ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--items", "0", "--name", name];
    project.realign(&arguments).exits(11);
    project
}

#[test]
fn a_stored_run_is_shown_as_it_was_and_reporting_is_no_gate() {
    let project = evaluated("first");
    let again = project.realign(&["report", "first"]).exits(0);
    assert!(again.out.contains("adherence") && again.out.contains("inconclusive"), "{}", again.out);
    let json = project.realign(&["report", "first", "--json"]).exits(0);
    let document: Value = serde_json::from_str(&json.out).expect("one JSON document");
    assert_eq!(document["name"], "first");
}

#[test]
fn the_page_says_the_verdict_first_and_loads_nothing() {
    let project = evaluated("first");
    project.realign(&["report", "first", "--html", "first.html"]).exits(0);
    let page = project.read("first.html");
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(place("class=\"badge open\"") < place("<main"));
    assert!(page.contains("default-src 'none'") && page.contains("Traits by context"));
    // Nothing that a browser would fetch: no address but the name space of drawings, which is none.
    let addresses = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!addresses.contains("://") && !addresses.contains("src="), "{page}");
    // The trait that gives way under pressure shows in its cell: 8 of 12 families.
    assert!(page.contains("66.7 %"));
    project.realign(&["report", "first", "--html", "again.html"]).exits(0);
    assert_eq!(page, project.read("again.html"), "equal records give equal bytes");
}

#[test]
fn a_hostile_name_is_text() {
    let name = "<img src=x onerror=alert(1)>";
    let project = evaluated(name);
    project.realign(&["report", name, "--html", "page.html"]).exits(0);
    let page = project.read("page.html");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;") && !page.contains("<img"), "{page}");
}

#[test]
fn a_page_that_cannot_be_written_ends_with_23_and_an_unknown_run_with_22() {
    let project = evaluated("first");
    let run = project.realign(&["report", "first", "--html", "missing/page.html"]).exits(23);
    assert!(run.err.contains("missing/page.html"), "{}", run.err);
    project.realign(&["report", "second", "--html", "page.html"]).exits(22);
    assert!(!project.path("page.html").exists());
}

/// A run of texts whose log-likelihoods have an exponential tail; every second one is what the model would have said.
fn long_tailed(documents: usize) -> Project {
    let project = Project::new();
    let metrics = "metric_list: [{metric: perplexity}, {metric: acc}]";
    let task = format!(
        "task: words\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: words.jsonl}}}}\ntest_split: test\n\
         output_type: loglikelihood\ndoc_to_text: q\ndoc_to_target: a\n{metrics}\n"
    );
    project.write("words.yaml", task);
    project
        .write("words.jsonl", lines((0..documents).map(|index| json!({ "q": index.to_string(), "a": "a" }))));
    let answer = |index: usize| {
        let logprob = ((index as f64 + 0.5) / documents as f64).ln();
        json!({ "id": index.to_string(), "loglikelihood": [logprob], "tokens": [1], "greedy": [index.is_multiple_of(2)] })
    };
    project.write("recorded.jsonl", lines((0..documents).map(answer)));
    let eval = ["eval", "--task", "words.yaml", "--model", "recorded:recorded.jsonl", "--name", "words"];
    project.realign(&eval).exits(0);
    project
}

#[test]
fn a_long_tail_of_few_texts_is_said_in_every_report_of_a_run_and_of_a_share_it_is_not() {
    let warning = "a long tail in 12 clusters: its interval misses more often than in 5 of 100 cases";
    let project = long_tailed(12);
    project.write(
        "gates.toml",
        "format = 1\n[[gate]]\nmetric = \"words/perplexity\"\nthreshold = 1000.0\ncomparison = \"<=\"\n\
         [[gate]]\nmetric = \"words/acc\"\nthreshold = 0.1\ncomparison = \">=\"\n",
    );
    let outputs =
        ["--html", "page.html", "--gates", "gates.toml", "--junit", "gates.xml", "--summary", "summary.md"];
    let shown = project.realign(&[&["report", "words"], &outputs[..]].concat()).exits(0).out;
    assert!(shown.contains(&format!("words/perplexity: warning: {warning}")), "{shown}");
    // The page says it beside the number and beside the gate.
    for (file, times) in [("page.html", 2), ("gates.xml", 0), ("summary.md", 1)] {
        assert_eq!(project.read(file).matches(warning).count(), times, "{file}: {}", project.read(file));
    }
    let json = project.realign(&["report", "words", "--json"]).exits(0).out;
    let record: Value = serde_json::from_str(&json).expect("JSON");
    let flags = |record: &Value| -> Vec<Value> {
        let metrics = record["metrics"].as_array().expect("metrics");
        metrics.iter().map(|metric| json!([metric["name"], metric["long_tail"]])).collect()
    };
    assert_eq!(flags(&record), [json!(["words/perplexity", true]), json!(["words/acc", null])]);
    project.realign(&["verify", "words"]).exits(0);

    let many = long_tailed(400).realign(&["report", "words"]).exits(0).out;
    assert!(!many.contains("tail"), "{many}");
}

#[test]
fn a_history_of_a_metric_with_a_long_name_breaks_no_interval() {
    let project = long_tailed(12);
    project
        .write("words.yaml", project.read("words.yaml").replace("task: words", "task: words-of-the-keepers"));
    let eval = ["eval", "--task", "words.yaml", "--model", "recorded:recorded.jsonl", "--name"];
    for name in ["first", "second"] {
        project.realign(&[&eval[..], &[name]].concat()).exits(0);
    }
    let history = ["history", "first", "second", "--metric", "words-of-the-keepers/acc"];
    insta::assert_snapshot!(project.realign(&history).exits(0).out.trim_end(), @r"
    words-of-the-keepers/acc  value  95 % interval  n change   95 % interval     p verdict
    first                    50.0 % 21.1 to 78.9 % 12      -               -     -
    second                   50.0 % 21.1 to 78.9 % 12  0.0 % -24.2 to 24.2 % 1.000 cannot tell

    Every change is that since the first run; p is adjusted over all metrics and runs.
    ");
}
