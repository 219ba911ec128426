//! Turns proto/ into Rust and into the descriptor set that reflection serves. Needs no protoc: protox is a library.

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

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
    let mut veiled = Vec::new();
    let mut veils = String::new();
    for message in descriptors.file.iter().flat_map(|file| &file.message_type) {
        let secret = |name: &str| matches!(name, "password" | "new_password" | "token" | "code" | "invite");
        if !message.field.iter().any(|field| secret(field.name()) && field.type_name().is_empty()) {
            continue;
        }
        veiled.push(format!(".rookery.v1.{}", message.name()));
        veil(&mut veils, message.name(), message.name())?;
        // `optional` fields are choices of one, which are no types.
        let choices = message.field.iter().filter(|field| field.oneof_index.is_some() && !field.proto3_optional());
        let mut choices: Vec<_> =
            choices.map(|field| message.oneof_decl[field.oneof_index() as usize].name()).collect();
        choices.dedup();
        for choice in choices {
            let place = format!("{}::{}", snake(message.name()), camel(choice));
            veil(&mut veils, &place, &camel(choice))?;
        }
    }
    fs::write(out.join("rookery_veils.rs"), veils)?;
    // Without `connect`: clients bring their channel, and the protocol crate needs no transport.
    tonic_prost_build::configure().build_transport(false).skip_debug(veiled).compile_fds(descriptors)?;
    Ok(())
}

/// Debug for what holds a secret (a password, a token, a code): its name alone, so that no log can have more.
fn veil(code: &mut String, place: &str, name: &str) -> std::fmt::Result {
    writeln!(
        code,
        "impl ::core::fmt::Debug for {place} {{ fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{ \
         f.debug_struct({name:?}).finish_non_exhaustive() }} }}"
    )
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

fn camel(name: &str) -> String {
    let words = name.split('_').filter_map(|word| Some((word.chars().next()?, &word[1..])));
    words.map(|(first, rest)| format!("{}{rest}", first.to_uppercase())).collect()
}
