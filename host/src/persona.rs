//! What a persona is: its profile, the scenarios that try it, and the texts that show its voice.

pub mod profile;
pub mod scenarios;
pub mod texts;
