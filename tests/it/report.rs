//! Stored runs shown again, and as pages.

use crate::support::{Project, mini};

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
    let document: serde_json::Value = serde_json::from_str(&json.out).expect("one JSON document");
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
