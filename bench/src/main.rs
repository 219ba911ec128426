//! Measures the server beside a naive one and beside what nothing can undercut, all started here, in one run, in turns.
//! docs/performance.md says what the figures mean.

mod commit;
mod crowd;
mod event;
mod pipe;
mod report;
mod subject;
mod wire;
mod workload;
mod world;

use std::{fmt::Display, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use report::Report;
use workload::{Plan, chatter, fanout, history, idle, search, start};
use world::World;

/// What went wrong, in a sentence.
type Outcome<T = ()> = Result<T, String>;

/// Says what was being done when something failed.
fn fault<E: Display>(what: impl Display) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

/// All workloads that are run when none is named; `idle-10000` takes long to prepare and must be named.
const USUAL: [&str; 10] = [
    "one-100",
    "one-1000",
    "burst-1000",
    "busy-1000",
    "quiet-100",
    "chatter",
    "idle-1000",
    "history",
    "search",
    "start",
];

/// Measures rookery-server beside a naive server and the floor. All of them are started here.
#[derive(Debug, Parser)]
#[command(name = "rookery-bench", version)]
struct Arguments {
    /// Which: one-100 one-1000 burst-1000 busy-1000 quiet-100 chatter idle-1000 idle-10000 history search start, or the
    /// beginning of a name; all but idle-10000 if none is given
    workloads: Vec<String>,
    /// The server to measure [default: rookery-server beside this program]
    #[arg(long, env = "ROOKERY_SERVER", value_name = "FILE")]
    server: Option<PathBuf>,
    /// Measure the server on this PostgreSQL too; it must be an empty database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// How often everybody is measured; figures are medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long one turn takes
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// At most so many readers, for a quick look
    #[arg(long, default_value_t = usize::MAX, value_name = "N", hide_default_value = true)]
    readers: usize,
    /// How long the conversation is whose history is read, and in how many messages is searched; the targets speak of 1000000
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    messages: usize,
    /// Where the servers store; must be a real disk [default: beside this program]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Also write everything, round by round, into this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let local = tokio::task::LocalSet::new();
    let outcome = runtime.map_err(fault("no runtime")).and_then(|runtime| local.block_on(&runtime, run(&arguments)));
    match outcome {
        Ok(missed) => {
            // A missed goal is a finding, not a failure of the measurement.
            if missed > 0 {
                eprintln!("{missed} figures miss what they must reach");
            }
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("rookery-bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Outcome<usize> {
    let names = chosen(&arguments.workloads)?;
    let own = std::env::current_exe().map_err(fault("this program's path"))?;
    let beside = |name: &str| own.with_file_name(name);
    let server = arguments.server.clone().unwrap_or_else(|| beside("rookery-server"));
    let scratch = arguments.scratch.clone().unwrap_or_else(|| own.with_file_name(""));
    let scratch = scratch.join(format!("bench-{}", std::process::id()));
    let mut plan = Plan {
        world: World::new(server, scratch, arguments.database.clone())?,
        rounds: arguments.rounds.max(1),
        span: Duration::from_secs_f64(arguments.seconds),
        most_readers: arguments.readers.max(2),
        messages: arguments.messages.max(100),
    };
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let mut report = Report::new(processors, plan.rounds, arguments.seconds);
    for name in names {
        eprintln!("{name}");
        match name {
            "chatter" => chatter::run(&mut plan, &mut report).await?,
            "idle-1000" => idle::run(&mut plan, &mut report, 1000).await?,
            "idle-10000" => idle::run(&mut plan, &mut report, 10_000).await?,
            "history" => history::run(&mut plan, &mut report).await?,
            "search" => search::run(&mut plan, &mut report).await?,
            "start" => start::run(&plan, &mut report)?,
            name => {
                let fanout = fanout::ALL.iter().find(|fanout| fanout.name == name);
                fanout.ok_or("a workload without a program")?.run(&mut plan, &mut report).await?;
            }
        }
    }
    print!("{}", report.table());
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(fault("the report"))?;
        std::fs::write(file, json).map_err(fault(file.display()))?;
    }
    Ok(report.missed())
}

/// The workloads whose names begin with one of the words.
fn chosen(words: &[String]) -> Outcome<Vec<&'static str>> {
    if words.is_empty() {
        return Ok(USUAL.to_vec());
    }
    let all: Vec<&str> = USUAL.into_iter().chain(["idle-10000"]).collect();
    // A whole name means no other that goes on behind it.
    let means =
        |word: &String, name: &str| name == word || (name.starts_with(word.as_str()) && !all.contains(&word.as_str()));
    let chosen: Vec<&str> = all.iter().copied().filter(|name| words.iter().any(|word| means(word, name))).collect();
    match words.iter().find(|word| !chosen.iter().any(|name| means(word, name))) {
        Some(word) => Err(format!("there is no workload \"{word}\"; there are {}, idle-10000", USUAL.join(", "))),
        None => Ok(chosen),
    }
}
