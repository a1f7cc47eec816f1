//! Low-rank adapters outside the model: read, written, scaled and joined.
//!
//! An adapted projection computes `x W + scale x (x A) B` (Hu et al. 2021) with `A` of shape `[inputs, rank]` and
//! `B` of shape `[rank, outputs]`. This is the order of mlx-lm; PEFT stores both transposed.
//!
//! - [`names`]: what projections are called on disk
//! - [`mlx_lm`] and [`peft`]: the two formats, told apart by their file names
//! - [`fold`]: into the weights of a model
//! - [`join`]: scaled, and several into one
//!
//! The files are untrusted: what does not fit the model or would change the numbers is refused by name.

pub mod fold;
pub mod join;
pub mod mlx_lm;
pub mod names;
pub mod peft;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use mlx_rs::Array;
use realign_engine_abi::message::AdapterFile;

use crate::{
    adapter::names::Projection,
    disk::{Folder, object::Object},
    error::{Error, Result},
    llama::{config::Config, correction::Corrections, weights::array},
    tensor_file::TensorFile,
};

/// Name of the configuration in both formats.
const CONFIG: &str = "adapter_config.json";
/// Highest rank: far above what pays.
pub const MAX_RANK: u64 = 4096;
/// Scales that make sense; 0 would be an adapter that does nothing.
const SCALES: RangeInclusive<f64> = 1e-6..=1e6;

/// An adapter in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// Rank of every correction.
    pub rank: usize,
    /// Multiplies every correction.
    pub scale: f32,
    /// The corrections by place.
    pub corrections: BTreeMap<Site, Factors>,
}

/// A projection of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The block, from 0.
    pub block: usize,
    /// The projection within it.
    pub projection: Projection,
}

/// The two factors of a correction, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// `[inputs, rank]`.
    pub a: Vec<f32>,
    /// `[rank, outputs]`.
    pub b: Vec<f32>,
}

impl Adapter {
    /// The blocks that are adapted, in order.
    #[must_use]
    pub fn blocks(&self) -> BTreeSet<usize> {
        self.corrections.keys().map(|site| site.block).collect()
    }

    /// The projections that are adapted in some block, in order.
    #[must_use]
    pub fn projections(&self) -> BTreeSet<Projection> {
        self.corrections.keys().map(|site| site.projection).collect()
    }

    /// Both factors of each correction as arrays, `A [inputs, rank]` and `B [rank, outputs]`, in the order of the sites.
    ///
    /// # Errors
    /// A request error if an array is too large for MLX.
    pub fn arrays(&self) -> Result<Vec<(Site, [Array; 2])>> {
        let rank = self.rank;
        let pair = |(&site, factors): (&Site, &Factors)| {
            let a = array(&factors.a, &[factors.a.len() / rank, rank])?;
            let b = array(&factors.b, &[rank, factors.b.len() / rank])?;
            Ok((site, [a, b]))
        };
        self.corrections.iter().map(pair).collect()
    }

    /// What a forward pass adds, multiplied by `factor`.
    ///
    /// # Errors
    /// As [`Self::arrays`].
    pub fn corrections(&self, factor: f32) -> Result<Corrections> {
        let factors = self.arrays()?.into_iter().map(|(site, [a, b])| (site, (a, b)));
        Ok(Corrections { scale: self.scale * factor, factors: factors.collect() })
    }

    /// Numbers in all factors.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.corrections.values().map(|factors| (factors.a.len() + factors.b.len()) as u64).sum()
    }
}

/// Reads an adapter for a model of this shape, its factor applied.
///
/// # Errors
/// A model error naming what is damaged, unknown or made for another model; a request error if the factor is not a
/// finite number.
pub fn read(file: &AdapterFile, config: &Config) -> Result<Adapter> {
    let place = |error: Error| error.within(file.folder.display());
    let folder = Folder::open(&file.folder).map_err(place)?;
    let adapter = match (folder.has(mlx_lm::TENSORS), folder.has(peft::TENSORS)) {
        (true, false) => mlx_lm::read(&folder, config),
        (false, true) => peft::read(&folder, config),
        (true, true) => Err(Error::model(format!("holds both {} and {}", mlx_lm::TENSORS, peft::TENSORS))
            .hint("remove the one that is not the adapter")),
        (false, false) => {
            Err(Error::model(format!("holds neither {} nor {}", mlx_lm::TENSORS, peft::TENSORS))
                .hint("name an adapter folder as mlx-lm or PEFT writes it"))
        }
    };
    join::scaled(adapter.map_err(place)?, file.factor)
}

/// One of the two factors, as a key on disk names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    A,
    B,
}

/// Reads all tensors of an adapter file; `place` turns a key into a site and a half, and says whether the
/// numbers are stored transposed.
fn corrections(
    file: &TensorFile,
    config: &Config,
    rank: usize,
    transposed: bool,
    place: impl Fn(&str) -> Result<(Site, Half)>,
) -> Result<BTreeMap<Site, Factors>> {
    let mut halves: BTreeMap<Site, [Vec<f32>; 2]> = BTreeMap::new();
    for name in file.names() {
        let (site, half) = place(name).map_err(|error| error.within(format!("tensor {name}")))?;
        let (inputs, outputs) = site.projection.shape(config);
        let mut want = if half == Half::A { [inputs, rank] } else { [rank, outputs] };
        if transposed {
            want.reverse();
        }
        let shape = file.shape(name).unwrap_or_default();
        if shape != want {
            return Err(Error::model(format!("tensor {name} has shape {shape:?}, not {want:?}"))
                .hint("the adapter was made for another model or with another rank"));
        }
        let mut numbers = file.numbers(name)?;
        if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(Error::model(format!("tensor {name} holds {} at {index}", numbers[index]))
                .hint("its training diverged; take an earlier checkpoint"));
        }
        if transposed {
            numbers = transpose(&numbers, want[1]);
        }
        halves.entry(site).or_default()[half as usize] = numbers;
    }
    let paired = halves.into_iter().map(|(site, [a, b])| {
        if a.is_empty() || b.is_empty() {
            let missing = if a.is_empty() { "A" } else { "B" };
            return Err(Error::model(format!("factor {missing} of {site} is missing"))
                .hint("the file is incomplete; fetch it again"));
        }
        Ok((site, Factors { a, b }))
    });
    let paired = paired.collect::<Result<BTreeMap<_, _>>>()?;
    if paired.is_empty() {
        return Err(Error::model("holds no tensors"));
    }
    Ok(paired)
}

/// `numbers` in rows of `columns`, with rows and columns exchanged.
fn transpose(numbers: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| numbers.iter().skip(column).step_by(columns)).copied().collect()
}

fn rank(object: &Object, key: &str) -> Result<usize> {
    object.count(key, MAX_RANK)
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range; f32 is what it multiplies")]
fn scale(object: &Object, key: &str) -> Result<f32> {
    object.number(key, SCALES).map(|scale| scale as f32)
}
