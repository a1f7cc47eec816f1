//! The tools of `realign data` through the binary.

mod convert;
mod decontaminate;
mod ifd;
mod mix;
mod pii;
mod validate;
