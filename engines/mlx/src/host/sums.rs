//! Sums in eight lanes: the compiler can vectorise them, and their order is fixed.

vectorised! {
    /// The sum of numbers.
    #[must_use]
    pub fn sum(numbers: &[f32]) -> f32 {
        let mut lanes = [0.0_f32; 8];
        let chunks = numbers.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, number) in lanes.iter_mut().zip(chunk) {
                *lane += number;
            }
        }
        lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
    }

    /// The sum of products of two rows of one length.
    #[must_use]
    pub fn dot(left: &[f32], right: &[f32]) -> f32 {
        let mut lanes = [0.0_f32; 8];
        let (lefts, rights) = (left.chunks_exact(8), right.chunks_exact(8));
        let rest = lefts.remainder().iter().zip(rights.remainder());
        let rest: f32 = rest.map(|(left, right)| left * right).sum();
        for (left, right) in lefts.zip(rights) {
            for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
                *lane += left * right;
            }
        }
        lanes.iter().sum::<f32>() + rest
    }
}
