use std::{env, fs, process::Command};

use super::*;

/// Compiles the fixture into `folder` and opens it.
fn open(folder: &tempfile::TempDir, fault: &str) -> Result<EngineLibrary, EngineError> {
    let (source, library) = (folder.path().join("fixture.rs"), folder.path().join("libfixture.so"));
    fs::write(&source, include_str!("fixture.rs")).unwrap();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=cdylib", "--cap-lints=allow", "-Cpanic=abort"])
        .arg(format!("--cfg=fault=\"{fault}\""))
        .arg("-o")
        .args([&library, &source])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    EngineLibrary::open(&library)
}

fn version(reply: Reply) -> String {
    match reply {
        Reply::Engine(info) => info.version,
        other => panic!("not a description: {other:?}"),
    }
}

#[test]
fn a_library_is_called_again_and_again_and_gets_every_buffer_back() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(&folder, "none").unwrap();
    let mut engine = library.create(&EngineOptions {}).unwrap();
    let mut seen = Vec::new();
    let reply = engine.call(&Request::Info, &mut |event| {
        seen.push(event);
        Flow::Continue
    });
    assert_eq!(version(reply), "call 1, 1 buffers out");
    assert_eq!(seen, [0, 1, 2].map(|done| Event::Progress { done, total: 3 }));
    assert_eq!(version(engine.call(&Request::Info, &mut |_| Flow::Continue)), "call 2, 1 buffers out");
}

#[test]
fn an_event_can_stop_a_call_and_a_panic_in_the_callback_does_not_cross() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(&folder, "none").unwrap();
    let mut engine = library.create(&EngineOptions {}).unwrap();
    let mut seen = 0;
    let reply = engine.call(&Request::Info, &mut |_| {
        seen += 1;
        if seen == 2 { Flow::Stop } else { Flow::Continue }
    });
    assert_eq!(seen, 2);
    assert!(matches!(reply, Reply::Error(error) if error.message == "stopped"));
    let reply = engine.call(&Request::Info, &mut |_| panic!("in the callback"));
    assert!(matches!(reply, Reply::Error(error) if error.message == "stopped"));
}

#[test]
fn libraries_that_break_the_contract_are_refused_with_the_reason() {
    // A folder each: the loader knows a library by its path.
    let reason = |fault: &str| {
        let error = open(&tempfile::tempdir().unwrap(), fault).unwrap_err();
        error.message.split_once(": ").unwrap().1.to_owned()
    };
    insta::assert_snapshot!(reason("version"), @"it speaks version 99 of the interface, not 4");
    assert!(reason("symbol").contains("realign_engine_call"));
}

#[test]
fn an_engine_that_is_not_made_says_why() {
    for (fault, why) in
        [("refuses", "no accelerator"), ("silent", "the engine library's reply is unreadable")]
    {
        let folder = tempfile::tempdir().unwrap();
        let library = open(&folder, fault).unwrap();
        let error = library.create(&EngineOptions {}).unwrap_err();
        assert!(error.message.starts_with(why), "{error}");
    }
}

#[test]
fn a_reply_that_is_no_message_is_an_internal_error() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(&folder, "garbage").unwrap();
    let reply = library.create(&EngineOptions {}).unwrap().call(&Request::Info, &mut |_| Flow::Continue);
    assert!(matches!(reply, Reply::Error(error) if error.kind == ErrorKind::Internal));
}

#[test]
fn a_relative_path_is_refused() {
    let error = EngineLibrary::open(Path::new("engine.so")).unwrap_err();
    insta::assert_snapshot!(error.message, @"cannot use engine library engine.so: the path is not absolute");
}

#[test]
fn a_file_that_is_not_a_library_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = EngineLibrary::open(file.path()).unwrap_err();
    assert!(error.message.starts_with("cannot use engine library /"), "{error}");
    assert!(error.hint.contains("cargo xtask engine"));
}
