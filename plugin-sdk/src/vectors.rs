//! Texts as vectors of rates: centres, clipped z-scores and angles, for scorers that compare a text with two voices.
//!
//! All vectors of one scorer have the same length. Sums run in the order of the components, so results are the same on every
//! machine.

/// Mean of each component; `vectors` is not empty.
#[must_use]
pub fn centre(vectors: &[Vec<f64>]) -> Vec<f64> {
    let count = vectors.len() as f64;
    (0..vectors[0].len()).map(|i| vectors.iter().map(|vector| vector[i]).sum::<f64>() / count).collect()
}

/// Population standard deviation of each component around its mean.
#[must_use]
pub fn deviation(vectors: &[Vec<f64>], mean: &[f64]) -> Vec<f64> {
    let squares =
        |(i, mean): (usize, &f64)| vectors.iter().map(|vector| (vector[i] - mean).powi(2)).sum::<f64>();
    mean.iter().enumerate().map(|component| (squares(component) / vectors.len() as f64).sqrt()).collect()
}

/// Z-scores, clipped at `clip` so that one odd rate in a short text does not drown the rest. A component that never varied
/// counts for nothing.
#[must_use]
pub fn z_scores(vector: &[f64], mean: &[f64], deviation: &[f64], clip: f64) -> Vec<f64> {
    let z = |((value, mean), deviation): ((&f64, &f64), &f64)| {
        // Rounding leaves a hair of deviation on a constant component; dividing by it would make noise of it.
        if *deviation > 1e-12 { ((value - mean) / deviation).clamp(-clip, clip) } else { 0.0 }
    };
    vector.iter().zip(mean).zip(deviation).map(z).collect()
}

/// Cosine of the angle between two vectors; 0 where one of them has no direction.
#[must_use]
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { (dot(a, b) / norms).clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_of_parallel_opposite_and_empty_vectors() {
        assert!((cosine(&[1.0, 2.0], &[2.0, 4.0]) - 1.0).abs() < 1e-12);
        assert!((cosine(&[1.0, 2.0], &[-1.0, -2.0]) + 1.0).abs() < 1e-12);
        assert!(cosine(&[0.0, 0.0], &[1.0, 2.0]).abs() < f64::EPSILON);
    }

    #[test]
    fn z_scores_are_clipped_and_constants_count_for_nothing() {
        let vectors = [vec![1.0, 5.0], vec![3.0, 5.0]];
        let mean = centre(&vectors);
        let spread = deviation(&vectors, &mean);
        assert_eq!((mean.as_slice(), spread.as_slice()), ([2.0, 5.0].as_slice(), [1.0, 0.0].as_slice()));
        assert_eq!(z_scores(&[3.0, 9.0], &mean, &spread, 3.0), [1.0, 0.0]);
        assert_eq!(z_scores(&[99.0, 5.0], &mean, &spread, 3.0), [3.0, 0.0]);
    }
}
