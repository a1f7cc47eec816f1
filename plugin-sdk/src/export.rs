//! The macros that make a crate a plugin: the only place where an author's crate meets generated code.
//!
//! Natively they expand to nothing, so several plugins can be linked into one test without clashing symbols.

/// Exports a [`TraitDetector`](crate::TraitDetector).
#[macro_export]
macro_rules! export_trait_detector {
    ($evaluator:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exports = $crate::guest::Guest<$evaluator>;
    $crate::bindings::detector::export_detector!(Exports with_types_in $crate::bindings::detector);
        };
    };
}

/// Exports a [`StyleScorer`](crate::StyleScorer).
#[macro_export]
macro_rules! export_style_scorer {
    ($evaluator:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exports = $crate::guest::Guest<$evaluator>;
    $crate::bindings::style::export_style!(Exports with_types_in $crate::bindings::style);
        };
    };
}

/// Exports a [`Benchmark`](crate::Benchmark).
#[macro_export]
macro_rules! export_benchmark {
    ($evaluator:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exports = $crate::guest::Guest<$evaluator>;
    $crate::bindings::benchmark::export_benchmark!(Exports with_types_in $crate::bindings::benchmark);
        };
    };
}

/// An [`About`](crate::About) with the id, version and summary of the calling crate's `Cargo.toml` and the given JSON
/// Schema of the configuration.
#[macro_export]
macro_rules! about {
    ($config_schema:expr) => {
        $crate::About {
            id: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            summary: env!("CARGO_PKG_DESCRIPTION"),
            config_schema: $config_schema,
        }
    };
}
