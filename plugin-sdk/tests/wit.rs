//! The SDK's copy of the contract is the contract.

use std::{collections::BTreeMap, fs, path::Path};

fn files(folder: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path());
    let wit = entries.filter(|path| path.extension().is_some_and(|extension| extension == "wit"));
    wit.map(|path| {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("it is text"))
    })
    .collect()
}

#[test]
fn copy_of_the_contract_is_equal_to_the_contract() {
    let contract = files("../wit");
    assert!(!contract.is_empty());
    assert_eq!(files("wit"), contract, "copy wit/*.wit of the workspace to plugin-sdk/wit");
}
