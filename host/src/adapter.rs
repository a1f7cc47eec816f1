//! Adapters after training: written for other programs, folded into a model, multiplied.
//!
//! The engine converts; this room knows what is known of an adapter and sees that it is not lost on the way. Training
//! leaves a record beside its adapter, and everything written here leaves one too, so that a conversion of a
//! conversion still says which training it came from and what was proven of it.
//!
//! # The rule
//!
//! Divergence is proven for the adapter that training wrote: its whole effect, over the model that training began with.
//! A smaller factor keeps the proof, because divergence grows with the factor; a larger one voids it. What is over its
//! limit, or no longer proven to be under it, goes only into a folder whose name ends in [`standing::MARK`], as
//! training's own does: nobody who reads the name takes it for one that passed.
//!
//! # Layout
//!
//! - [`record`]: what is written beside an adapter or a model
//! - [`origin`]: what is known of an adapter on disk, checked against its files and its model
//! - [`standing`]: what that says of its divergence
//! - [`export`]: the three ways of writing

pub mod export;
pub mod origin;
pub mod record;
pub mod standing;
