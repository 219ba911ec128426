//! Rookery's protocol as Rust types, generated from `proto/` at build time. Nothing here is written by hand but this
//! page: read `proto/rookery/v1/*.proto` instead, where every field states its rule.

/// Version 1 of the protocol.
pub mod v1 {
    #![allow(clippy::all, missing_docs)]
    tonic::include_proto!("rookery.v1");
    // Debug for what holds a secret: build.rs.
    include!(concat!(env!("OUT_DIR"), "/rookery_veils.rs"));
}

/// All descriptors of `rookery.v1` with their comments, as server reflection serves them.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("rookery_descriptor");

/// The `domain` of every `google.rpc.ErrorInfo` that the server sends.
pub const ERROR_DOMAIN: &str = "rookery";
