use super::*;

#[test]
fn a_stream_is_part_of_the_contract() {
    let mut rng = replicate_rng(9, 5);
    let drawn: Vec<usize> = (0..8).map(|_| below(&mut rng, 100)).collect();
    assert_eq!(drawn, [57, 81, 5, 36, 46, 63, 26, 60]);
    assert_ne!(below(&mut replicate_rng(10, 5), usize::MAX), below(&mut replicate_rng(9, 5), usize::MAX));
}

#[test]
fn quantiles_lie_between_neighbours() {
    let sorted = [1.0, 2.0, 4.0, 8.0];
    for (p, expected) in [(-1.0, 1.0), (0.0, 1.0), (0.5, 3.0), (0.75, 5.0), (1.0, 8.0), (2.0, 8.0)] {
        assert!((at(&sorted, p) - expected).abs() < 1e-12, "{p}");
    }
}
