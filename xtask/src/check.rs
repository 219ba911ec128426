//! `cargo xtask check NAME`: the long checks, which `cargo xtask test` runs with small numbers, in full.

mod dependencies;

use std::process::Command;

use crate::{Outcome, cargo, child, postgres::Postgres, test, tool};

/// One long check, and the tests that are it.
struct Check {
    name: &'static str,
    /// What it shows, and how much of it.
    promise: &'static str,
    /// The folder in server/tests/.
    target: &'static str,
    /// Part of the tests' names; `module::` for all of a file.
    filter: &'static str,
}

const CHECKS: &[Check] = &[
    Check {
        name: "kill-loop",
        promise: "200 x kill -9 under load: nothing acknowledged is lost or doubled",
        target: "delivery",
        filter: "kill::",
    },
    Check {
        name: "failpoints",
        promise: "20 x death at each step of a write and in checkpoints; 2,000 subscribes that are slow to read",
        target: "delivery",
        filter: "failpoint::",
    },
    Check {
        name: "sync-before-ack",
        promise: "1,000 sends under strace: the disk has each before its answer leaves",
        target: "delivery",
        filter: "disk::",
    },
    Check {
        name: "power-loss",
        promise: "the power goes at 100 moments: what anybody was told is there",
        target: "delivery",
        filter: "power::",
    },
    Check {
        name: "disk-faults",
        promise: "a disk that fills up 10 times; 75 writes and syncs of it that fail",
        target: "delivery",
        filter: "failure::",
    },
    Check {
        name: "start-guards",
        promise: "a server that could not keep its promises does not start",
        target: "delivery",
        filter: "guard::",
    },
    Check {
        name: "backup",
        promise: "10 backups under load, each put back elsewhere: all that was acknowledged before is there",
        target: "delivery",
        filter: "backup::",
    },
    Check {
        name: "clock",
        promise: "the machine's clock jumps 400 days ahead and two hours back",
        target: "delivery",
        filter: "clock::",
    },
    Check {
        name: "absence",
        promise: "100,000 events missed in 50 conversations: all are delivered, once",
        target: "delivery",
        filter: "absence::",
    },
    Check {
        name: "uploads",
        promise: "60 x kill -9 while files come in: no message shows one that is not whole",
        target: "delivery",
        filter: "file::",
    },
    Check {
        name: "postgres-kill",
        promise: "20 x kill -9 of all of PostgreSQL under load",
        target: "delivery",
        filter: "postgres::a_postgres_that_is_killed",
    },
    Check {
        name: "planted-faults",
        promise: "faults put into the program are found by the tests that are there to find them",
        target: "delivery",
        filter: "planted::",
    },
    Check {
        name: "sigterm",
        promise: "SIGTERM with 500 streams and 100 sends in flight",
        target: "delivery",
        filter: "sigterm::",
    },
    Check {
        name: "request-id",
        promise: "one request_id is one message, however often it is sent",
        target: "delivery",
        filter: "request_id::",
    },
    Check {
        name: "order",
        promise: "32 senders, 10,000 messages, 8 readers: one order for all",
        target: "delivery",
        filter: "order::",
    },
    Check {
        name: "fuzz",
        promise: "10,000 requests of guesses for each method, by whomever: never a fault, and nobody else's things touched",
        target: "api",
        filter: "fuzz::whatever",
    },
    Check {
        name: "overload",
        promise: "4 x what it can do for 2 minutes: it does what it can and says no to the rest",
        target: "delivery",
        filter: "overload::",
    },
    Check {
        name: "subscribe-race",
        promise: "2,000 subscribes while writers run flat out: no hole, no repeat",
        target: "delivery",
        filter: "subscribe::",
    },
    Check {
        name: "bad-network",
        promise: "10 minutes through a network that cuts: nothing lost or doubled",
        target: "delivery",
        filter: "network::",
    },
    Check {
        name: "model",
        promise: "2,000 x 50 random steps: what a client has kept is what a fresh one sees",
        target: "model",
        filter: "fresh",
    },
    Check {
        name: "read-your-write",
        promise: "10,000 sends, each read at once on a new connection",
        target: "delivery",
        filter: "read::",
    },
    Check {
        name: "cancel-storm",
        promise: "10,000 sends, each cancelled at a random moment, on PostgreSQL",
        target: "delivery",
        filter: "cancel::",
    },
    Check {
        name: "restore",
        promise: "an older copy of the data, other messages after it: clients show the server's list",
        target: "delivery",
        filter: "restore::",
    },
    Check {
        name: "slow-reader",
        promise: "a reader who does not keep up loses her stream and nothing else",
        target: "delivery",
        filter: "slow::",
    },
    Check {
        name: "removal",
        promise: "removed, left or signed out: nothing from after it arrives",
        target: "delivery",
        filter: "removal::",
    },
    Check {
        name: "outsider",
        promise: "1,000 events of a private group: nothing of them is on the wire of somebody outside",
        target: "delivery",
        filter: "outsider::",
    },
    Check {
        name: "client-cuts",
        promise: "200 x 50 steps with cuts longer than the replay: a client knows what a fresh one knows",
        target: "client",
        filter: "after_cuts",
    },
    Check {
        name: "unread",
        promise: "40 x 60 random steps: unread counts are what their definition counts",
        target: "api",
        filter: "unread::",
    },
    Check {
        name: "sign-in",
        promise: "1,000 sign-ins of each failing sort take the same time; 500 at once leave the rest of the server alone",
        target: "api",
        filter: "password::",
    },
    Check {
        name: "search-fuzz",
        promise: "5,000 hostile queries: nothing found, or refused as not understood",
        target: "api",
        filter: "search::hostile",
    },
    Check {
        name: "search-kill",
        promise: "100 x kill -9 between commits and their indexing: all is found, nothing else",
        target: "delivery",
        filter: "search::",
    },
    Check {
        name: "attacks",
        promise: "floods, silence, stalls and crowds against a server of 512 MiB that serves others meanwhile",
        target: "attack",
        filter: "",
    },
];

/// What is checked is nearly as fast as a release, and is built much sooner.
const PROFILE: &str = "optimized";

/// The one check that runs no test.
const DEPENDENCIES: &str = "dependencies";

/// Runs one check in full; without a name, lists them.
pub fn check(arguments: &[String]) -> Outcome {
    let [name] = arguments else {
        list();
        return if arguments.is_empty() { Ok(()) } else { Err("one check at a time".to_owned()) };
    };
    if name == DEPENDENCIES {
        return dependencies::check();
    }
    let Some(check) = CHECKS.iter().find(|check| check.name == name) else {
        list();
        return Err(format!("there is no check \"{name}\""));
    };
    if !cargo::has_tests(command(check)?)? {
        return Err(format!(
            "no test in server/tests/{} has \"{}\" in its name; mend the table in xtask/src/check.rs",
            check.target, check.filter
        ));
    }
    println!("{}: {}", check.name, check.promise);
    let tools = tool::find_all()?;
    let failing = cargo::build_failing(PROFILE)?;
    let postgres = Postgres::start(&tools.postgres)?;
    let mut command = command(check)?;
    // One at a time: a check may load the machine as it likes, and its figures are its own.
    command.args(["--nocapture", "--test-threads=1"]).env("ROOKERY_CHECK", "full");
    child::run(test::environment(&mut command, &tools, &postgres, &failing))
}

fn command(check: &Check) -> Outcome<Command> {
    let mut command = cargo::cargo()?;
    command.args(["test", "--profile", PROFILE]);
    command.args(["--package", "rookery-server", "--test", check.target, "--", check.filter]);
    Ok(command)
}

fn list() {
    println!("The long checks, each for `cargo xtask check NAME`:\n");
    println!("  {DEPENDENCIES:<17}known faults, licences and sources of all crates that we build upon");
    for check in CHECKS {
        println!("  {:<17}{}", check.name, check.promise);
    }
}
