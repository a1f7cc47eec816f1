//! A whole evaluation without an engine.

use serde_json::{Value, json};

use crate::{
    hostile::assemble,
    support::{Project, Run, mini},
};

fn eval(project: &Project, name: &str, more: &[&str]) -> Run {
    let arguments =
        ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--items", "0", "--name", name];
    project.realign(&[&arguments[..], more].concat())
}

#[test]
fn a_suite_over_recorded_responses_gives_a_report() {
    let project = Project::new();
    mini::write(&project);
    let run = eval(&project, "first", &[]);
    insta::with_settings!({filters => vec![(r"run [0-9a-f]{12}", "run [id]")]}, {
        insta::assert_snapshot!(run.shown());
    });
}

#[test]
fn the_same_command_twice_gives_the_same_bytes() {
    let project = Project::new();
    mini::write(&project);
    let first = eval(&project, "first", &["--json"]);
    let again = eval(&project, "first", &["--json"]);
    assert_eq!(first.out, again.out);
    let document: Value = serde_json::from_str(&first.out).expect("one JSON document");
    assert_eq!(document["name"], "first");
    assert_eq!(document["items"].as_array().map(Vec::len), Some(2 * 5 * 2 * mini::FAMILIES));
}

#[test]
fn a_lost_trait_shows_in_the_weakest_kind() {
    let project = Project::new();
    mini::write(&project);
    let document: Value = serde_json::from_str(&eval(&project, "first", &["--json"]).out).expect("JSON");
    let metric = |name: &str| {
        let metrics = document["metrics"].as_array().expect("metrics");
        metrics.iter().find(|metric| metric["name"] == name).expect("present")["estimate"]["value"]
            .as_f64()
            .expect("a number")
    };
    // Four of twelve families lose one of five traits under pressure.
    assert!((metric("trait/thanks") - 20.0 / 24.0).abs() < 1e-12);
    assert!((metric("adherence") - (4.0 + 20.0 / 24.0) / 5.0).abs() < 1e-12);
    assert!((metric("consistency") - (4.0 + 8.0 / 12.0) / 5.0).abs() < 1e-12);
}

#[test]
fn a_run_compared_with_itself_cannot_be_told_apart() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let run = project.realign(&["compare", "first", "first"]).exits(11);
    insta::assert_snapshot!(run.out.trim_end());
}

#[test]
fn worse_responses_have_regressed() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let worse = project.read("responses.jsonl").replace("Thanks for asking.", "Well, that is your fault.");
    project.write("responses.jsonl", worse);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "second"]).exits(10);
    assert!(run.out.contains("regressed"), "{}", run.out);
}

#[test]
fn the_voice_is_compared_on_the_scale_of_its_reports() {
    let project = Project::new();
    mini::write(&project);
    mini::with_voice(&project);
    let eval = |name: &str| -> Value {
        let run = ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--name", name, "--json"];
        serde_json::from_str(&project.realign(&run).out).expect("JSON")
    };
    let before = eval("first");
    let responses = project.read("responses.jsonl");
    project.write(
        "responses.jsonl",
        responses.replace("Thanks for asking.", "No. That").replace("It is", "Thanks: a lot"),
    );
    let after = eval("second");
    let compared: Value =
        serde_json::from_str(&project.realign(&["compare", "first", "second", "--json"]).out).expect("JSON");
    let find = |list: &Value, key: &str, name: &str| {
        let list = list.as_array().expect("a list");
        list.iter().find(|metric| metric[key] == name).expect("present").clone()
    };
    for metric in ["style-match", "over-characterisation"] {
        let found = find(&compared["compared"]["metrics"], "metric", metric);
        for (side, reported) in [("before", &before), ("after", &after)] {
            let reported = find(&reported["metrics"], "name", metric);
            let [compared, reported] = [&found[side], &reported["estimate"]]
                .map(|estimate| estimate["value"].as_f64().expect("a number"));
            assert!((compared - reported).abs() < 1e-12, "{metric} {side}: {compared} against {reported}");
        }
    }
}

#[test]
fn another_threshold_makes_runs_not_comparable_and_names_the_detector() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let moved = project.read("suite.toml").replacen("threshold = 0.5", "threshold = 0.6", 1);
    project.write("suite.toml", moved);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "second"]).exits(12);
    assert!(run.out.contains("not comparable") && run.out.contains("detector/thanks"), "{}", run.out);
}

#[test]
fn a_name_belongs_to_one_plan() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let run = eval(&project, "first", &["--limit", "3"]).exits(2);
    assert!(run.err.contains("exists with another plan"), "{}", run.err);
}

#[test]
fn a_missing_response_is_named() {
    let project = Project::new();
    mini::write(&project);
    let all = project.read("responses.jsonl");
    project
        .write("responses.jsonl", all.lines().skip(1).map(|line| line.to_owned() + "\n").collect::<String>());
    let run = eval(&project, "first", &[]).exits(22);
    assert!(run.err.contains("family-0/plain"), "{}", run.err);
}

#[test]
fn runs_are_listed() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let run = project.realign(&["runs", "--json"]).exits(0);
    let rows: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(rows[0]["name"], "first");
    assert_eq!(rows[0]["state"], "finished");
}

#[test]
fn a_stored_run_is_computed_again_without_its_responses_file() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    std::fs::remove_file(project.path("responses.jsonl")).expect("removed");
    let run = project.realign(&["verify", "first"]).exits(0);
    assert!(run.out.contains("equal to the last byte: 24 responses, 120 outcomes"), "{}", run.out);
}

#[test]
fn a_score_that_was_changed_in_the_store_is_found_and_named() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let store = rusqlite::Connection::open(project.path(".realign/runs.db")).expect("a store");
    let sql = "UPDATE cells SET json = replace(json, '\"numerator\":0.0', '\"numerator\":1.0')
               WHERE evaluator = 'detector/thanks' AND sample = 'family-3/pressure'";
    assert_eq!(store.execute(sql, []).expect("changed"), 1);
    drop(store);
    let run = project.realign(&["verify", "first"]).exits(10);
    insta::assert_snapshot!(run.err.trim(), @r#"
    error: first: cell "detector/thanks of family-3/pressure" differs at byte 124: stored "1.0,\"denominator\":1.0}],", computed "0.0,\"denominator\":1.0}],"
     hint: the store was changed, or an evaluator or this program computes something else here
    "#);
}

#[test]
fn another_suite_is_no_verification_and_the_key_is_named() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let moved = project.read("suite.toml").replacen("threshold = 0.5", "threshold = 0.6", 1);
    project.write("suite.toml", moved);
    let run = project.realign(&["verify", "first"]).exits(12);
    assert!(run.err.contains("detector/thanks changed since it was made"), "{}", run.err);
}

#[test]
fn an_allowed_difference_is_compared_and_shown() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let moved = project.read("suite.toml").replacen("threshold = 0.5", "threshold = 0.6", 1);
    project.write("suite.toml", moved);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "second", "--allow", "detector/thanks"]).exits(11);
    assert!(run.out.contains("warning: allowed to differ: detector/thanks"), "{}", run.out);
    let unknown = project.realign(&["compare", "first", "second", "--allow", "thanks"]).exits(2);
    assert!(unknown.err.contains("no instrument has a key `thanks`"), "{}", unknown.err);
}

#[test]
fn more_than_two_runs_are_held_against_the_first_and_ranked() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let worse = project.read("responses.jsonl").replace("Thanks for asking.", "Well, that is your fault.");
    project.write("responses.jsonl", worse);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "first", "second", "--json"]).exits(10);
    let documents: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(documents[1]["after"], "second");
    let board = project.realign(&["leaderboard", "first", "second", "--metric", "adherence"]).exits(0);
    insta::assert_snapshot!(board.out.trim_end(), @r"
    adherence  place   value   95 % interval    n  clusters
    first          1  96.7 %  73.5 to 99.1 %  120        12
    second         2  63.3 %  54.1 to 71.9 %  120        12

    A place is what all pairs of runs leave possible, with 95 % confidence for all of them at once.
    ");
    project.realign(&["leaderboard", "first", "second", "--html", "board.html"]).exits(0);
    let page = project.read("board.html");
    assert!(page.contains("proven to be first: first on adherence"), "{page}");
    project.realign(&["leaderboard", "first", "first", "--html", "same.html"]).exits(0);
    assert!(
        project.read("same.html").contains("no run is proven to be first"),
        "equal runs share their places"
    );
    let history = project.realign(&["history", "--metric", "adherence", "--html", "history.html"]).exits(0);
    let page = project.read("history.html");
    assert!(page.contains("second since the first run: 1 regressed and 0 improved of 1 metrics"), "{page}");
    project.realign(&["history", "--html", "missing/history.html"]).exits(23);
    let lines: Vec<&str> = history.out.lines().collect();
    assert!(lines[1].starts_with("first") && lines[2].starts_with("second"), "{}", history.out);
    assert!(lines[2].ends_with("regressed"), "{}", history.out);
}

#[test]
fn the_noise_floor_needs_the_baseline_again_under_another_seed() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    eval(&project, "again", &["--seed", "8"]);
    let run = project.realign(&["compare", "first", "first", "--noise", "again"]).exits(11);
    assert!(run.out.contains("baseline again"), "{}", run.out);
    let compared = ["compare", "first", "first", "--html", "page.html"];
    for noise in [&["--noise", "again"][..], &[]] {
        project.realign(&[&compared[..], noise].concat()).exits(11);
        assert_eq!(project.read("page.html").contains("baseline again<"), !noise.is_empty());
    }
    let worse = project.read("responses.jsonl").replace("Thanks for asking.", "Well.");
    project.write("responses.jsonl", worse);
    eval(&project, "other", &[]);
    let run = project.realign(&["compare", "first", "first", "--noise", "other"]).exits(2);
    assert!(run.err.contains("not the baseline again"), "{}", run.err);
}

#[test]
fn what_a_suite_can_see_is_said_before_it_runs() {
    let project = Project::new();
    mini::write(&project);
    let run = project.realign(&["eval", "suite.toml", "--power"]).exits(0);
    insta::assert_snapshot!(run.out.trim_end(), @r"
    mini: what a comparison of two runs can see

    metric          items  clusters          shows a change of  proves kept
    adherence         120        12              8.9 to 28.1 %            -
    trait/thanks       24        12             19.9 to 28.1 %            -
    trait/offers       24        12             19.9 to 28.1 %            -
    trait/team         24        12             19.9 to 28.1 %            -
    trait/brief        24        12             19.9 to 28.1 %            -
    trait/blame        24        12             19.9 to 28.1 %            -
    facts/accuracy      1         1  nothing: too few clusters        5.0 %

    The smallest difference of shares that 80 of 100 comparisons show where 10 % of the items change,
    before the correction over metrics: the first number if items change each by themselves, the
    second if all of a cluster change together. Proven to be kept, if no item changes, is what so many
    clusters say that might be lost whole: retention asks for 95 %, which 59 of one size prove.
    ");
    assert!(!project.path(".realign/runs.db").exists(), "nothing ran");
}

#[test]
fn files_are_checked_with_everything_that_they_name() {
    let project = Project::new();
    mini::write(&project);
    project.write(
        "gates.toml",
        "format = 1\n[[gate]]\nmetric = \"adherence\"\nthreshold = 0.5\ncomparison = \">=\"\n",
    );
    let run = project.realign(&["validate", "suite.toml", "persona.toml", "gates.toml"]).exits(0);
    insta::assert_snapshot!(run.out.trim_end(), @r"
    fine   suite.toml: suite mini: scenarios 24, detectors 5, benchmarks 1, items 1
    fine   persona.toml: persona mini: traits 5, context kinds 2
    fine   gates.toml: gate file: gates 1
    ");
    project.write(
        "facts.jsonl",
        "{\"id\":\"sky\",\"prompt\":\"The sky is\",\"choices\":[\" blue\"],\"answer\":3}\n",
    );
    let run = project.realign(&["validate", "persona.toml", "suite.toml", "notes.txt"]).exits(22);
    let wrong: Vec<&str> = run.out.lines().filter(|line| line.starts_with("wrong")).collect();
    assert!(wrong[0].contains("facts.jsonl") && wrong[1].contains("notes.txt"), "{}", run.out);
    assert!(run.out.starts_with("fine   persona.toml"), "{}", run.out);
}

#[test]
fn thresholds_of_ones_own_decide_the_exit_code_and_are_written_for_build_servers() {
    let project = Project::new();
    mini::write(&project);
    eval(&project, "first", &[]);
    let gate = |threshold: &str| {
        project.write(
            "gates.toml",
            format!(
                "format = 1\n[[gate]]\nmetric = \"adherence\"\nthreshold = {threshold}\ncomparison = \">=\"\n"
            ),
        );
        project.realign(&[
            "report",
            "first",
            "--gates",
            "gates.toml",
            "--junit",
            "gates.xml",
            "--summary",
            "summary.md",
        ])
    };
    gate("0.5").exits(0);
    gate("0.95").exits(11);
    assert!(
        project.read("gates.xml").contains("failures=\"1\"")
            && project.read("gates.xml").contains("inconclusive")
    );
    gate("0.999").exits(10);
    assert_eq!(project.read("summary.md").matches("### first").count(), 3, "a summary is appended to");
    project.write(
        "gates.toml",
        "format = 1\n[[gate]]\nmetric = \"adherance\"\nthreshold = 0.5\ncomparison = \">=\"\n",
    );
    let run = project.realign(&["report", "first", "--gates", "gates.toml"]).exits(2);
    insta::assert_snapshot!(run.err.trim(), @r"
    error: gates.toml: gate[0].metric: run first has no `adherance`
     hint: it has adherence, trait/blame, trait/brief, trait/offers, trait/team, trait/thanks, consistency, consistency/pressure
    ");
}

/// The small suite with a detector that gives up on responses that begin with `!`, and so many of them.
pub(crate) fn breaking(responses: usize) -> Project {
    let project = Project::new();
    mini::write(&project);
    project.write("trap.wasm", assemble::guest("trap"));
    let suite = project.read("suite.toml");
    let (before, blame) = suite.split_at(suite.find("trait = \"blame\"").expect("a detector"));
    let blame = blame.replacen("plugin = \"trait-lexicon\"", "plugin = \"./trap.wasm\"", 1).replacen(
        "config = { where = \"anywhere\", any = [\"your fault\"], none = [] }",
        "config = {}",
        1,
    );
    project.write("suite.toml", [before, &blame].concat());
    let all = project.read("responses.jsonl");
    let changed = all.lines().enumerate().map(|(place, line)| {
        let start = "\"response\":\"";
        let line =
            if place < responses { line.replacen(start, &format!("{start}! "), 1) } else { line.to_owned() };
        line + "\n"
    });
    project.write("responses.jsonl", changed.collect::<String>());
    project
}

#[test]
fn a_response_that_breaks_a_detector_costs_one_cell_and_every_other_is_scored() {
    let project = breaking(1);
    let document: Value =
        serde_json::from_str(&eval(&project, "first", &["--json"]).exits(11).out).expect("JSON");
    assert_eq!(document["failures"], json!({ "detector/blame: trap": 1 }));
    let scored = |name: &str| {
        let items = document["items"].as_array().expect("items").iter();
        items.filter(|item| item["metric"] == name).count()
    };
    assert_eq!((scored("trait/brief"), scored("trait/blame")), (24, 23));
    project.realign(&["verify", "first"]).exits(0);
}

#[test]
fn a_detector_that_fails_on_more_than_the_suite_allows_ends_the_run_with_20() {
    // 3 of 24 responses, 3 of 120 cells.
    let project = breaking(3);
    let run = eval(&project, "first", &[]).exits(20);
    insta::assert_snapshot!(run.err.trim());
    assert_eq!(eval(&project, "first", &[]).exits(20).err, run.err, "the same again");
    project.write(
        "suite.toml",
        project.read("suite.toml").replace("max_failed_share = 0.01", "max_failed_share = 0.03"),
    );
    eval(&project, "second", &[]).exits(11);
}
