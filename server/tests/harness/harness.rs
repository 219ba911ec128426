//! Real servers for tests, on both databases: in this process on port 0, or as the program itself, to be killed.

#![allow(dead_code, clippy::unwrap_used, clippy::disallowed_methods)]

pub mod fault;

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rookery_client::{Api, v1};
use rookery_server::{Server, config::Config, domain::ctx::Clock};
use sqlx::Connection;
use tokio::{net::TcpListener, sync::oneshot};

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Makes two tests of one async function that takes a `Backend`: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both {
    ($(async fn $name:ident($backend:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body($backend: $crate::harness::Backend) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                body($crate::harness::Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                body($crate::harness::Backend::Postgres).await;
            }
        }
    )*};
}

/// Whether a long check runs in full (`cargo xtask check NAME`) rather than in its short form.
pub fn in_full() -> bool {
    std::env::var("ROOKERY_CHECK").is_ok_and(|value| value == "full")
}

/// How long something may take: as promised in a long check, which has the machine for itself; else ten times as long, so
/// that nothing hangs.
pub fn patience(promised: Duration) -> Duration {
    if in_full() { promised } else { promised * 10 }
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A name that no other test has.
pub fn unique(word: &str) -> String {
    format!("{word}{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A folder or database of one test's own; both are gone when dropped.
#[derive(Debug)]
pub struct Store {
    pub dir: PathBuf,
    /// Empty: SQLite in the folder.
    pub database: String,
}

impl Store {
    pub async fn new(backend: Backend) -> Self {
        let dir = std::env::temp_dir().join(unique("rookery-test-"));
        std::fs::create_dir_all(&dir).unwrap();
        let database = match backend {
            Backend::Sqlite => String::new(),
            Backend::Postgres => {
                let server = std::env::var("ROOKERY_TEST_POSTGRES").expect(
                    "ROOKERY_TEST_POSTGRES is not set: run `cargo xtask test`, or start a database with \
                     `cargo xtask postgres`",
                );
                let name = unique("rookery");
                let mut conn = sqlx::PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
                let create = format!("create database {name}");
                sqlx::query(sqlx::AssertSqlSafe(create)).execute(&mut conn).await.unwrap();
                conn.close().await.unwrap();
                format!("{server}/{name}")
            }
        };
        Self { dir, database }
    }

    /// Without rates: most tests are about something else, and in more of a hurry than people. With patience: the machine may
    /// have other things to do.
    pub fn config(&self) -> Config {
        let mut config = Config { data: self.dir.clone(), database: self.database.clone(), ..Config::default() };
        config.limits.enabled = false;
        config.timings.call = 100;
        config
    }

    /// The first column of what a query finds, past the server.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        // Closed before the answer: what closes later still works in the folder.
        if self.database.is_empty() {
            let mut conn = self.sqlite().await;
            let rows = sqlx::query_scalar(query).fetch_all(&mut conn).await.unwrap();
            conn.close().await.unwrap();
            rows
        } else {
            let mut conn = sqlx::PgConnection::connect(&self.database).await.unwrap();
            sqlx::query_scalar(query).fetch_all(&mut conn).await.unwrap()
        }
    }

    /// Changes rows, past the server.
    pub async fn change(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        if self.database.is_empty() {
            let mut conn = self.sqlite().await;
            sqlx::query(statement).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        } else {
            let mut conn = sqlx::PgConnection::connect(&self.database).await.unwrap();
            sqlx::query(statement).execute(&mut conn).await.unwrap();
        }
    }

    async fn sqlite(&self) -> sqlx::SqliteConnection {
        sqlx::SqliteConnection::connect(&self.dir.join("rookery.db").to_string_lossy()).await.unwrap()
    }
}

/// A database server that a test has killed keeps it; the folder of all goes at the end.
fn drop_database(server: &str, drop: String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = runtime.block_on(async {
        let mut conn = sqlx::PgConnection::connect(server).await?;
        sqlx::query(sqlx::AssertSqlSafe(drop)).execute(&mut conn).await?;
        conn.close().await
    });
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
        // The test's own runtime may have ended, or wait for us.
        if let Some((server, name)) = self.database.rsplit_once('/') {
            let (server, drop) = (format!("{server}/postgres"), format!("drop database if exists {name} with (force)"));
            let _ = std::thread::spawn(move || drop_database(&server, drop)).join();
        }
        fault::none();
    }
}

/// A server in this process.
pub struct Served {
    pub address: SocketAddr,
    pub store: Store,
    /// What the program prints after its first start.
    pub owner_code: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<Result<(), String>>,
}

impl Served {
    pub async fn start(backend: Backend) -> Self {
        Self::with(backend, |_| {}).await
    }

    /// With other settings.
    pub async fn with(backend: Backend, set: impl FnOnce(&mut Config)) -> Self {
        let store = Store::new(backend).await;
        let mut config = store.config();
        set(&mut config);
        Self::serve(store, &config, Clock::system()).await
    }

    pub async fn serve(store: Store, config: &Config, clock: Clock) -> Self {
        fault::watch();
        let server = Server::open(config, clock).await.unwrap();
        let owner_code = server.owner_code();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.serve(listener, async move {
            let _ = stopped.await;
        }));
        Self { address, store, owner_code, stop: Some(stop), task }
    }

    /// Stops it as SIGTERM does; its data stays.
    pub async fn stop(mut self) -> Store {
        drop(self.stop.take());
        self.task.await.unwrap().unwrap();
        self.store
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Calls without a token, over a connection of their own.
    pub fn anonymous(&self) -> Api {
        Api::new(&self.url(), None).unwrap()
    }

    /// A new account, over a connection of its own, that the operator has made an admin's.
    pub async fn admin(&self, name: &str) -> Person {
        let person = self.user(name).await;
        promote(&self.store, person.id).await;
        person
    }

    /// A new account, over a connection of its own.
    pub async fn user(&self, name: &str) -> Person {
        Person::register(&self.url(), name).await
    }
}

/// Makes somebody an admin, as the operator does.
pub async fn promote(store: &Store, user_id: i64) {
    let promote = "update users set admin = true where id = $1";
    if store.database.is_empty() {
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(store.dir.join("rookery.db"));
        let mut conn = sqlx::SqliteConnection::connect_with(&file).await.unwrap();
        sqlx::query(promote).bind(user_id).execute(&mut conn).await.unwrap();
    } else {
        let mut conn = sqlx::PgConnection::connect(&store.database).await.unwrap();
        sqlx::query(promote).bind(user_id).execute(&mut conn).await.unwrap();
    }
}

pub const PASSWORD: &str = "correct horse battery";

/// A signed-in account.
#[derive(Clone, Debug)]
pub struct Person {
    pub api: Api,
    pub id: i64,
    pub name: String,
    pub token: String,
}

impl Person {
    pub async fn register(url: &str, name: &str) -> Self {
        let api = Api::new(url, None).unwrap();
        let request = v1::RegisterRequest { name: name.into(), password: PASSWORD.into(), ..Default::default() };
        let answer = api.register(request).await.unwrap();
        let api = api.with_token(Some(&answer.token)).unwrap();
        Self { api, id: answer.user.unwrap().id, name: name.into(), token: answer.token }
    }

    pub async fn say(&self, conversation_id: i64, text: &str) -> v1::Message {
        let request = v1::SendMessageRequest { conversation_id, text: text.into(), ..Default::default() };
        self.api.send_message(request).await.unwrap().message.unwrap()
    }

    pub async fn direct(&self, other: &Self) -> i64 {
        let request = v1::OpenDirectRequest { user_id: other.id };
        self.api.open_direct(request).await.unwrap().conversation.unwrap().id
    }

    pub async fn group(&self, name: &str, members: &[&Self], public: bool) -> i64 {
        let request = v1::CreateGroupRequest {
            name: name.into(),
            member_ids: members.iter().map(|member| member.id).collect(),
            public,
            ..Default::default()
        };
        self.api.create_group(request).await.unwrap().conversation.unwrap().id
    }

    pub async fn messages(&self, conversation_id: i64) -> Vec<v1::Message> {
        let request = v1::ListMessagesRequest { conversation_id, page_size: 100, ..Default::default() };
        self.api.list_messages(request).await.unwrap().messages
    }
}

/// The program itself.
pub struct Process {
    child: Child,
    log: fault::Log,
    /// Whether it is to do nothing wrong.
    sound: bool,
    /// What it may say all the same.
    wanted: OnceLock<&'static str>,
    pub address: SocketAddr,
    program: Vec<String>,
    /// What the program finds in its environment.
    environment: Environment,
}

impl Process {
    /// Starts the program on a store, on any port.
    pub fn start(store: &Store) -> Self {
        Self::under(store, &[], "127.0.0.1:0")
    }

    /// Starts it behind other programs (strace, say).
    pub fn under(store: &Store, before: &[&str], listen: &str) -> Self {
        Self::of(env!("CARGO_BIN_EXE_rookery-server").into(), true, environment("", false), store, before, listen)
    }

    /// Starts it as it is for people, with rates.
    pub fn with_rates(store: &Store) -> Self {
        let program = env!("CARGO_BIN_EXE_rookery-server").into();
        Self::of(program, true, environment("", true), store, &[], "127.0.0.1:0")
    }

    /// Starts the program that fails where it is told to, as server/src/fault.rs says.
    pub fn failing(store: &Store, failpoints: &str, before: &[&str], listen: &str) -> Self {
        let program = tool("ROOKERY_TEST_FAILING").to_string_lossy().into_owned();
        Self::of(program, false, environment(failpoints, false), store, before, listen)
    }

    fn of(server: String, sound: bool, environment: Environment, store: &Store, before: &[&str], listen: &str) -> Self {
        let mut program: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        program.push(server);
        program.extend(["--data".into(), store.dir.to_string_lossy().into_owned()]);
        if !store.database.is_empty() {
            program.extend(["--database".into(), store.database.clone()]);
        }
        let (child, log, address) = spawn(&program, &environment, listen);
        Self { child, log, sound, wanted: OnceLock::new(), address, program, environment }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9: no goodbye.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal by name (TERM, STOP, CONT).
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end; its exit code, if it ends in time.
    pub fn ended_within(&mut self, limit: Duration) -> Option<Option<i32>> {
        let start = std::time::Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Starts it again, on the same address.
    pub fn restart(&mut self) {
        self.end();
        let (child, log, address) = spawn(&self.program, &self.environment, &self.address.to_string());
        (self.child, self.log, self.address) = (child, log, address);
    }

    /// Kills it, and looks whether it did anything wrong.
    fn end(&mut self) {
        self.kill();
        if self.sound {
            self.log.none_but(self.wanted.get().copied());
        }
    }

    /// The test makes it say this.
    pub fn may_say(&self, error: &'static str) {
        self.wanted.set(error).expect("one error that is wanted");
    }

    /// The same, to fail elsewhere from now on.
    pub fn restart_to_fail(&mut self, failpoints: &str) {
        self.environment = environment(failpoints, false);
        self.restart();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

type Environment = [(&'static str, String); 2];

fn environment(failpoints: &str, rates: bool) -> Environment {
    [("FAILPOINTS", failpoints.to_owned()), ("ROOKERY_LIMITS_ENABLED", rates.to_string())]
}

fn spawn(program: &[String], environment: &Environment, listen: &str) -> (Child, fault::Log, SocketAddr) {
    let mut child = Command::new(&program[0])
        .args(&program[1..])
        .args(["--listen", listen])
        .env("ROOKERY_LOG_LEVEL", "warn")
        .envs(environment.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = fault::Log::follow(child.stderr.take().unwrap());
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("Rookery is ready: ").and_then(|url| url.split_once("://"));
    let (_, address) = address.unwrap_or_else(|| panic!("it said {line:?}"));
    let address = address.parse().unwrap();
    (child, log, address)
}

/// A tool's path, from the variable that `cargo xtask test` sets.
pub fn tool(variable: &str) -> PathBuf {
    let path = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run `cargo xtask test`"));
    Path::new(&path).to_owned()
}
