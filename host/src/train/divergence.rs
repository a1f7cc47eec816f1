//! How far finished adapters move a model, on prompts that no training has seen. The measurement is that of [`super::kl`].

use std::collections::BTreeMap;

use realign_engine_abi::message::{AdapterFile, Load};

use super::{
    kl::Asked,
    prompts::Prompt,
    session::{Lost, Session},
};
use crate::{
    engine::launch::Launch,
    error::{Error, Result},
    ids::Seed,
    metrics::Kl,
};

/// Divergence of `model` with adapters from the model without them, and within each context kind. Responses have at most
/// `room` tokens; told how many of how many are done. `workers` share the prompts, or as many as fit, which changes no number.
///
/// # Errors
/// A prompt does not fit, or the engine fails twice.
pub fn of(
    (launch, workers): (Launch, Option<usize>),
    model: &Load,
    adapters: &[AdapterFile],
    (prompts, room): (Vec<Prompt>, u32),
    seed: Seed,
    done: &mut dyn FnMut(usize, usize),
) -> Result<(Kl, BTreeMap<String, f64>)> {
    let mut session = Session::open_fitting(launch, model.clone(), workers)?;
    let asked = Asked::new(&mut session, prompts, room)?;
    let mut attempt = || {
        session.adapt(adapters.to_vec())?;
        asked.measure(&mut session, seed, &mut *done)
    };
    let first = attempt();
    let second = if let Err(Lost::Worker(_)) = first { attempt() } else { first };
    second.map_err(|lost| match lost {
        Lost::Final(error) => error,
        Lost::Worker(cause) => {
            Error::engine(format!("the engine worker died twice while the divergence was measured: {cause}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use realign_engine_abi::message::ChatMessage;

    use super::*;
    use crate::engine::testing::launch;

    #[test]
    fn every_worker_has_the_adapters_whose_divergence_it_measures() {
        let folder = tempfile::tempdir().unwrap();
        let (model, adapter) = (folder.path().join("model"), folder.path().join("adapter"));
        fs::write(&model, "test model").unwrap();
        fs::create_dir(&adapter).unwrap();
        fs::write(adapter.join("adapter_config.json"), r#"{"lora_parameters": {"scale": 2.0}}"#).unwrap();
        fs::write(adapter.join("adapters.safetensors"), "0.5").unwrap();
        // Enough prompts for every worker to have a batch.
        let prompts: Vec<Prompt> = (0..70)
            .map(|index| Prompt {
                id: format!("k{index}"),
                kind: None,
                family: format!("f{}", index % 9),
                messages: vec![ChatMessage { role: "user".into(), content: "p".into() }],
            })
            .collect();
        let load = Load { model, adapters: Vec::new() };
        let adapters = [AdapterFile { folder: adapter, factor: 1.0 }];
        let measured = |workers| {
            let prompts = (prompts.clone(), 4);
            of((launch(), Some(workers)), &load, &adapters, prompts, Seed(1), &mut |_, _| {}).unwrap().0
        };
        let alone = measured(1);
        assert!((alone.evidence.estimate.value - 0.25).abs() < 1e-6, "{alone:?}");
        assert_eq!(alone, measured(3));
    }
}
