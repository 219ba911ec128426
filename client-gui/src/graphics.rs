//! Whether to draw with the graphics card. Without a real one wgpu falls back to a driver that draws on the processor and
//! takes five times the memory of iced's own software renderer: that one is chosen then.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

/// What iced reads.
const VARIABLE: &str = "ICED_BACKEND";
/// Kernel drivers of cards that can draw in three dimensions.
#[cfg(target_os = "linux")]
const REAL: [&str; 18] = [
    "amdgpu",
    "asahi",
    "etnaviv",
    "i915",
    "imagination",
    "lima",
    "msm",
    "msm_dpu",
    "nouveau",
    "nvidia",
    "nvidia-drm",
    "panfrost",
    "panthor",
    "radeon",
    "tegra",
    "v3d",
    "vc4",
    "xe",
];

/// Starts the program again with the renderer that suits the machine, and gives its exit code; none if all is well as it
/// is. iced takes the renderer from the environment, which a running program cannot change safely.
#[must_use]
pub fn start_again(software: bool) -> Option<ExitCode> {
    let chosen = env::var_os(VARIABLE).is_some();
    if chosen || (!software && has_card(Path::new("/sys/class/drm"))) {
        return None;
    }
    let mut again = Command::new(env::current_exe().ok()?);
    again.args(env::args_os().skip(1)).env(VARIABLE, "tiny-skia");
    run(&mut again)
}

#[cfg(unix)]
fn run(command: &mut Command) -> Option<ExitCode> {
    // Returns only if it fails; then the window opens with what there is.
    let error = std::os::unix::process::CommandExt::exec(command);
    tracing::warn!(%error, "the renderer could not be chosen");
    None
}

#[cfg(not(unix))]
fn run(command: &mut Command) -> Option<ExitCode> {
    let ended = command.status().ok()?;
    Some(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(target_os = "linux")]
fn has_card(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
        .filter_map(|entry| std::fs::read_link(entry.path().join("device/driver")).ok())
        .filter_map(|driver| Some(driver.file_name()?.to_string_lossy().into_owned()))
        .any(|driver| REAL.contains(&driver.as_str()))
}

/// Elsewhere the system always has a way to draw.
#[cfg(not(target_os = "linux"))]
fn has_card(_folder: &Path) -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_render_node_has_no_card() {
        assert!(!has_card(Path::new("/nonexistent")));
    }
}
