//! docs/api.md is true: its commands run in order against a new server and say what the page shows, they call every method,
//! and its tables are complete.

use std::{collections::HashSet, path::Path};

use rookery_client::v1::ErrorReason;
use rookery_server::config::LimitsConfig;

use crate::{
    harness::{Backend, Served, tool},
    raw::{methods, name_of},
};

/// What differs from run to run.
const CHANCE: [&str; 14] = [
    "token",
    "password",
    "sessionId",
    "historyId",
    "requestId",
    "code",
    "version",
    "createdAt",
    "editedAt",
    "expiresAt",
    "lastSeenAt",
    "kindExpiresAt",
    "mutedUntil",
    "blockedAt",
];
/// What no command prints.
const MARK: &str = "-- end of block --";

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md")).unwrap()
}

/// The commands of the page, each with the output that is shown below it.
fn examples(page: &str) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    let mut rest = page;
    while let Some((_, block)) = rest.split_once("\n```") {
        let (head, body) = block.split_once('\n').unwrap();
        let (body, after) = body.split_once("```").unwrap();
        match head {
            "sh" => found.push((body.to_owned(), None)),
            "text" => found.last_mut().unwrap().1 = Some(body.to_owned()),
            other => panic!("```{other}: a block is sh or text"),
        }
        rest = after;
    }
    found
}

/// A line without what differs from run to run, and without regard to blanks.
fn fixed(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    for key in CHANCE {
        if line.starts_with(&format!("\"{key}\": ")) {
            return format!("\"{key}\": …{}", if line.ends_with(',') { "," } else { "" });
        }
    }
    line
}

fn fixed_lines(text: &str) -> Vec<String> {
    text.lines().map(fixed).filter(|line| !line.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_runs_and_says_what_the_page_shows() {
    let page = page();
    let examples = examples(&page);
    let calls: usize =
        examples.iter().map(|(code, _)| code.matches("call ").count() + code.matches("grpcurl ").count()).sum();
    assert!(examples.len() >= 14 && calls >= 25, "{} examples, {calls} calls", examples.len());
    // As it is for people, with rates.
    let server = Served::with(Backend::Sqlite, |config| config.limits.enabled = true).await;
    let folder = &server.store.dir;
    // The page says `grpcurl`, wherever that is.
    let link = folder.join("grpcurl");
    std::os::unix::fs::symlink(tool("ROOKERY_TEST_GRPCURL"), &link).unwrap();
    // And `rookery-server`, beside the one that runs.
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rookery-server"), folder.join("rookery-server")).unwrap();
    let mut script = String::from("set -e\n");
    for (code, _) in &examples {
        script.push_str(&code.replace("127.0.0.1:7878", &server.address.to_string()));
        script.push_str(&format!("echo '{MARK}'\n"));
    }
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    // What a shell would show: both outputs, in their order.
    let run = tokio::process::Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder)
        .env("PATH", path)
        .env("ROOKERY_DATA", folder)
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(std::time::Duration::from_secs(60), run).await.expect("the page does not end").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<&str> = said.split(MARK).collect();
    for ((code, shown), said) in examples.iter().zip(&answers) {
        if let Some(shown) = shown {
            assert_eq!(fixed_lines(said), fixed_lines(shown), "\n{code}says:\n{said}");
        }
    }
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_method_is_called_by_an_example() {
    let page = page();
    let examples = examples(&page);
    let lines = examples.iter().flat_map(|(code, _)| code.lines()).filter(|line| !line.starts_with('#'));
    let words = lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '/'));
    let called: HashSet<&str> = words.collect();
    let missing: Vec<String> = methods().iter().map(name_of).filter(|name| !called.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "no example calls {}", missing.join(", "));
}

#[test]
fn every_reason_of_an_error_is_explained() {
    let page = page();
    let mut told = 0;
    for number in 1..100 {
        let Ok(reason) = ErrorReason::try_from(number) else { continue };
        let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        assert!(page.contains(&format!("\n| `{name}` |")), "{name} has no row");
        told += 1;
    }
    assert_eq!(
        page.split("\n## Errors").nth(1).unwrap().matches("\n| `").count(),
        told,
        "a row explains what is not there"
    );
}

#[test]
fn every_setting_of_a_limit_stands_in_the_table_with_its_value() {
    let page = page();
    // Debug's form names each setting, also those that will be added.
    let settings = format!("{:?}", LimitsConfig::default());
    let settings = settings.split_once("{ ").unwrap().1.trim_end_matches(" }");
    for setting in settings.split(", ") {
        let (name, value) = setting.split_once(": ").unwrap();
        assert!(page.contains(&format!(" | {value} | `limits.{name}` | ")), "{name} is not told, or is not {value}");
    }
}
