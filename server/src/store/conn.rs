//! The two databases behind one face: pools for reading, connections for the writer, and `on!`, which compiles one body
//! for both. Durability settings are set here, read back, and refused when unsafe.

use std::{
    path::PathBuf,
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Executor, PgPool, Postgres, Row, Sqlite, SqlitePool,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::migration;
use crate::fault;

/// Runs one body on whichever database a connection belongs to: `on!(conn, c => query(TEXT).execute(c).await?)`.
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::store::Conn::Sqlite(connection) => {
                let $c = &mut **connection;
                $body
            }
            $crate::store::Conn::Postgres(connection) => {
                let $c = &mut **connection;
                $body
            }
        }
    };
}
pub(crate) use on;

/// What went wrong below, by what it means to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row with this key exists.
    #[error("unique key taken")]
    Taken,
    /// The statement took too long and was ended.
    #[error("a statement took too long")]
    TooLong,
    /// The database cannot be reached, or is too busy.
    #[error("database away: {0}")]
    Away(String),
    /// There is no room on the disk; nothing was stored.
    #[error("disk full: {0}")]
    Full(String),
    /// The disk failed to read, write or sync. What of a write is stored is not known, and trying again may lie.
    #[error("disk fault: {0}")]
    Disk(String),
    /// Anything else: a fault of ours or of the database.
    #[error("database fault: {0}")]
    Fault(String),
}

const SQLITE_IOERR: i32 = 10;
const SQLITE_BUSY: i32 = 5;
const SQLITE_FULL: i32 = 13;

/// What kind of error SQLite says it is; none if it is not SQLite's.
fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<i32> {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    Some(error.code()?.parse::<i32>().ok()? & 0xff)
}

/// A store function's answer.
pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Taken,
            // PostgreSQL's disk_full; the others are numbers of SQLite's, whose last byte says what they are kinds of.
            sqlx::Error::Database(database) if database.code().is_some_and(|code| code == "53100") => {
                Self::Full(error.to_string())
            }
            sqlx::Error::Database(database) if sqlite_code(&**database) == Some(SQLITE_FULL) => {
                Self::Full(error.to_string())
            }
            sqlx::Error::Database(database) if sqlite_code(&**database) == Some(SQLITE_IOERR) => {
                Self::Disk(error.to_string())
            }
            // Another process, the command line or a backup, held the file for too long.
            sqlx::Error::Database(database) if sqlite_code(&**database) == Some(SQLITE_BUSY) => {
                Self::Away(error.to_string())
            }
            // 40xxx: PostgreSQL gave this transaction up for another's sake; 55P03 and 57xxx: it waited too long, or is stopping.
            sqlx::Error::Database(database)
                if database
                    .code()
                    .is_some_and(|code| code.starts_with("40") || code.starts_with("57") || code == "55P03") =>
            {
                Self::Away(error.to_string())
            }
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_) => Self::Away(error.to_string()),
            _ => Self::Fault(error.to_string()),
        }
    }
}

/// Where the data is.
#[derive(Clone, Debug)]
pub enum DbConfig {
    /// A file in the data folder.
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(String),
}

/// The database: one pool for reading, one for the writer, one for searches, which take their time.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file.
    Sqlite {
        /// Readers.
        read: SqlitePool,
        /// The one writer.
        write: SqlitePool,
        /// Searches.
        search: SqlitePool,
    },
    /// A server.
    Postgres {
        /// Readers.
        read: PgPool,
        /// The writers.
        write: PgPool,
        /// Searches.
        search: PgPool,
    },
}

/// One connection of either kind.
#[derive(Debug)]
pub enum Conn {
    /// To the file.
    Sqlite(PoolConnection<Sqlite>),
    /// To the server.
    Postgres(PoolConnection<Postgres>),
}

/// How many writer connections PostgreSQL gets; each conversation is always written through the same one.
const POSTGRES_WRITERS: u32 = 4;
const READERS: u32 = 4;
/// The most searches at a time; others wait for them, and nobody else does.
const SEARCHES: u32 = 2;
/// How long a connection for searching is kept without any.
const SEARCH_IDLE: Duration = Duration::from_secs(60);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Db {
    /// Opens the database, checks that what it acknowledges is durable, and brings its schema up to date.
    pub async fn open(config: &DbConfig) -> std::result::Result<Self, String> {
        let db = Self::connect(config).await?;
        let mut conn = db.writer().await.map_err(|error| error.to_string())?;
        conn.settle().await?;
        match &mut conn {
            Conn::Sqlite(c) => migration::run(&mut **c, migration::SQLITE).await?,
            Conn::Postgres(c) => migration::run(&mut **c, migration::POSTGRES).await?,
        }
        drop(conn);
        Ok(db)
    }

    /// Opens the database as it is.
    pub async fn connect(config: &DbConfig) -> std::result::Result<Self, String> {
        let db = match config {
            DbConfig::Sqlite(path) => Self::open_sqlite(path.clone()).await?,
            DbConfig::Postgres(url) => Self::open_postgres(url).await?,
        };
        db.writer().await.map_err(|error| error.to_string())?.refuse_unsafe().await?;
        Ok(db)
    }

    async fn open_sqlite(path: PathBuf) -> std::result::Result<Self, String> {
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("trusted_schema", "off")
            .pragma("mmap_size", "0")
            .pragma("journal_size_limit", "67108864")
            // What a statement needs to be taken back alone is kept in memory, not in a file: a tenth of a group's cost.
            .pragma("temp_store", "memory")
            // Checkpoints of 16 MiB instead of 4: a page that many commits change is copied into the file less often.
            .pragma("wal_autocheckpoint", if fault::planted("small-log") { "20" } else { "4000" })
            .disable_statement_logging();
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(|error| format!("{} cannot be opened: {error}", path.display()))?;
        let read = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone().read_only(true))
            .await
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let search = SqlitePoolOptions::new()
            .max_connections(SEARCHES)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(SEARCH_IDLE)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.read_only(true));
        Ok(Self::Sqlite { read, write, search })
    }

    async fn open_postgres(url: &str) -> std::result::Result<Self, String> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| format!("--database is not a PostgreSQL address: {error}"))?
            .application_name("rookery")
            .options([
                ("statement_timeout", "5s"),
                ("lock_timeout", "2s"),
                ("idle_in_transaction_session_timeout", "5s"),
            ])
            .disable_statement_logging();
        let read = PgPoolOptions::new()
            .max_connections(READERS * 2)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // sqlx 0.9.0 can hand a connection back inside an open transaction when a future was dropped at the wrong
            // moment; the next borrower would then read a stale snapshot. No transaction may outlive a borrower.
            .after_release(|conn, _| {
                Box::pin(async move { conn.fetch_one(sqlx::raw_sql(AT_REST_POSTGRES)).await?.try_get(0) })
            })
            .connect_with(options.clone())
            .await
            .map_err(|error| format!("PostgreSQL cannot be reached: {error}"))?;
        let write = PgPoolOptions::new()
            .max_connections(POSTGRES_WRITERS + 1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            // All statements of the writer look rows up by key. Without this, plans made while the tables are empty (read
            // them whole) are kept while they grow, and a new server is several times slower than it should be.
            .after_connect(|conn, _| {
                Box::pin(async move { conn.execute("set enable_seqscan = off").await.map(|_| ()) })
            })
            .connect_with(options.clone())
            .await
            .map_err(|error| format!("PostgreSQL cannot be reached: {error}"))?;
        // How many messages a word finds depends on the word: each search is planned for its own. What the planner expects of
        // arrays is far from what comes, so the order of the steps is the text's: first the index, then rows by their keys.
        let options = options.options([
            ("plan_cache_mode", "force_custom_plan"),
            ("join_collapse_limit", "1"),
            ("from_collapse_limit", "1"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("enable_material", "off"),
            ("jit", "off"),
        ]);
        let search = PgPoolOptions::new()
            .max_connections(SEARCHES)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(SEARCH_IDLE)
            .max_lifetime(None)
            .connect_lazy_with(options);
        Ok(Self::Postgres { read, write, search })
    }

    /// A connection for reading. Each read is one statement: a later statement sees at least what an earlier one saw.
    pub async fn reader(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite { read, .. } => Conn::Sqlite(read.acquire().await?),
            Self::Postgres { read, .. } => Conn::Postgres(read.acquire().await?),
        })
    }

    /// A connection for a search: a statement that takes longer than `limit` fails.
    pub async fn searcher(&self, limit: Duration) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite { search, .. } => {
                let mut conn = search.acquire().await?;
                let end = Instant::now() + limit;
                // Looked at each thousand instructions. Stays until the next search sets its own.
                conn.lock_handle().await?.set_progress_handler(1000, move || Instant::now() < end);
                Conn::Sqlite(conn)
            }
            Self::Postgres { search, .. } => {
                let mut conn = search.acquire().await?;
                sqlx::query(LIMIT_POSTGRES).bind(limit.as_millis().to_string()).execute(&mut *conn).await?;
                Conn::Postgres(conn)
            }
        })
    }

    /// A connection for the writer.
    pub async fn writer(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite { write, .. } => Conn::Sqlite(write.acquire().await?),
            Self::Postgres { write, .. } => Conn::Postgres(write.acquire().await?),
        })
    }

    /// How many writer tasks there should be.
    pub fn writers(&self) -> usize {
        match self {
            Self::Sqlite { .. } => 1,
            Self::Postgres { .. } => POSTGRES_WRITERS as usize,
        }
    }

    /// Closes all connections; SQLite then folds its log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, search } => {
                search.close().await;
                read.close().await;
                write.close().await;
            }
            Self::Postgres { read, write, search } => {
                search.close().await;
                read.close().await;
                write.close().await;
            }
        }
    }
}

// Whether a transaction has begun with this very statement. Asked as a simple query: of a prepared one each step has a time of
// its own, and the two would never be the same.
const AT_REST_POSTGRES: &str = "select now() = statement_timestamp()";
const LIMIT_POSTGRES: &str = "select set_config('statement_timeout', $1, false)";
const VERSION_SQLITE: &str = "select sqlite_version()";
const SYNCHRONOUS_SQLITE: &str = "pragma synchronous";
const JOURNAL_MODE_SQLITE: &str = "pragma journal_mode";
const SCHEMA: &str = "select coalesce(max(version), 0) from _sqlx_migrations";
// Passive: a backup that is being made is not waited for.
const CHECKPOINT_SQLITE: &str = "pragma wal_checkpoint(passive)";
const SETTINGS_POSTGRES: &str = "select name, setting from pg_settings \
    where name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name";

/// Refuses SQLite so built or so set that what it acknowledges could be lost.
fn refuse_unsafe_sqlite(version: &str, mode: &str, synchronous: i64) -> std::result::Result<(), String> {
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers < vec![3, 51, 3] {
        return Err(format!("SQLite {version} can corrupt its log; 3.51.3 or newer is needed"));
    }
    if mode != "wal" || synchronous < 2 {
        return Err(format!(
            "SQLite runs with journal_mode={mode} and synchronous={synchronous}: what is acknowledged could be lost"
        ));
    }
    Ok(())
}

impl Conn {
    /// Reads the durability settings back. What they promise is the product's promise.
    async fn refuse_unsafe(&mut self) -> std::result::Result<(), String> {
        let unreadable = |error: sqlx::Error| format!("the database's settings cannot be read: {error}");
        match self {
            Self::Sqlite(c) => {
                let version: String =
                    sqlx::query_scalar(VERSION_SQLITE).fetch_one(&mut **c).await.map_err(unreadable)?;
                let mode: String =
                    sqlx::query_scalar(JOURNAL_MODE_SQLITE).fetch_one(&mut **c).await.map_err(unreadable)?;
                let synchronous: i64 =
                    sqlx::query_scalar(SYNCHRONOUS_SQLITE).fetch_one(&mut **c).await.map_err(unreadable)?;
                refuse_unsafe_sqlite(&version, &mode, synchronous)?;
            }
            Self::Postgres(c) => {
                let settings: Vec<(String, String)> =
                    sqlx::query_as(SETTINGS_POSTGRES).fetch_all(&mut **c).await.map_err(unreadable)?;
                for (name, setting) in settings {
                    let waits = ["on", "remote_apply"].contains(&setting.as_str());
                    let weak = setting == "off" || name == "synchronous_commit" && !waits;
                    if weak {
                        return Err(format!(
                            "PostgreSQL runs with {name}={setting}: what is acknowledged could be lost; set {name}=on"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Which step the schema is at, if it is this program's newest; else in words why it is not.
    pub async fn schema(&mut self) -> std::result::Result<std::result::Result<i64, String>, String> {
        let list = if matches!(self, Self::Sqlite(_)) { migration::SQLITE } else { migration::POSTGRES };
        let newest = list.last().map_or(0, |(number, ..)| *number);
        let step: i64 = on!(self, c => sqlx::query_scalar(SCHEMA).fetch_one(c).await)
            .map_err(|error| format!("the schema cannot be read: {error}"))?;
        Ok(match step.cmp(&newest) {
            std::cmp::Ordering::Equal => Ok(step),
            std::cmp::Ordering::Less => {
                Err(format!("step {step} of {newest}: a start of this program's server brings it up to date"))
            }
            std::cmp::Ordering::Greater => {
                Err(format!("step {step}, which this program does not know: it needs the newer program"))
            }
        })
    }

    /// Folds what the log holds into the file. After a crash or a disk's failure some of it may be in the machine's memory
    /// alone, although it can be read: so it is written and synced once more, before anybody is shown it.
    async fn settle(&mut self) -> std::result::Result<(), String> {
        let Self::Sqlite(c) = self else { return Ok(()) };
        let folded = sqlx::query(CHECKPOINT_SQLITE).execute(&mut **c).await;
        folded.map(|_| ()).map_err(|error| format!("the database's log cannot be folded into its file: {error}"))
    }

    /// Begins a transaction that writes.
    pub async fn begin(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(c) => sqlx::query("begin immediate").execute(&mut **c).await.map(|_| ())?,
            Self::Postgres(c) => sqlx::query("begin").execute(&mut **c).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Commits.
    pub async fn commit(&mut self) -> Result<()> {
        on!(self, c => sqlx::query("commit").execute(c).await.map(|_| ())?);
        Ok(())
    }

    /// Rolls back. Without an open transaction SQLite answers with an error, which means the same.
    pub async fn rollback(&mut self) -> Result<()> {
        let outcome = on!(self, c => sqlx::query("rollback").execute(c).await.map(|_| ()));
        match outcome {
            Err(sqlx::Error::Database(error)) if error.message().contains("no transaction is active") => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Throws the connection away instead of handing it back to its pool.
    pub async fn discard(self) {
        match self {
            Self::Sqlite(c) => drop(c.close().await),
            Self::Postgres(c) => drop(c.close().await),
        }
    }
}

/// The connection of a transaction that writes, as the rules see it. Remembers whether anything was written: a rule that
/// says no before it writes costs its group nothing.
#[derive(Debug)]
pub struct Tx {
    conn: Conn,
    written: bool,
    /// The transaction's time, in milliseconds since 1970.
    pub now: i64,
}

impl Tx {
    /// Wraps a connection.
    pub fn new(conn: Conn) -> Self {
        Self { conn, written: false, now: 0 }
    }

    /// For statements that only read.
    pub fn read(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// For statements that write.
    pub fn write(&mut self) -> &mut Conn {
        self.written = true;
        &mut self.conn
    }

    /// Whether anything was written since the last call.
    pub fn take_written(&mut self) -> bool {
        std::mem::take(&mut self.written)
    }

    /// The connection, for good.
    pub fn into_conn(self) -> Conn {
        self.conn
    }
}

#[cfg(test)]
mod tests {
    use super::refuse_unsafe_sqlite;

    /// A08: what no setting of ours can bring about.
    #[test]
    fn an_older_sqlite_or_a_weaker_setting_is_refused() {
        for version in ["3.51.3", "3.52.0", "4.0.0", "3.51.10"] {
            assert_eq!(refuse_unsafe_sqlite(version, "wal", 2), Ok(()), "{version}");
        }
        for version in ["3.51.2", "3.46.0", "3.7.17", "2.8.17", ""] {
            assert!(refuse_unsafe_sqlite(version, "wal", 2).unwrap_err().contains("3.51.3"), "{version}");
        }
        for (mode, synchronous) in [("wal", 1), ("wal", 0), ("delete", 2), ("memory", 3), ("off", 2)] {
            let refused = refuse_unsafe_sqlite("3.51.3", mode, synchronous).unwrap_err();
            assert!(refused.contains("could be lost"), "{refused}");
        }
        assert_eq!(refuse_unsafe_sqlite("3.51.3", "wal", 3), Ok(()));
    }
}
