//! Adapters multiplied and put together; what they do to the weights is added.

use crate::{
    adapter::{Adapter, Factors, MAX_RANK, Site},
    error::{Error, Result},
    llama::config::Config,
};

/// Multiplies what an adapter does by a factor. The second factors change and the scale stays, so the file says
/// the same in every format.
///
/// # Errors
/// A request error if the factor is not a finite number.
pub fn scaled(mut adapter: Adapter, factor: f32) -> Result<Adapter> {
    if !factor.is_finite() {
        return Err(Error::request(format!("adapter factor {factor} is not a finite number")));
    }
    for number in adapter.corrections.values_mut().flat_map(|factors| &mut factors.b) {
        *number *= factor;
    }
    Ok(adapter)
}

/// One adapter that does what all of them do. Its rank is the sum of theirs, its scale that of the first.
///
/// # Errors
/// A request error if there is none or the ranks add up to too much.
pub fn joined(adapters: &[Adapter], config: &Config) -> Result<Adapter> {
    let first =
        adapters.first().ok_or_else(|| Error::request("no adapter is named").hint("name at least one"))?;
    if adapters.len() == 1 {
        return Ok(first.clone());
    }
    let rank = adapters.iter().map(|adapter| adapter.rank).sum();
    if rank as u64 > MAX_RANK {
        return Err(Error::request(format!("the ranks add up to {rank}; the limit is {MAX_RANK}")));
    }
    let sites = adapters.iter().flat_map(|adapter| adapter.corrections.keys().copied());
    let corrections = sites.map(|site| (site, side_by_side(adapters, site, first.scale, config)));
    Ok(Adapter { rank, scale: first.scale, corrections: corrections.collect() })
}

/// `A` beside `A`, `B` under `B`; zeros where an adapter leaves the site alone.
fn side_by_side(adapters: &[Adapter], site: Site, scale: f32, config: &Config) -> Factors {
    let (inputs, outputs) = site.projection.shape(config);
    let mut joined = Factors { a: Vec::new(), b: Vec::new() };
    for input in 0..inputs {
        for adapter in adapters {
            match adapter.corrections.get(&site) {
                Some(factors) => {
                    joined.a.extend_from_slice(&factors.a[input * adapter.rank..][..adapter.rank]);
                }
                None => joined.a.resize(joined.a.len() + adapter.rank, 0.0),
            }
        }
    }
    for adapter in adapters {
        match adapter.corrections.get(&site) {
            Some(factors) => joined.b.extend(factors.b.iter().map(|number| number * (adapter.scale / scale))),
            None => joined.b.resize(joined.b.len() + adapter.rank * outputs, 0.0),
        }
    }
    joined
}
