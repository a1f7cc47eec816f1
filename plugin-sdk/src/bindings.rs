//! Generated from `wit/`: one module per world, with the records shared.
//!
//! `wit/` beside this crate's manifest is a copy of the contract at the root, so that the crate also builds outside
//! the workspace; a test keeps the two equal. A module's `export!` macro embeds the description of its world, hence
//! a component describes only the one world that its author exported.

#![expect(
    clippy::same_length_and_capacity,
    reason = "generated code takes over lists that the host allocated exactly"
)]

pub mod detector {
    //! World `trait-detector-plugin`.
    wit_bindgen::generate!({
        path: "wit",
        world: "trait-detector-plugin",
        pub_export_macro: true,
        default_bindings_module: "realign_plugin::bindings::detector",
        export_macro_name: "export_detector",
    });
}

pub mod style {
    //! World `style-scorer-plugin`.
    wit_bindgen::generate!({
        path: "wit",
        world: "style-scorer-plugin",
        pub_export_macro: true,
        default_bindings_module: "realign_plugin::bindings::style",
        export_macro_name: "export_style",
        with: {
            "realign:evaluator/types@0.1.0": crate::bindings::detector::realign::evaluator::types,
            "realign:evaluator/logging@0.1.0": crate::bindings::detector::realign::evaluator::logging,
        },
    });
}

pub mod benchmark {
    //! World `benchmark-plugin`.
    wit_bindgen::generate!({
        path: "wit",
        world: "benchmark-plugin",
        pub_export_macro: true,
        default_bindings_module: "realign_plugin::bindings::benchmark",
        export_macro_name: "export_benchmark",
        with: {
            "realign:evaluator/types@0.1.0": crate::bindings::detector::realign::evaluator::types,
            "realign:evaluator/logging@0.1.0": crate::bindings::detector::realign::evaluator::logging,
        },
    });
}
