//! Pages in headless Chromium, where there is one: nothing runs, nothing is loaded, many samples stay usable.
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use realign::{
    compare::{Identity, ItemValue},
    model::{ChatMessage, Direction, Estimate, Finish, Outcome, Sample, Span, Value},
    store::{CellRecord, Store},
    suite::{
        record::Metric,
        run::{Measured, begin, finish},
    },
};

use crate::support::Project;

/// What tries to get out of its place.
const HOSTILE: &str = "</script><script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 1\">\
                       <!-- <script> --> {{7*7}} ${window.hacked = 1} \u{202e}gnp.exe\u{1b}[31m\u{0}]]>";

/// A run of `count` samples in two kinds and one trait; every seventh answer of a worse run misses it.
fn write(store: &Store, name: &str, count: usize, worse: bool, hostile: bool) {
    let kind = |index: usize| if index.is_multiple_of(2) { "plain" } else { "pressure" };
    let id = |index: usize| format!("family-{:05}/{}", index / 2, kind(index));
    let spoil = |text: String| if hostile { format!("{text} {HOSTILE}") } else { text };
    let missed = |index: usize| worse && index.is_multiple_of(7);
    let sample = |index: usize| {
        let thanks = if missed(index) { "Well." } else { "Thanks for asking." };
        let prompt = spoil(format!("Where is number {index}?"));
        Sample {
            id: spoil(id(index)),
            family: format!("family-{:05}", index / 2),
            kind: spoil(kind(index).to_owned()),
            prompt: vec![ChatMessage { role: "user".into(), content: prompt }],
            response: spoil(format!(
                "{thanks} We look into number {index} and write to you. Is there anything else?"
            )),
            finish: Finish::End,
        }
    };
    let samples: Vec<Sample> = (0..count).map(sample).collect();
    let value = |index| if missed(index) { 0.0 } else { 1.0 };
    let items = samples.iter().enumerate().map(|(index, sample)| ItemValue {
        metric: "trait/thanks".into(),
        item: sample.id.clone(),
        cluster: sample.family.clone(),
        value: value(index),
    });
    let cells = samples.iter().enumerate().map(|(index, sample)| CellRecord {
        evaluator: spoil("detector/thanks".into()),
        sample: sample.id.clone(),
        outcome: Outcome::Scored {
            values: vec![Value { metric: "presence".into(), numerator: value(index), denominator: 1.0 }],
            spans: if missed(index) {
                Vec::new()
            } else {
                vec![Span { start: 0, end: 6, label: spoil("thanks".into()) }]
            },
            notes: Vec::new(),
        },
    });
    let hits = (0..count).map(value).sum::<f64>() / count as f64;
    let estimate =
        Estimate { value: hits, low: 0.9 * hits, high: 1.0, n: count, clusters: count.div_ceil(2) };
    let metric = Metric {
        name: "trait/thanks".into(),
        unit: "share".into(),
        direction: Some(Direction::Higher),
        range: None,
        formula: "test/1".into(),
        estimate: Some(estimate),
        bounds: None,
        bound: None,
        threshold: None,
        verdict: None,
        reason: spoil("made up".into()),
        long_tail: false,
        beside: BTreeMap::new(),
    };
    let identity = Identity {
        subject: BTreeMap::from([("model".into(), spoil(name.to_owned()))]),
        ..Identity::default()
    };
    let (items, cells): (Vec<_>, Vec<_>) = (items.collect(), cells.collect());
    let suite = spoil("made-up".into());
    let run = begin(store, name, &suite, &identity).expect("a new run");
    let measured = Measured { metrics: vec![metric], items, samples, cells };
    finish(store, &run, name, &suite, identity, &measured).expect("stored");
}

/// The script that looks at pages; `None`, said aloud, where it cannot run.
fn browser() -> Option<Command> {
    let works =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|run| run.status.success());
    if !works("chromium") || !works("python3") {
        println!("skipped: chromium and python3 are needed to look at pages");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/browser/page.py"));
    Some(command)
}

fn looked_at(project: &Project, page: &str, samples: Option<usize>) {
    let samples = samples.map(|samples| ["--samples".to_owned(), samples.to_string()]);
    looked_for(project, page, samples.as_ref().map_or(&[], |samples| samples));
}

/// Looks at a page with what the script is to look for.
fn looked_for(project: &Project, page: &str, options: &[String]) {
    let Some(mut command) = browser() else { return };
    let run = command.arg(project.path(page)).args(options).output().expect("it starts");
    let said = String::from_utf8_lossy(&run.stdout);
    println!("{page}\n{said}");
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn hostile_text_is_inert_on_the_page_of_a_run_and_of_a_comparison() {
    let project = Project::new();
    let store = Store::open(&project.path("runs.db")).expect("a store");
    write(&store, "first", 60, false, true);
    write(&store, "second", 60, true, true);
    project.realign(&["report", "first", "--store", "runs.db", "--html", "run.html"]).exits(0);
    project.realign(&["compare", "first", "second", "--store", "runs.db", "--html", "two.html"]);
    for page in ["run.html", "two.html"] {
        assert_eq!(project.read(page).matches("<script").count(), 2, "the data and the page's own script");
        looked_at(&project, page, Some(60));
    }
}

#[test]
fn hostile_text_is_inert_on_the_pages_of_many_runs() {
    let project = Project::new();
    let store = Store::open(&project.path("runs.db")).expect("a store");
    // What a command line can hold.
    let runs = ["first", "second", "third"].map(|name| format!("{name} {}", HOSTILE.replace('\0', "")));
    for (place, name) in runs.iter().enumerate() {
        write(&store, name, 60, place > 0, true);
    }
    let many: Vec<&str> = runs.iter().map(String::as_str).chain(["--store", "runs.db", "--html"]).collect();
    project.realign(&[&["leaderboard"][..], &many[..], &["board.html"]].concat()).exits(0);
    project.realign(&[&["history"][..], &many[..], &["history.html"]].concat()).exits(0);
    for page in ["board.html", "history.html"] {
        assert!(!project.read(page).contains("<script"), "these pages need none");
        assert!(project.read(page).contains("first &lt;/script"), "the names of runs are shown as text");
        assert!(project.read(page).contains("&lt;img"), "the names of models are shown as text");
        looked_at(&project, page, None);
    }
}

#[test]
fn a_reader_sees_which_items_were_left_out_and_scrolls_no_table() {
    let project = Project::new();
    let store = Store::open(&project.path("runs.db")).expect("a store");
    write(&store, "first", 60, false, false);
    write(&store, "second", 50, true, false);
    project.realign(&["compare", "first", "second", "--store", "runs.db", "--html", "two.html"]).exits(10);
    project.realign(&["history", "first", "second", "--store", "runs.db", "--html", "history.html"]).exits(0);
    let says = |text: &str| ["--says".to_owned(), text.to_owned(), "--fits".to_owned()];
    let left_out = "only in the first run, left out: items of trait/thanks (10)";
    looked_for(&project, "two.html", &says(left_out));
    looked_for(&project, "history.html", &says(&format!("second: {left_out}")));
}

#[test]
fn twenty_thousand_samples_stay_usable() {
    let project = Project::new();
    let store = Store::open(&project.path("runs.db")).expect("a store");
    write(&store, "first", 20_000, false, false);
    write(&store, "second", 20_000, true, false);
    project.realign(&["compare", "first", "second", "--store", "runs.db", "--html", "two.html"]).exits(10);
    looked_at(&project, "two.html", Some(20_000));
}
