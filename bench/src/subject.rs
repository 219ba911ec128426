//! The programs under test: started here as child processes, ended when dropped.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{Outcome, fault};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// rookery-server on SQLite.
    Ours,
    /// The same, with tonic's stream of messages instead of shared frames.
    Plain,
    /// rookery-server on PostgreSQL.
    Postgres,
    /// tonic and broadcast; stores nothing.
    Naive,
    /// Passes bytes on; stores nothing, speaks no protocol.
    Floor,
}

impl Subject {
    pub const ALL: [Self; 5] = [Self::Ours, Self::Plain, Self::Postgres, Self::Naive, Self::Floor];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Plain => "plain",
            Self::Postgres => "postgres",
            Self::Naive => "naive",
            Self::Floor => "floor",
        }
    }
}

/// A running program.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process until it said that it was ready.
    pub started_in: Duration,
}

impl Server {
    /// Starts a program and waits for the line in which it says where it listens.
    pub fn start(command: &mut Command) -> Outcome<Self> {
        let program = Path::new(command.get_program()).display().to_string();
        let from = Instant::now();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(fault(&program))?;
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), started_in: Duration::ZERO };
        let output = server.child.stdout.take().ok_or("a program without output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map_err(fault(&program))?;
        server.started_in = from.elapsed();
        let address = line.trim_end().rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        server.address = address.ok_or_else(|| format!("{program} did not start; it said {line:?}"))?;
        Ok(server)
    }

    /// Processor time so far, user and system.
    pub fn cpu(&self) -> Outcome<Duration> {
        cpu_of(&self.child.id().to_string())
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).map_err(fault("its memory"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).ok_or_else(|| "VmRSS is not there".into())
    }

    /// Ends the program without any chance to tidy up.
    pub fn kill(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The generator's own processor time so far.
pub fn own_cpu() -> Outcome<Duration> {
    cpu_of("self")
}

fn cpu_of(process: &str) -> Outcome<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).map_err(fault("its processor time"))?;
    // The name, in brackets, may hold anything; what follows is numbers. Linux counts in hundredths of a second here.
    let numbers: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |index: usize| numbers.get(index).and_then(|number| number.parse::<u64>().ok());
    let sum = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
    sum.map(|sum| Duration::from_millis(sum * 10)).ok_or_else(|| format!("/proc/{process}/stat is unknown"))
}
