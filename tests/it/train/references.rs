//! What the reference says of a pair is measured in the step that first sees it, through the binary.

use std::fs;

use super::{PREFERENCE, adapter, losses, real, train};
use crate::support::Project;

fn ended(project: &Project, output: &str, ranks: &str) {
    let run = train(project, "preference", output).args(["--ranks", ranks]).output().expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn references_that_were_lost_are_measured_again_to_the_bit() {
    let Some(project) = real(&format!("{PREFERENCE}\n[checkpoint]\nevery = 1\nkeep = 20\n")) else { return };
    for ranks in ["1", "2"] {
        let output = format!("run-{ranks}");
        ended(&project, &output, ranks);
        let whole = adapter(&project, &output);
        let steps = losses(&project, &output).len();
        // Back into the second epoch, whose pairs were all seen in the first.
        for step in steps * 3 / 4 + 1..=steps {
            fs::remove_dir_all(project.path(&format!("{output}/checkpoint-{step:07}"))).expect("it is there");
        }
        fs::remove_dir_all(project.path(&format!("{output}/adapter"))).expect("it is there");
        fs::remove_file(project.path(&format!("{output}/cache.db"))).expect("it is there");
        ended(&project, &output, ranks);
        assert_eq!(adapter(&project, &output), whole);
    }
}
