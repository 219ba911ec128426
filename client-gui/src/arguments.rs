//! What can be said on the command line.

use clap::Parser;

/// Rookery's desktop client.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub struct Arguments {
    /// Keeps sign-in, cache and unsent messages apart from those of other profiles.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub profile: String,
    /// The server to sign in to, as in http://127.0.0.1:7878.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Draws without the graphics card; also chosen by itself where there is none.
    #[arg(long)]
    pub software: bool,
}
