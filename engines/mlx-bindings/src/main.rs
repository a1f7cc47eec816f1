//! Writes the Rust bindings of mlx-c that mlx-sys would make in its own build script.
//!
//! Usage: `realign-mlx-bindings MLX_C_SOURCES COMPAT_HEADER OUTPUT`. On Linux that build script is skipped
//! (it fetches MLX and links Apple frameworks), so set-up makes the file and points mlx-sys at it.
//!
//! The half types need care: mlx-rs expects `float16_t` to be a newtype over `u16` and `bfloat16_t` to be `u16`
//! itself, while the C headers of this target have no such types at all.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(sources), Some(compat), Some(output), None) =
        (arguments.next(), arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: realign-mlx-bindings MLX_C_SOURCES COMPAT_HEADER OUTPUT".into());
    };

    let mut headers = Vec::new();
    for entry in fs::read_dir(sources.join("mlx/c"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "h") {
            headers.push(path);
        }
    }
    headers.sort();

    let builder = bindgen::Builder::default()
        .clang_args([format!("-I{}", sources.display()), "-include".into(), compat.display().to_string()])
        .rust_target("1.73.0".parse().map_err(|_| "bindgen does not know its own Rust target")?)
        .blocklist_function("malloc")
        .blocklist_function("realloc")
        .blocklist_type("float16_t")
        .raw_line("#[repr(transparent)]")
        .raw_line("#[derive(Debug, Default, Clone, Copy)]")
        .raw_line("pub struct float16_t(pub u16);");
    let builder =
        headers.iter().fold(builder, |builder, header| builder.header(header.display().to_string()));
    builder.generate()?.write_to_file(output)?;
    Ok(())
}
