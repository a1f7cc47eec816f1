//! Answers requests in JSON, one a line, from standard input: `cargo run --release --example requests`.
//!
//! The messages are those of `realign-engine-abi`; scripts in other languages drive the engine with it.

#![expect(clippy::print_stdout, reason = "an example prints its answers")]

use std::{error::Error, io::stdin};

use realign_engine_abi::{
    ffi::Flow,
    message::{EngineOptions, Request},
};
use realign_engine_mlx::engine::Engine;

fn main() -> Result<(), Box<dyn Error>> {
    let mut engine = Engine::new(&EngineOptions {})?;
    for line in stdin().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let reply = engine.call(request, &mut |_| Flow::Continue);
        println!("{}", serde_json::to_string(&reply)?);
    }
    Ok(())
}
