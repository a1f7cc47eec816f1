//! An adapter becomes part of the weights, so what is computed with them costs nothing more.

use crate::{
    adapter::{Adapter, Site},
    error::{Error, Result},
    llama::weights::array,
};

/// Adds a correction to the weights `[outputs, inputs]` of its site: `W + scale x (A B)`, transposed.
///
/// # Errors
/// A model error if a number of the result is not finite.
pub fn fold(adapter: &Adapter, site: Site, weights: Vec<f32>) -> Result<Vec<f32>> {
    let Some(factors) = adapter.corrections.get(&site) else { return Ok(weights) };
    let rank = adapter.rank;
    let (inputs, outputs) = (factors.a.len() / rank, factors.b.len() / rank);
    let a = array(&factors.a, &[inputs, rank])?;
    let b = array(&factors.b, &[rank, outputs])?;
    let correction = b.t().matmul(a.t())?.multiply(array(&[adapter.scale], &[1])?)?;
    let folded = array(&weights, &[outputs, inputs])?.add(correction)?;
    let folded = folded.try_as_slice::<f32>()?.to_vec();
    if folded.iter().any(|number| !number.is_finite()) {
        return Err(Error::model(format!("the adapter makes weights of {site} that are not finite"))
            .hint("lower its factor, or take an earlier checkpoint"));
    }
    Ok(folded)
}
