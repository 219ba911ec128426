//! A08 and C10: a server that could not keep its promises does not start: soon, with one line that says why, and with
//! nothing changed.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::{
    cluster::Cluster,
    harness::{Backend, Person, Process, Store, in_full, patience, tool, unique},
};

/// Starts the program, which must refuse; its one line.
fn refusal(data: &Path, database: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
    program.args(["--listen", "127.0.0.1:0", "--data"]).arg(data);
    if !database.is_empty() {
        program.args(["--database", database]);
    }
    let (begun, limit) = (Instant::now(), patience(Duration::from_secs(2)));
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > limit {
            child.kill().unwrap();
            panic!("it did not refuse within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("it refused after {:?}", begun.elapsed());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "{output:?}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said.trim().strip_prefix("rookery-server: ").unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn hash(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A store that a server has written to and that none runs on.
async fn used(backend: Backend) -> Store {
    let store = Store::new(backend).await;
    let mut server = Process::start(&store);
    Person::register(&server.url(), "ada").await.say(1, "kept").await;
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_folder_is_refused() {
    let store = Store::new(Backend::Sqlite).await;
    let server = Process::start(&store);
    let ada = Person::register(&server.url(), "ada").await;
    let files = || ["rookery.db", "rookery.db-wal"].map(|name| hash(&store.dir.join(name)));
    let before = files();
    assert!(refusal(&store.dir, "").contains("another Rookery server runs on the folder"));
    assert_eq!(files(), before);
    ada.say(1, "undisturbed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_program_is_refused_and_left_alone() {
    const NEWER: &str = "insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
        values (9999, 'newer', current_timestamp, true, $1, 0)";
    let store = used(Backend::Sqlite).await;
    let file = store.dir.join("rookery.db");
    let mut conn = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query(NEWER).bind(vec![0_u8; 48]).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let before = hash(&file);
    for _ in 0..2 {
        assert!(refusal(&store.dir, "").contains("written by a newer Rookery"));
        assert_eq!(hash(&file), before);
    }
    let store = used(Backend::Postgres).await;
    let mut conn = PgConnection::connect(&store.database).await.unwrap();
    sqlx::query(NEWER).bind(vec![0_u8; 48]).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    assert!(refusal(&store.dir, &store.database).contains("written by a newer Rookery"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_refused_and_left_alone() {
    let store = Store::new(Backend::Sqlite).await;
    let file = store.dir.join("rookery.db");
    fs::write(&file, vec![7; 8192]).unwrap();
    let before = hash(&file);
    refusal(&store.dir, "");
    assert_eq!(hash(&file), before);
}

/// Whoever runs the tests as root may write everywhere but where the system itself says no.
#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    assert!(refusal(Path::new("/proc/rookery"), "").contains("cannot be made"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_refused_and_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let store = used(Backend::Sqlite).await;
    let file = store.dir.join("rookery.db");
    let before = hash(&file);
    let allow = |mode| fs::set_permissions(&store.dir, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o500);
    let is_root = fs::write(store.dir.join("probe"), "").is_ok();
    if is_root {
        // To root the mode means nothing; a mount that is read-only does.
        allow(0o700);
        fs::remove_file(store.dir.join("probe")).unwrap();
        let mount = |options: &[&str]| Command::new("mount").args(options).arg(&store.dir).output().unwrap();
        let dir = store.dir.to_str().unwrap();
        let bound = mount(&["--bind", dir]);
        if !bound.status.success() {
            let why = String::from_utf8_lossy(&bound.stderr);
            assert!(!in_full(), "the long form mounts the folder to be read only: be root who may mount ({why})");
            return println!("nothing can be mounted here ({why}): root may write everywhere");
        }
        assert!(mount(&["-o", "remount,bind,ro"]).status.success());
    }
    let said = std::panic::catch_unwind(|| refusal(&store.dir, ""));
    if is_root {
        assert!(Command::new("umount").arg(&store.dir).status().unwrap().success());
    }
    allow(0o700);
    let said = said.unwrap();
    assert!(said.contains("cannot be written"), "{said}");
    assert_eq!(hash(&file), before);
}

/// C10: what the whole of PostgreSQL was told, and what one database or one role was.
#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_may_lose_what_it_has_acknowledged_is_refused() {
    let dir = Store::new(Backend::Sqlite).await;
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let mut cluster = Cluster::new();
        cluster.start(&[&format!("{setting}=off")]).await;
        let said = refusal(&dir.dir, &cluster.database());
        assert!(said.contains(&format!("PostgreSQL runs with {setting}=off")), "{said}");
        let mut conn = PgConnection::connect(&cluster.database()).await.unwrap();
        let tables: i64 = sqlx::query_scalar("select count(*) from pg_tables where schemaname = 'public'")
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(tables, 0, "it began to write all the same");
    }
    let server = tool_text("ROOKERY_TEST_POSTGRES");
    let store = Store::new(Backend::Postgres).await;
    let name = store.database.rsplit('/').next().unwrap();
    let role = unique("role");
    let mut conn = PgConnection::connect(&store.database).await.unwrap();
    let mut run = async |text: String| {
        sqlx::query(AssertSqlSafe(text)).execute(&mut conn).await.unwrap();
    };
    for weak in ["off", "local", "remote_write"] {
        run(format!("alter database {name} set synchronous_commit = {weak}")).await;
        let said = refusal(&dir.dir, &store.database);
        assert!(said.contains(&format!("synchronous_commit={weak}")), "{said}");
    }
    run(format!("alter database {name} reset synchronous_commit")).await;
    run(format!("create role {role} login superuser")).await;
    run(format!("alter role {role} set synchronous_commit = off")).await;
    let as_role = format!("{}/{name}", server.replace("rookery@", &format!("{role}@")));
    assert!(refusal(&dir.dir, &as_role).contains("synchronous_commit=off"));
    run(format!("alter role {role} set synchronous_commit = on")).await;
    let store_of_role = Store { dir: dir.dir.join("role"), database: as_role };
    Person::register(&Process::start(&store_of_role).url(), "ada").await.say(1, "kept").await;
    run(format!("drop owned by {role} cascade")).await;
    run(format!("drop role {role}")).await;
}

fn tool_text(variable: &str) -> String {
    tool(variable).to_string_lossy().into_owned()
}
