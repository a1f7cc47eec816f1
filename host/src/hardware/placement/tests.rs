use proptest::prelude::*;

use super::*;
use crate::{
    exit::Exit,
    hardware::samples::{other, small},
};

const GIB: u64 = 1 << 30;

fn job(task: Task) -> Job {
    Job { task, tokens: 1_000_000, parameters: None, link: GIGABIT }
}

fn candidates(calibrations: &[Calibration]) -> Vec<Candidate<'_>> {
    const NAMES: [&str; 4] = ["one.json", "two.json", "three.json", "four.json"];
    NAMES.iter().zip(calibrations).map(|(name, calibration)| Candidate { name, calibration }).collect()
}

fn placed(job: &Job, calibrations: &[Calibration]) -> Placement {
    place(job, &candidates(calibrations)).unwrap()
}

#[test]
fn scoring_is_split_in_proportion_and_all_machines_finish_together() {
    let plan = placed(&job(Task::Score), &[small(), other("Fast", 3.0, 20 * GIB)]);
    assert_eq!(plan.placement, Kind::Separate);
    assert_eq!(plan.machines.iter().map(|share| share.tokens).collect::<Vec<_>>(), [250_000, 750_000]);
    // 750 000 tokens at 3 x 380 tokens per second.
    assert!((plan.finish.seconds - 657.89).abs() < 0.01, "{:?}", plan.finish);
    assert!((plan.finish.high.unwrap() - 657.89 / 0.9).abs() < 0.1, "{:?}", plan.finish);
}

#[test]
fn a_machine_whose_memory_the_model_does_not_fit_gets_no_work() {
    let plan = placed(&job(Task::Score), &[small(), other("Fast", 3.0, GIB)]);
    assert_eq!(plan.machines[1].tokens, 0);
    assert_eq!(plan.machines[1].note.as_deref(), Some("the model does not fit its memory"));
    assert_eq!(plan.machines[0].tokens, 1_000_000);
}

#[test]
fn where_fewer_workers_fit_their_own_rate_counts() {
    // 0.6 x 3 GiB hold one worker of 1 GiB.
    let plan = placed(&job(Task::Score), &[other("Tight", 1.0, 3 * GIB)]);
    assert_eq!((plan.machines[0].workers, plan.machines[0].rate.mean), (1, 200.0));
}

#[test]
fn a_model_of_twice_the_size_is_half_as_fast_and_twice_as_large() {
    let parameters = Some(2 * small().model.parameters);
    let plan = placed(&Job { parameters, ..job(Task::Score) }, &[small()]);
    assert_eq!((plan.machines[0].rate.mean, plan.machines[0].needed_bytes), (190.0, 2 * GIB));
}

#[test]
fn training_on_one_machine_is_sharded_over_its_workers() {
    let plan = placed(&job(Task::Train), &[small()]);
    assert_eq!((plan.placement, plan.machines[0].workers), (Kind::Sharded, 2));
    // 977 steps of 1 024 tokens, each with an exchange of 2 x 9.77 MB over the loopback device.
    let expected = 1e6 / 160.0 + 977.0 * 2.0 * 4.0 * 2_442_240.0 / LOOPBACK;
    assert!((plan.finish.seconds - expected).abs() < 1e-6, "{:?}", plan.finish);
}

#[test]
fn training_over_a_slow_link_stays_on_the_fastest_machine() {
    let machines = [small(), other("Fast", 2.0, 20 * GIB)];
    let near = placed(&job(Task::Train), &machines);
    assert_eq!((near.placement, near.machines[0].tokens > 0), (Kind::Sharded, true));
    let far = placed(&Job { link: GIGABIT / 100.0, ..job(Task::Train) }, &machines);
    assert_eq!((far.placement, far.machines[1].workers), (Kind::Sharded, 2));
    assert_eq!((far.machines[0].tokens, far.machines[0].note.as_deref()), (0, Some("free for other jobs")));
}

#[test]
fn a_second_worker_that_brings_nothing_leaves_training_to_one() {
    let mut machine = small();
    machine.train.workers.points[1].rate = machine.train.workers.points[0].rate;
    let plan = placed(&job(Task::Train), &[machine]);
    let share = &plan.machines[0];
    assert_eq!((plan.placement, share.workers, share.rate.mean), (Kind::Separate, 1, 100.0));
}

#[test]
fn a_model_that_fits_nowhere_is_refused_with_what_it_needs() {
    let huge = Job { parameters: Some(70_000_000_000), ..job(Task::Train) };
    let error = place(&huge, &candidates(&[small()])).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    insta::assert_snapshot!(error, @"no machine has memory for train with 70000000000 parameters: a worker needs 558.8 GB, the most that workers may use is 12.9 GB");
}

#[test]
fn machines_that_were_measured_with_different_models_are_not_compared() {
    let mut second = small();
    (second.model.digest, second.model.name) = ("other".into(), "other.gguf".into());
    let error = place(&job(Task::Score), &candidates(&[small(), second])).unwrap_err();
    assert_eq!(error.exit(), Exit::BadInput);
    insta::assert_snapshot!(error, @"machines one.json and two.json were measured with different models: smollm2 and other.gguf");
}

#[test]
fn no_machine_is_no_plan() {
    assert_eq!(place(&job(Task::Score), &[]).unwrap_err().to_string(), "no machine is named");
}

prop_compose! {
    fn some_machines()(machines in prop::collection::vec((0.1_f64..50.0, 0_u64..40), 1..5)) -> Vec<Calibration> {
        machines.into_iter().map(|(factor, gib)| other("Some", factor, gib * GIB)).collect()
    }
}

proptest! {
    #[test]
    fn everything_is_given_out_and_nothing_to_a_machine_that_it_does_not_fit(
        machines in some_machines(),
        task in prop_oneof![Just(Task::Score), Just(Task::Generate), Just(Task::Train)],
        tokens in 1_u64..1_000_000_000,
        size in 1_u64..40,
        link in 1e4_f64..1e10,
    ) {
        let parameters = Some(size * 134_515_008);
        let Ok(plan) = place(&Job { task, tokens, parameters, link }, &candidates(&machines)) else {
            return Ok(());
        };
        prop_assert_eq!(plan.machines.iter().map(|share| share.tokens).sum::<u64>(), tokens);
        for share in &plan.machines {
            prop_assert!(share.tokens == 0 || share.needed_bytes * share.workers as u64 <= share.memory_bytes.unwrap());
            prop_assert!(share.tokens == 0 || share.workers > 0);
        }
        prop_assert!(plan.finish.low <= plan.finish.seconds && plan.finish.seconds <= plan.finish.high.unwrap());
    }

    #[test]
    fn a_faster_machine_never_gets_less(machines in some_machines(), tokens in 1_u64..1_000_000) {
        let Ok(plan) = place(&Job { tokens, ..job(Task::Score) }, &candidates(&machines)) else {
            return Ok(());
        };
        for a in plan.machines.iter().filter(|share| share.workers > 0) {
            for b in plan.machines.iter().filter(|share| share.workers > 0) {
                prop_assert!(a.rate.mean <= b.rate.mean || a.tokens >= b.tokens);
            }
        }
    }
}
