//! A fresh adapter, or the one of a checkpoint.

use std::{collections::BTreeMap, path::Path};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use realign_engine_abi::train::{AdamW, AdapterShape, TrainBegin};

use crate::{
    adapter::{Adapter, Factors, Site, mlx_lm, names::Projection},
    disk::Folder,
    error::{Error, Result},
    llama::config::Config,
    train::{adamw::Moments, moments},
};

/// Highest rank: far above what pays.
const MAX_RANK: u32 = 1024;

/// Where training starts: an adapter, its moments, and the steps that led there.
#[derive(Debug)]
pub struct Start {
    /// The adapter.
    pub adapter: Adapter,
    /// Moments of `A` and `B` of each place.
    pub moments: BTreeMap<Site, [Moments; 2]>,
    /// Steps that the optimiser has taken.
    pub steps: u64,
}

impl Start {
    /// What a request asks for.
    ///
    /// # Errors
    /// A request error naming what does not fit the model or makes no sense; a model error naming what is wrong
    /// with the checkpoint.
    pub fn new(config: &Config, begin: &TrainBegin) -> Result<Self> {
        check(config, begin)?;
        let adapter = initial(config, &begin.adapter, begin.seed)?;
        if let Some(path) = &begin.resume {
            return resume(config, path, &adapter).map_err(|error| error.within(path.display()));
        }
        let zero = |factors: &Factors| [Moments::zero(factors.a.len()), Moments::zero(factors.b.len())];
        let moments = adapter.corrections.iter().map(|(&site, factors)| (site, zero(factors))).collect();
        Ok(Self { adapter, moments, steps: 0 })
    }
}

fn check(config: &Config, begin: &TrainBegin) -> Result<()> {
    let AdapterShape { rank, scale, layers, ref modules } = begin.adapter;
    if !(1..=MAX_RANK).contains(&rank) {
        return Err(Error::request(format!("adapter rank {rank} is not from 1 to {MAX_RANK}")));
    }
    if !(scale.is_finite() && scale > 0.0) {
        return Err(Error::request(format!("adapter scale {scale} is not a positive number")));
    }
    if layers == 0 || layers as usize > config.layers {
        return Err(Error::request(format!("{layers} adapted layers; the model has {}", config.layers))
            .hint("name a number from 1 to the model's layers"));
    }
    if modules.is_empty() {
        return Err(
            Error::request("no modules are adapted").hint("name at least one, such as self_attn.q_proj")
        );
    }
    let AdamW { beta1, beta2, epsilon, weight_decay, clip_norm } = begin.optimiser;
    let decays = [beta1, beta2].iter().all(|beta| (0.0..1.0).contains(beta));
    let positive = epsilon > 0.0 && weight_decay >= 0.0 && clip_norm.is_none_or(|limit| limit > 0.0);
    if !(decays && positive) {
        return Err(Error::request(format!("optimiser settings make no sense: {:?}", begin.optimiser))
            .hint("betas are from 0 to below 1, epsilon and clip_norm above 0, weight_decay from 0 up"));
    }
    Ok(())
}

/// `A` uniform within `+-1/sqrt(inputs)`, `B` zero: the adapted model is the model.
fn initial(config: &Config, shape: &AdapterShape, seed: u64) -> Result<Adapter> {
    let rank = shape.rank as usize;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut projections =
        shape.modules.iter().map(|name| Projection::from_name(name)).collect::<Result<Vec<_>>>()?;
    projections.sort_unstable();
    projections.dedup();
    let mut corrections = BTreeMap::new();
    for block in config.layers - shape.layers as usize..config.layers {
        for &projection in &projections {
            let (inputs, outputs) = projection.shape(config);
            let bound = 1.0 / (inputs as f32).sqrt();
            // 24 bits, each value of the grid equally likely.
            let mut uniform = || ((random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0) * bound;
            let a = (0..inputs * rank).map(|_| uniform()).collect();
            corrections.insert(Site { block, projection }, Factors { a, b: vec![0.0; rank * outputs] });
        }
    }
    Ok(Adapter { rank, scale: shape.scale, corrections })
}

fn resume(config: &Config, path: &Path, fresh: &Adapter) -> Result<Start> {
    let folder = Folder::open(path)?;
    let adapter = mlx_lm::read(&folder, config)?;
    let shape = |adapter: &Adapter| {
        (adapter.rank, adapter.scale.to_bits(), adapter.corrections.keys().copied().collect::<Vec<_>>())
    };
    if shape(&adapter) != shape(fresh) {
        return Err(Error::request(
            "the checkpoint's adapter has another rank, scale or places than asked for",
        )
        .hint("go on with the settings that the checkpoint was made with"));
    }
    let (moments, steps) = moments::read(&folder, &adapter)?;
    Ok(Start { adapter, moments, steps })
}
