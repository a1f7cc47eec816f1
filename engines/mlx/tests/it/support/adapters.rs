//! Adapters of the tiny model, and engines that have folded them in.

#![expect(clippy::cast_possible_truncation, reason = "sizes of the tiny model are small constants")]

use std::path::Path;

use realign_engine_abi::message::{AdapterFile, EngineOptions, Load, Reply, Request, ScoreRow};
use realign_engine_mlx::{
    adapter::{Adapter, Factors, Site, names::Projection},
    engine::Engine,
    error::Error,
    llama::config::Config,
};
use tempfile::TempDir;

use super::{CONTEXT, HEADS, HIDDEN, INNER, KV_HEADS, LAYERS, Random, VOCABULARY, ask, score, tokens};

/// The shape of the tiny model.
pub(crate) fn config() -> Config {
    let (hidden, heads) = (HIDDEN as usize, HEADS as usize);
    Config {
        layers: LAYERS as usize,
        context: CONTEXT as usize,
        hidden,
        inner: INNER as usize,
        heads,
        kv_heads: KV_HEADS as usize,
        head: hidden / heads,
        vocabulary: VOCABULARY as usize,
        rope_base: 10_000.0,
        epsilon: 1e-5,
    }
}

/// An adapter with both factors random, large enough to change what the tiny model says.
pub(crate) fn adapter(rank: usize, blocks: &[usize], projections: &[Projection]) -> Adapter {
    let mut random = Random(rank as u64);
    let sites = blocks
        .iter()
        .flat_map(|&block| projections.iter().map(move |&projection| Site { block, projection }));
    let corrections = sites.map(|site| {
        let (inputs, outputs) = site.projection.shape(&config());
        let mut floats = |count: usize| (0..count).map(|_| random.float()).collect();
        (site, Factors { a: floats(inputs * rank), b: floats(rank * outputs) })
    });
    Adapter { rank, scale: 0.5, corrections: corrections.collect() }
}

/// A folder with an adapter of the tiny model.
pub(crate) fn adapter_folder(
    adapter: &Adapter,
    write: fn(&Path, &Adapter, usize) -> Result<(), Error>,
) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), adapter, LAYERS as usize).unwrap();
    folder
}

/// An engine with a model, and adapters with their factors.
pub(crate) fn load_adapted<'a>(model: &Path, adapters: impl IntoIterator<Item = (&'a Path, f32)>) -> Engine {
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let file = |(folder, factor): (&Path, f32)| AdapterFile { folder: folder.to_owned(), factor };
    let adapters = adapters.into_iter().map(file).collect();
    let reply = ask(&mut engine, Request::Load(Load { model: model.to_owned(), adapters }));
    assert!(matches!(reply, Reply::Model(_)), "{reply:?}");
    engine
}

/// Log-probabilities of every token after a text.
pub(crate) fn probabilities(engine: &mut Engine) -> Vec<f64> {
    let continuations = (0..VOCABULARY).map(|token| vec![token]).collect();
    let scores = score(engine, &[ScoreRow { context: tokens(1, 20), continuations }]);
    scores[0].iter().map(|score| score.logprob).collect()
}
