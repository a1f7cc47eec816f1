use std::fs;

use serde_json::json;

use super::*;
use crate::{
    exit::Exit,
    ids::Digest,
    model::{ChatMessage, Finish, Outcome, Sample},
};

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/runs.db");
    (folder, path)
}

fn run(name: &str, plan: u32) -> NewRun {
    NewRun { name: name.to_owned(), plan: json!({ "plan": plan }), identity: json!({ "subject": {} }) }
}

fn sample(id: &str, response: &str) -> Sample {
    Sample {
        id: id.to_owned(),
        family: "family".to_owned(),
        kind: "plain".to_owned(),
        prompt: vec![ChatMessage { role: "user".to_owned(), content: "hello".to_owned() }],
        response: response.to_owned(),
        finish: Finish::End,
    }
}

fn cell(evaluator: &str, reason: &str) -> CellRecord {
    CellRecord {
        evaluator: evaluator.to_owned(),
        sample: "a".to_owned(),
        outcome: Outcome::NotApplicable(reason.to_owned()),
    }
}

/// The message with the path of the store replaced.
fn message(error: &Error, path: &Path) -> String {
    error.to_string().replace(&path.display().to_string(), "FILE")
}

#[test]
fn what_is_written_is_read_by_the_next_process() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    let (id, begun) = store.begin_run(&run("first", 1)).unwrap();
    assert_eq!(begun, Begun::New);
    store.put_samples(&id, &[sample("b", "two"), sample("a", "one")]).unwrap();
    store.put_cells(&id, &[cell("style", "x"), cell("detector", "y")]).unwrap();
    store.put_record(&id, &(0.1 + 0.2)).unwrap();
    store.append_event(&id, &"planned").unwrap();
    store.append_event(&id, &"scored").unwrap();
    store.put_batch(&Digest::of(b"key"), "payload").unwrap();
    store.finish_run(&id).unwrap();
    drop(store);

    let store = Store::open_existing(&path).unwrap();
    let record = store.find_run("first").unwrap();
    assert_eq!((record.state, record.plan), (RunState::Finished, json!({ "plan": 1 })));
    assert_eq!(store.samples(&id).unwrap(), [sample("a", "one"), sample("b", "two")]);
    assert_eq!(store.cells(&id).unwrap(), [cell("detector", "y"), cell("style", "x")]);
    let record: f64 = store.record_of(&id).unwrap().unwrap();
    assert_eq!(record.to_bits(), (0.1_f64 + 0.2).to_bits());
    assert_eq!(store.events::<String>(&id).unwrap(), ["planned", "scored"]);
    assert_eq!(store.get_batch(&Digest::of(b"key")).unwrap().as_deref(), Some("payload"));
    assert_eq!(store.get_batch(&Digest::of(b"other")).unwrap(), None);
}

#[test]
fn the_id_is_a_function_of_plan_and_name_on_every_machine() {
    let ids = [1, 2].map(|_| {
        let (_folder, path) = place();
        Store::open(&path).unwrap().begin_run(&run("first", 1)).unwrap().0
    });
    assert_eq!(ids[0], ids[1]);
    insta::assert_snapshot!(ids[0], @"b7a604f67656");
}

#[test]
fn an_interrupted_run_is_resumed_and_a_finished_one_recognised() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    let (id, _) = store.begin_run(&run("first", 1)).unwrap();
    assert_eq!(store.begin_run(&run("first", 1)).unwrap(), (id.clone(), Begun::Resumed));
    store.finish_run(&id).unwrap();
    assert_eq!(store.begin_run(&run("first", 1)).unwrap(), (id, Begun::Finished));
}

#[test]
fn a_name_does_not_change_its_plan() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    store.begin_run(&run("first", 1)).unwrap();
    let error = store.begin_run(&run("first", 2)).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    insta::assert_snapshot!(error, @r#"run "first" exists with another plan (4c8d160f557b)"#);
    insta::assert_snapshot!(error.advice().unwrap(), @"choose another --name, or another --store");
}

#[test]
fn a_run_under_way_may_be_written_again_and_a_finished_one_only_with_the_same_bytes() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    let (id, _) = store.begin_run(&run("first", 1)).unwrap();
    store.put_cells(&id, &[cell("style", "x")]).unwrap();
    store.put_samples(&id, &[sample("a", "draft")]).unwrap();
    store.put_samples(&id, &[sample("a", "one")]).unwrap();
    store.finish_run(&id).unwrap();
    store.put_samples(&id, &[sample("a", "one")]).unwrap();
    store.put_cells(&id, &[cell("style", "x")]).unwrap();
    for error in [
        store.put_samples(&id, &[sample("a", "other")]).unwrap_err(),
        store.put_samples(&id, &[sample("new", "one")]).unwrap_err(),
        store.put_record(&id, &"late").unwrap_err(),
    ] {
        assert_eq!(error.exit(), Exit::BadInput);
        assert!(error.to_string().contains("is finished"), "{error}");
    }
    let error = store.put_cells(&id, &[cell("style", "other")]).unwrap_err();
    insta::assert_snapshot!(error, @r#"run b7a604f67656 is finished and its cell "a" of style is not what was computed now"#);
    assert_eq!(store.samples(&id).unwrap(), [sample("a", "one")]);
}

#[test]
fn a_call_that_fails_half_way_writes_nothing() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    let (id, _) = store.begin_run(&run("first", 1)).unwrap();
    store
        .connection
        .execute_batch("CREATE TEMP TRIGGER fails BEFORE INSERT ON samples WHEN NEW.id = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    assert!(store.put_samples(&id, &[sample("a", "one"), sample("b", "two")]).is_err());
    assert!(store.samples(&id).unwrap().is_empty());
}

#[test]
fn events_cannot_be_changed_or_removed() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    let (id, _) = store.begin_run(&run("first", 1)).unwrap();
    store.append_event(&id, &1).unwrap();
    assert!(store.connection.execute("UPDATE events SET json = '2'", []).is_err());
    assert!(store.connection.execute("DELETE FROM events", []).is_err());
    assert_eq!(store.events::<u32>(&id).unwrap(), [1]);
}

#[test]
fn runs_are_found_by_name_id_beginning_of_an_id_and_file() {
    let (folder, path) = place();
    let store = Store::open(&path).unwrap();
    let (id, _) = store.begin_run(&run("first", 1)).unwrap();
    let file = path.to_str().unwrap();
    let elsewhere = folder.path().join("none.db");
    assert_eq!(store.find_run(id.as_str()).unwrap().id, id);
    assert_eq!(store.find_run(&id.as_str()[..4]).unwrap().id, id);
    assert_eq!(Store::locate("first", &path).unwrap().1.id, id);
    assert_eq!(Store::locate(file, &elsewhere).unwrap().1.id, id);
    let (second, _) = store.begin_run(&run("second", 1)).unwrap();
    assert_eq!(Store::locate(&format!("{file}#second"), &elsewhere).unwrap().1.id, second);
    let error = Store::locate(file, &elsewhere).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"FILE holds 2 runs, not one");
    insta::assert_snapshot!(message(&store.find_run("third").unwrap_err(), &path), @r#"no run "third" in FILE"#);
    insta::assert_snapshot!(message(&Store::locate("third", &elsewhere).unwrap_err(), &elsewhere), @"no run store at FILE");
    assert_eq!(store.list_runs().unwrap().len(), 2);
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_alone() {
    let (folder, path) = place();
    let text = folder.path().join("text");
    fs::write(&text, "this is not a database, and it is long enough to have a header").unwrap();
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&foreign).unwrap();
    Store::open(&path).unwrap().connection.pragma_update(None, "user_version", 99).unwrap();
    for (file, newer) in [(&text, false), (&foreign, false), (&path, true)] {
        let error = Store::open(file).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
        assert_eq!(error.to_string().contains("has format 99, this realign knows 1"), newer, "{error}");
    }
    assert_eq!(fs::read(&foreign).unwrap(), before);
}

#[test]
fn a_store_that_is_missing_is_not_made_by_reading() {
    let (_folder, path) = place();
    let error = Store::open_existing(&path).unwrap_err();
    assert_eq!(error.exit(), Exit::BadInput);
    assert!(!path.exists());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (folder, _) = place();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(Store::open(&file.join("runs.db")).unwrap_err().exit(), Exit::Unwritable);
    assert_eq!(Store::open(folder.path()).unwrap_err().exit(), Exit::Unwritable);
}

#[test]
fn a_full_disk_is_an_error_of_its_own_and_loses_nothing() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    store.put_batch(&Digest::of(b"small"), "kept").unwrap();
    // SQLite reports a file at its largest allowed size as a full disk.
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let error = store.put_batch(&Digest::of(b"large"), &"x".repeat(1 << 20)).unwrap_err();
    assert_eq!(error.exit(), Exit::Unwritable);
    insta::assert_snapshot!(message(&error, &path), @"cannot write FILE: the disk is full");
    assert_eq!(store.get_batch(&Digest::of(b"small")).unwrap().as_deref(), Some("kept"));
}

#[test]
fn a_store_that_another_process_is_writing_to_is_an_error_after_some_patience() {
    let (_folder, path) = place();
    let (store, other) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    store.connection.busy_timeout(Duration::ZERO).unwrap();
    other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.begin_run(&run("first", 1)).unwrap_err();
    assert_eq!(error.exit(), Exit::Unwritable);
    insta::assert_snapshot!(message(&error, &path), @"cannot write FILE: another process is writing to it");
    other.connection.execute_batch("COMMIT").unwrap();
    store.begin_run(&run("first", 1)).unwrap();
}
