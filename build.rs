//! Turns proto/ into Rust and into the descriptor set that reflection serves. Needs no protoc: protox is a library.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    // tonic-prost-build prints no rerun-if-changed of its own.
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let files: Vec<PathBuf> =
        fs::read_dir("proto/rookery/v1")?.map(|entry| Ok(entry?.path())).collect::<Result<_, Box<dyn Error>>>()?;
    let files: Vec<_> = files.into_iter().filter(|file| file.extension().is_some_and(|e| e == "proto")).collect();
    let descriptors = protox::compile(&files, ["proto"])?;
    fs::write(out.join("rookery_descriptor.bin"), descriptors.encode_to_vec())?;
    // Without `connect`: clients bring their channel, and the protocol crate needs no transport.
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
