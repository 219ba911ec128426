//! Rookery's desktop client.

use std::process::ExitCode;

use clap::Parser;
use rookery::arguments::Arguments;
use rookery::graphics;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("ROOKERY_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,winit=error,wgpu=error,naga=error,rfd=off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    if let Some(code) = graphics::start_again(arguments.software) {
        return code;
    }
    match rookery::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
