//! The program under attack: its own settings, its memory, and a client that wants nothing but to be served meanwhile.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use crate::harness::{Backend, Person, Process, Store, in_full};

/// What all of it must fit in.
const ROOM: u64 = 512 << 20;

/// A server, its data, and the room that it has.
pub struct Target {
    pub server: Process,
    pub store: Store,
    group: Option<PathBuf>,
}

impl Target {
    /// With the settings as they are in the long form; in the short one whatever takes time takes a second.
    pub async fn start() -> Self {
        let short = "[timings]\ngreeting = 1\nbody = 1\ncall = 1\n";
        Self::with(if in_full() { "" } else { short }, &[]).await
    }

    /// With these settings, behind another program.
    pub async fn with(settings: &str, before: &[&str]) -> Self {
        Self::beside(Store::new(Backend::Sqlite).await, settings, before)
    }

    /// In a folder that holds something already.
    pub fn beside(store: Store, settings: &str, before: &[&str]) -> Self {
        fs::write(store.dir.join("rookery.toml"), settings).unwrap();
        let server = Process::under(&store, before, "127.0.0.1:0");
        Self::of(server, store)
    }

    /// Where other machines reach it, too.
    pub async fn off_loopback() -> Self {
        let store = Store::new(Backend::Sqlite).await;
        fs::write(store.dir.join("rookery.toml"), "allow_plain_text = true\n").unwrap();
        let server = Process::under(&store, &[], "0.0.0.0:0");
        Self::of(server, store)
    }

    /// The program that panics where it is told to.
    pub async fn failing(settings: &str, failpoints: &str) -> Self {
        let store = Store::new(Backend::Sqlite).await;
        fs::write(store.dir.join("rookery.toml"), settings).unwrap();
        let server = Process::failing(&store, failpoints, &[], "127.0.0.1:0");
        Self::of(server, store)
    }

    fn of(server: Process, store: Store) -> Self {
        let group = in_full().then(|| confine(server.id()));
        Self { server, store, group }
    }

    /// How much memory it has, in KiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Says and checks how much memory an attack took.
    #[track_caller]
    pub fn grew_at_most(&self, before: u64, mib: u64, what: &str) {
        let grew = self.memory().saturating_sub(before);
        println!("{what}: {:.1} MiB more memory", grew as f64 / 1024.0);
        assert!(grew <= mib * 1024, "{what}: {grew} KiB more memory");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.server.ended_within(Duration::ZERO).is_some() && !std::thread::panicking() {
            panic!("the server did not live");
        }
        self.server.kill();
        if let Some(group) = &self.group {
            let _ = fs::remove_dir(group);
        }
    }
}

/// Gives a process 512 MiB and no more (F16): the kernel ends it if it needs more. That takes root.
fn confine(id: u32) -> PathBuf {
    let (group, limit) = [("memory/", "memory.limit_in_bytes"), ("", "memory.max")]
        .into_iter()
        .find_map(|(sort, limit)| {
            let group = PathBuf::from(format!("/sys/fs/cgroup/{sort}rookery-attack-{id}"));
            fs::create_dir(&group).ok()?;
            group.join(limit).exists().then_some((group, limit))
        })
        .expect("the long form runs in a memory cgroup: be root, where the kernel has them");
    fs::write(group.join(limit), ROOM.to_string()).unwrap();
    fs::write(group.join("cgroup.procs"), id.to_string()).unwrap();
    group
}

/// What is quick enough whatever it was before: twice nearly nothing is nothing to complain of.
const QUICK: Duration = Duration::from_millis(50);

/// Somebody who chats while others attack.
pub struct Bystander {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<Duration>>,
    /// How long her sends took before.
    quiet: Vec<Duration>,
}

impl Bystander {
    /// She begins while all is quiet, and goes on.
    pub async fn start(target: &Target) -> Self {
        let ada = Person::register(&target.server.url(), "bystander").await;
        let quiet = chat(&ada, Duration::from_millis(if in_full() { 2000 } else { 300 })).await;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut took = Vec::new();
            while took.is_empty() || !stopped.load(Relaxed) {
                took.extend(chat(&ada, Duration::ZERO).await);
            }
            took
        });
        Self { stop, task, quiet }
    }

    /// She was served all the time; says how quickly. In full she had to wait at most twice as long as before.
    pub async fn was_served(self, what: &str) {
        self.stop.store(true, Relaxed);
        let (mut quiet, mut took) = (self.quiet, self.task.await.expect("somebody else was not served"));
        quiet.sort_unstable();
        took.sort_unstable();
        let most = |sorted: &[Duration]| sorted[sorted.len() * 99 / 100];
        let (before, meanwhile, longest) = (most(&quiet), most(&took), took[took.len() - 1]);
        println!(
            "{what}: others' sends took {:?} (median), {meanwhile:?} (99 %), {longest:?} (longest); before {:?} and {before:?}",
            took[took.len() / 2],
            quiet[quiet.len() / 2],
        );
        assert!(longest < Duration::from_secs(5), "{what}: {longest:?}");
        assert!(!in_full() || meanwhile <= QUICK.max(before * 2), "{what}: {meanwhile:?}, and {before:?} before");
    }
}

/// Sends for some time, at least once; how long each took.
async fn chat(ada: &Person, time: Duration) -> Vec<Duration> {
    let (begun, mut took) = (Instant::now(), Vec::new());
    while took.is_empty() || begun.elapsed() < time {
        let sent = Instant::now();
        ada.say(1, "still here").await;
        took.push(sent.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    took
}

/// A port that nobody has just now.
pub async fn free_port() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// What the metrics port says of a name; nothing said is nothing counted.
pub async fn counted(metrics: SocketAddr, name: &str) -> f64 {
    let mut socket = TcpStream::connect(metrics).await.unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |number| number.trim().parse().unwrap())
}
