//! The loops in Rust and their twins in MLX operations compute the same thing.

use mlx_rs::{Array, error::Exception, transforms::value_and_grad};
use realign_engine_mlx::{
    checkpoint::Checkpoint,
    error::{Error, Result},
    llama::{attention::Kernels, cache::Cache, layout::Row},
    raw::{
        self,
        custom::{Operation, apply, take_failure},
    },
};

use crate::support::{File, on_disk, tokens};

/// Logits of every token of two passes: ragged rows with branches, then one more token per row.
fn logits(kernels: Kernels) -> Vec<f32> {
    let file = on_disk(&File::tiny().bytes());
    let model = Checkpoint::open(file.path()).unwrap().load(&[], kernels, &mut |_, _| true).unwrap();
    let mut cache = Cache::new(&model.config, 2, 24).unwrap();
    let (long, short, branch, next) = (tokens(1, 11), tokens(2, 4), tokens(3, 3), tokens(4, 2));
    let mut all = Vec::new();
    for rows in [
        [Row { trunk: &long, branches: vec![&branch, &next] }, Row::trunk(&short)],
        [Row::trunk(&next[..1]), Row::trunk(&next)],
    ] {
        let hidden = model.forward(&rows, &mut cache).unwrap();
        let wanted: Vec<usize> = (0..rows.iter().map(Row::len).sum()).collect();
        all.extend(model.logits(&hidden, &wanted).unwrap().try_as_slice::<f32>().unwrap());
    }
    all
}

#[test]
fn host_loops_and_mlx_operations_agree() {
    raw::prepare().unwrap();
    let (host, mlx) = (logits(Kernels::Host), logits(Kernels::Mlx));
    assert_eq!(host.len(), mlx.len());
    let worst = host.iter().zip(&mlx).map(|(host, mlx)| (host - mlx).abs()).fold(0.0, f32::max);
    let size = host.iter().fold(0.0_f32, |size, logit| size.max(logit.abs()));
    assert!(worst < 1e-5 * size, "{worst} of {size}");
}

/// Computes, but has no gradient.
struct Forward;

impl Operation for Forward {
    fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        Ok(vec![inputs[0].clone()])
    }

    fn backward(&self, _: &[Array], _: &[Array], _: &[Array]) -> Result<Vec<Option<Array>>> {
        Err(Error::request("the gradient is not there"))
    }
}

/// Does not even compute.
struct Panics;

impl Operation for Panics {
    fn forward(&self, _: &[Array]) -> Result<Vec<Array>> {
        panic!("on purpose")
    }

    fn backward(&self, _: &[Array], _: &[Array], _: &[Array]) -> Result<Vec<Option<Array>>> {
        panic!("on purpose")
    }
}

#[test]
fn an_operation_that_fails_says_why_whether_forward_or_backward() {
    raw::prepare().unwrap();
    let one = || Array::from_f32(1.0);
    let forward = apply(Panics, &[one()]).unwrap_err();
    insta::assert_snapshot!(forward, @"an operation of the engine panicked");
    let through =
        |inputs: &[Array]| apply(Forward, inputs).map_err(|error| Exception::custom(error.to_string()));
    assert!(value_and_grad(through)(&[one()]).is_err());
    insta::assert_snapshot!(take_failure().unwrap(), @"the gradient is not there");
    assert_eq!(take_failure(), None, "an error is told once");
}
