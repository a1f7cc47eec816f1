//! What a persona is: its profile, the scenarios that try it, the texts that show its voice, and
//! tasks that need none of it.

pub mod import;
pub mod neutral;
pub mod profile;
pub mod scenarios;
pub mod texts;
