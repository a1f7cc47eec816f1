//! Adapter folders: what is written can be read, and what does not fit the model is refused by name.

use realign_engine_mlx::{
    adapter::{Adapter, mlx_lm, names::Projection},
    disk::Folder,
};

use crate::support::{adapter, config};

const BOTH: [Projection; 2] = [Projection::Query, Projection::Down];

#[test]
fn an_mlx_lm_folder_holds_exactly_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let written = adapter(5, &[1], &BOTH);
    mlx_lm::write(folder.path(), &written, config().layers).unwrap();
    let read: Adapter = mlx_lm::read(&Folder::open(folder.path()).unwrap(), &config()).unwrap();
    assert_eq!(read, written);
    let text = std::fs::read_to_string(folder.path().join("adapter_config.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(about["num_layers"], 1, "the last block alone is adapted");
}
