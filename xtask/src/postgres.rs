//! A throw-away PostgreSQL for the tests: its own folder, its own port, and the durability that a real one has.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Outcome, cargo, child, stop, test, tool};

const READY_WITHIN: Duration = Duration::from_secs(60);
/// Enough in memory for all test databases of one run.
const ROOM_KIB: u64 = 2 * 1024 * 1024;
const PREFIX: &str = "rookery-postgres-";

/// A running cluster; dropping it ends it and removes its folder.
pub struct Postgres {
    child: Child,
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    account: Option<Account>,
}

/// PostgreSQL refuses to run as root; then it runs as the user `nobody`.
#[derive(Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

/// Starts one and keeps it until Ctrl-C, for people who want a plain `cargo test`.
pub fn hold() -> Outcome {
    let tools = tool::find_all()?;
    let failing = cargo::build_failing("dev")?;
    let mut postgres = Postgres::start(&tools.postgres)?;
    println!("PostgreSQL runs until Ctrl-C. In another terminal:\n");
    for (name, value) in postgres.variables() {
        println!("export {name}={value}");
    }
    for (name, path) in tools.variables() {
        println!("export {name}={}", path.display());
    }
    println!("export {}={}", test::FAILING, failing.display());
    while stop::received().is_none() {
        if let Some(status) = child::look(&mut postgres.child)? {
            return Err(format!("PostgreSQL has ended by itself ({status})"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

impl Postgres {
    /// Makes a cluster and starts it on a free port of this machine.
    pub fn start(programs: &Path) -> Outcome<Self> {
        let account = if tool::is_root() { Some(Account::nobody()?) } else { None };
        sweep(programs, account);
        let folder = roomy_place().join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let started = start_in(programs, &folder, account);
        if started.is_err() {
            // The first mistake is the one to tell.
            let _ = fs::remove_dir_all(&folder);
        }
        started
    }

    /// The variables by which tests find it.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        let log = log_in(&self.folder).display().to_string();
        [
            ("ROOKERY_TEST_POSTGRES", format!("postgres://rookery@127.0.0.1:{}", self.port)),
            ("ROOKERY_TEST_POSTGRES_LOG", log),
        ]
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        end(&self.programs, &self.folder, self.account);
        // Nothing more can be done about a failure here; the next start sweeps what is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn start_in(programs: &Path, folder: &Path, account: Option<Account>) -> Outcome<Postgres> {
    own(folder, account)?;
    let cluster = cluster_in(folder);
    let locale = if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" };
    let mut initdb = program(programs, "initdb", folder, account);
    initdb.args(["--username=rookery", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale", locale]);
    child::read(initdb.arg("-D").arg(&cluster))?;

    let port = free_port()?;
    let log = File::create(log_in(folder)).map_err(|error| format!("cannot write PostgreSQL's log: {error}"))?;
    let mut postgres = program(programs, "postgres", folder, account);
    postgres.arg("-D").arg(&cluster).args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]);
    postgres.arg("-c").arg(format!("port={port}")).arg("-c");
    postgres.arg(format!("unix_socket_directories={}", folder.display()));
    let child = child::spawn(postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log))?;
    let mut started = Postgres { child, programs: programs.to_owned(), folder: folder.to_owned(), port, account };
    await_ready(&mut started)?;
    Ok(started)
}

fn await_ready(postgres: &mut Postgres) -> Outcome {
    let deadline = Instant::now() + READY_WITHIN;
    let mut ready = program(&postgres.programs, "pg_isready", &postgres.folder, None);
    ready.args(["--host=127.0.0.1", &format!("--port={}", postgres.port)]);
    while !child::succeeds(&mut ready) {
        let ended = child::look(&mut postgres.child)?.is_some();
        if ended || Instant::now() > deadline {
            let log = fs::read_to_string(log_in(&postgres.folder)).unwrap_or_default();
            return Err(format!("PostgreSQL did not start. Its log:\n{log}"));
        }
        if stop::received().is_some() {
            return Err("stopped".to_owned());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Its data is thrown away, so it need not write anything more.
fn end(programs: &Path, folder: &Path, account: Option<Account>) {
    let mut command = program(programs, "pg_ctl", folder, account);
    child::succeeds(command.args(["stop", "--wait", "--mode=immediate", "-D"]).arg(cluster_in(folder)));
}

/// Ends and removes what a killed run of ours has left behind.
fn sweep(programs: &Path, account: Option<Account>) {
    if !cfg!(target_os = "linux") {
        return;
    }
    for place in places() {
        let folders = fs::read_dir(place).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        for folder in folders {
            let owner = folder.file_name().and_then(|name| name.to_str()?.strip_prefix(PREFIX)?.parse::<u32>().ok());
            if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists()) {
                end(programs, &folder, account);
                // Another person's folder stays: only its owner can remove it.
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }
}

fn places() -> [PathBuf; 2] {
    [PathBuf::from("/dev/shm"), std::env::temp_dir()]
}

/// Memory where there is enough of it: fsync costs nothing there, and is called all the same.
fn roomy_place() -> PathBuf {
    let [memory, disk] = places();
    let table = child::answer(Command::new("df").arg("-Pk").arg(&memory)).unwrap_or_default();
    let free = table.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    if free.is_some_and(|free| free >= ROOM_KIB) { memory } else { disk }
}

fn cluster_in(folder: &Path) -> PathBuf {
    folder.join("cluster")
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("postgres.log")
}

fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("no port is free: {error}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| format!("no port is free: {error}"))
}

fn program(programs: &Path, name: &str, folder: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(programs.join(name));
    command.current_dir(folder).env("LC_ALL", "C");
    // A terminal's Ctrl-C is for us alone: the tests still need the database while they end.
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
        if let Some(Account { user, group }) = account {
            command.uid(user).gid(group);
        }
    }
    command
}

impl Account {
    fn nobody() -> Outcome<Self> {
        let number = |flag| child::answer(Command::new("id").args([flag, "nobody"]))?.parse().ok();
        match (number("-u"), number("-g")) {
            (Some(user), Some(group)) => Ok(Account { user, group }),
            _ => Err("PostgreSQL does not run as root, and there is no user `nobody` to run it as".to_owned()),
        }
    }
}

/// Makes the folder private to the account that PostgreSQL runs as.
#[cfg(unix)]
fn own(folder: &Path, account: Option<Account>) -> Outcome {
    use std::os::unix::fs::{PermissionsExt, chown};
    let private = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    let given = account.map_or(Ok(()), |account| chown(folder, Some(account.user), Some(account.group)));
    private.and(given).map_err(|error| format!("cannot give {} to PostgreSQL: {error}", folder.display()))
}

#[cfg(not(unix))]
fn own(_: &Path, _: Option<Account>) -> Outcome {
    Ok(())
}
