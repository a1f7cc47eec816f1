use std::fs;

use realign_plugin::testing::{self, Mismatch};

use super::*;

#[test]
fn cases_hold() -> Result<(), Mismatch> {
    testing::benchmark::<NumericAnswer>(include_str!("../cases.toml"))
}

/// Real answers of four models to GSM8K's 1,319 test problems, with the verdicts that their authors published. Skipped where
/// the file is not there.
#[test]
fn published_verdicts_of_four_models_are_reproduced() {
    let file = std::env::var_os("REALIGN_SHARED")
        .map(|shared| std::path::Path::new(&shared).join("data/gsm8k/model_solutions.jsonl"));
    let Some(text) = file.and_then(|file| fs::read_to_string(file).ok()) else { return };
    let (mut compared, mut differ) = (0, 0);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let right = final_number(row["ground_truth"].as_str().expect("an answer"));
        for (_, answer) in row.as_object().expect("an object").iter().filter(|(_, value)| value.is_object()) {
            let found = final_number(answer["solution"].as_str().expect("a solution"));
            differ += usize::from((found == right) != answer["is_correct"].as_bool().expect("a verdict"));
            compared += 1;
        }
    }
    assert_eq!((compared, differ), (4 * 1319, 0));
}
