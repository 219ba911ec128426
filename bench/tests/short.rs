//! A short run of every workload against the debug server: figures come out, and every delivery is complete (the
//! generator itself ends with an error when a reader misses, repeats or reorders a message). No time is asserted here.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn every_workload_runs_and_every_delivery_comes_once_and_in_order() {
    let figures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("short-bench.json");
    let mut bench = Command::new(env!("CARGO_BIN_EXE_rookery-bench"));
    bench.args(["--rounds", "1", "--seconds", "0.3", "--readers", "12", "--messages", "500"]);
    bench.arg("--json").arg(&figures).arg("--server").arg(server());
    bench.arg("--scratch").arg(env!("CARGO_TARGET_TMPDIR"));
    let output = bench.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&figures).unwrap()).unwrap();
    let rows = report["rows"].as_array().unwrap();
    for id in ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P12"] {
        let row = rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{id} is not measured"));
        let figure = row["medians"]["ours"].as_f64().unwrap_or_else(|| panic!("{id} has no figure"));
        assert!(figure.is_finite() && figure >= 0.0, "{id} is {figure}");
    }
    let floor = rows.iter().filter(|row| row["medians"].get("floor").is_some()).count();
    assert!(floor >= 5, "the floor was measured in {floor} figures");
}

/// The server of the same build, which `cargo test` of the workspace has made; alone, this package makes it here.
fn server() -> PathBuf {
    if let Some(server) = env::var_os("ROOKERY_SERVER") {
        return server.into();
    }
    let server = Path::new(env!("CARGO_BIN_EXE_rookery-bench")).with_file_name("rookery-server");
    if !server.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "--package", "rookery-server"]).status();
        assert!(built.is_ok_and(|status| status.success()), "rookery-server did not build");
    }
    server
}
