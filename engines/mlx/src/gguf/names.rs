//! What the tensors of the Llama architecture are called in a GGUF file.

use crate::{
    adapter::names::Projection,
    error::{Error, Result},
    gguf::Gguf,
    llama::source::{Head, Part, Source},
};

impl Source for Gguf {
    fn names(&self) -> Vec<&str> {
        self.tensor_names().collect()
    }

    fn name(&self, part: Part) -> String {
        match part {
            Part::Embedding => "token_embd.weight".into(),
            Part::AttentionNorm(block) => format!("blk.{block}.attn_norm.weight"),
            Part::InnerNorm(block) => format!("blk.{block}.ffn_norm.weight"),
            Part::Projection(site) => format!("blk.{}.{}.weight", site.block, projection(site.projection)),
            Part::Norm => "output_norm.weight".into(),
            Part::Head => "output.weight".into(),
        }
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensor(name).map(|tensor| tensor.shape.as_slice())
    }

    fn numbers(&self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.tensor(name).ok_or_else(|| Error::model(format!("tensor {name} is missing")))?;
        self.read(name, tensor)
    }

    fn pairs_are_neighbours(&self) -> bool {
        true
    }

    fn head(&self) -> Head {
        Head::IfPresent
    }
}

const fn projection(projection: Projection) -> &'static str {
    match projection {
        Projection::Query => "attn_q",
        Projection::Key => "attn_k",
        Projection::Value => "attn_v",
        Projection::Output => "attn_output",
        Projection::Gate => "ffn_gate",
        Projection::Up => "ffn_up",
        Projection::Down => "ffn_down",
    }
}
