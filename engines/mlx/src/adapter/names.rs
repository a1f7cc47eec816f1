//! What projections are called on disk, and what they map.

use crate::{
    adapter::Site,
    error::{Error, Result},
    llama::config::Config,
};

/// A projection of a block that can be adapted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Projection {
    /// Queries.
    Query,
    /// Keys.
    Key,
    /// Values.
    Value,
    /// Heads back to the residual stream.
    Output,
    /// Through the gate.
    Gate,
    /// Beside the gate.
    Up,
    /// Back from the gated layer.
    Down,
}

impl Projection {
    /// All of them, in the order of a block.
    pub const ALL: [Self; 7] =
        [Self::Query, Self::Key, Self::Value, Self::Output, Self::Gate, Self::Up, Self::Down];

    /// The Hugging Face name within a block.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "self_attn.q_proj",
            Self::Key => "self_attn.k_proj",
            Self::Value => "self_attn.v_proj",
            Self::Output => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// The last part of the name: what PEFT calls a target module.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        self.name().rsplit('.').next().unwrap_or_default()
    }

    /// The projection of a full or short name.
    ///
    /// # Errors
    /// A model error if a block has none of this name.
    pub fn from_name(name: &str) -> Result<Self> {
        let named = |projection: &Self| projection.name() == name || projection.short_name() == name;
        Self::ALL.into_iter().find(named).ok_or_else(|| {
            let shown = name.chars().take(80).collect::<String>();
            Error::model(format!("module {shown:?} cannot be adapted"))
                .hint(format!("a block has {}", Self::ALL.map(Self::name).join(", ")))
        })
    }

    /// (inputs, outputs) in a model.
    #[must_use]
    pub const fn shape(self, config: &Config) -> (usize, usize) {
        let Config { hidden, inner, heads, kv_heads, head, .. } = *config;
        match self {
            Self::Query => (hidden, heads * head),
            Self::Key | Self::Value => (hidden, kv_heads * head),
            Self::Output => (heads * head, hidden),
            Self::Gate | Self::Up => (hidden, inner),
            Self::Down => (inner, hidden),
        }
    }
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "model.layers.{}.{}", self.block, self.projection.name())
    }
}

impl Site {
    /// The site that a path such as `model.layers.3.self_attn.q_proj` leads to.
    ///
    /// # Errors
    /// A model error if it leads nowhere in a model of `blocks` blocks.
    pub fn from_path(path: &str, blocks: usize) -> Result<Self> {
        let parts = path.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.'));
        let number = |text: &str| text.parse().ok().filter(|block: &usize| block.to_string() == text);
        let Some((block, name)) = parts.and_then(|(block, name)| Some((number(block)?, name))) else {
            return Err(Error::model("does not lead to a projection of a block")
                .hint("this engine adapts projections of blocks, as mlx-lm and PEFT name them"));
        };
        if block >= blocks {
            return Err(Error::model(format!("block {block} is beyond the model's {blocks} blocks"))
                .hint("the adapter was made for another model"));
        }
        let projection = Projection::from_name(name)?;
        if projection.name() != name {
            return Err(Error::model(format!("module {name:?} has no place in a block"))
                .hint(format!("its full name is {}", projection.name())));
        }
        Ok(Self { block, projection })
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn every_site_is_found_under_the_path_that_it_shows() {
        for projection in Projection::ALL {
            let site = Site { block: 12, projection };
            assert_eq!(Site::from_path(&site.to_string(), 30).unwrap(), site);
            assert_eq!(Projection::from_name(projection.short_name()).unwrap(), projection);
        }
    }

    #[test]
    fn a_path_to_nowhere_says_what_is_wrong_with_it() {
        let refusal = |path| Site::from_path(path, 30).unwrap_err();
        assert_snapshot!(refusal("model.layers.30.mlp.up_proj"), @"block 30 is beyond the model's 30 blocks");
        assert_snapshot!(refusal("model.layers.3.mlp.w1"), @r#"module "mlp.w1" cannot be adapted"#);
        assert_snapshot!(refusal("model.layers.3.up_proj"), @r#"module "up_proj" has no place in a block"#);
        assert_snapshot!(refusal("model.layers.03.mlp.up_proj"), @"does not lead to a projection of a block");
        assert_snapshot!(refusal("model.embed_tokens"), @"does not lead to a projection of a block");
    }
}
