//! Cargo, and where it puts the programs that it builds.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, child, place, tool};

/// The very cargo that runs this program, in the workspace's root.
pub fn cargo() -> Outcome<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo has told this program of its own package. Build scripts ask for such variables, and packages would be built
    // anew whenever the tasks and a plain cargo take turns.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command.current_dir(place::root()?);
    Ok(command)
}

/// Builds the programs of one package and says where the named one is.
pub fn build(package: &str, program: &str, release: bool) -> Outcome<PathBuf> {
    let mut flags = vec!["--package", package];
    if release {
        flags.push("--release");
    }
    build_with(&flags, package, program)
}

/// The server with places where tests make it fail, as a program of its own beside the plain one, which must be built anew
/// after this: both have one name while they are built.
pub fn build_failing(profile: &str) -> Outcome<PathBuf> {
    let features = ["--features", "rookery-server/failpoints", "--profile", profile];
    let flags = [&["--workspace", "--bin", "rookery-server"], &features[..]].concat();
    let built = build_with(&flags, "rookery-server", "rookery-server")?;
    let kept = built.with_file_name("rookery-server-failing");
    let wrong = |error| format!("cannot keep {}: {error}", kept.display());
    // A new file, never over one that runs or has other names.
    match fs::remove_file(&kept) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(wrong(error)),
        _ => fs::copy(&built, &kept).map_err(wrong)?,
    };
    Ok(kept)
}

fn build_with(flags: &[&str], package: &str, program: &str) -> Outcome<PathBuf> {
    tool::find_for_building()?;
    let mut command = cargo()?;
    command.args(["build", "--message-format=json-render-diagnostics"]).args(flags);
    let report = child::read(&mut command).map_err(|sentence| match sentence.as_str() {
        "stopped" => sentence,
        _ => format!("{program} did not build; the compiler says above why"),
    })?;
    report
        .lines()
        .filter_map(executable)
        .rfind(|path| path.file_stem().is_some_and(|stem| stem == program))
        .ok_or_else(|| format!("cargo built the package {package}, but names no program {program}"))
}

/// Whether a `cargo test` with these arguments for its programs would run anything: cargo calls a run of no test a pass.
pub fn has_tests(mut command: Command) -> Outcome<bool> {
    let list = child::read(command.arg("--list"))?;
    Ok(list.lines().any(|line| line.ends_with(": test")))
}

/// The path in one line of cargo's report. Cargo alone knows it: the target folder can be set in many places.
fn executable(line: &str) -> Option<PathBuf> {
    let (_, rest) = line.split_once(r#""executable":""#)?;
    let (path, _) = rest.split_once('"')?;
    Some(Path::new(&path.replace(r"\\", r"\")).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_cargos_report() {
        let line =
            r#"{"reason":"compiler-artifact","filenames":["/t/debug/x"],"executable":"/t/debug/x","fresh":true}"#;
        assert_eq!(executable(line), Some(PathBuf::from("/t/debug/x")));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
    }
}
