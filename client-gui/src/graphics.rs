//! Whether to draw with the graphics card. Without a real one wgpu falls back to a driver that draws on the processor and
//! takes five times the memory of iced's own software renderer: that one is chosen then.

use std::path::Path;

/// What iced reads.
const VARIABLE: &str = "ICED_BACKEND";
/// Kernel drivers of cards that can draw in three dimensions.
#[cfg(target_os = "linux")]
const REAL: [&str; 18] = [
    "amdgpu", "asahi", "etnaviv", "i915", "imagination", "lima", "msm", "msm_dpu", "nouveau", "nvidia", "nvidia-drm",
    "panfrost", "panthor", "radeon", "tegra", "v3d", "vc4", "xe",
];

/// The renderer to use; none leaves the choice to iced.
#[must_use]
pub fn backend(software: bool) -> Option<(&'static str, &'static str)> {
    let chosen = std::env::var_os(VARIABLE).is_some();
    (software || (!chosen && !has_card(Path::new("/sys/class/drm")))).then_some((VARIABLE, "tiny-skia"))
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
