//! A PostgreSQL of one test's own: with settings that others must not have, or to be killed.

#![allow(dead_code, clippy::unwrap_used)]

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::Connection;

use crate::harness::{tool, unique};

/// A cluster; dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    port: u16,
    /// Who runs it: PostgreSQL refuses to run as root.
    account: Option<(u32, u32)>,
    child: Option<Child>,
}

impl Cluster {
    /// Makes one that does not run yet.
    pub fn new() -> Self {
        let id = |arguments: &[&str]| -> u32 {
            let output = Command::new("id").args(arguments).output().unwrap();
            String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
        };
        let account = (id(&["-u"]) == 0).then(|| (id(&["-u", "nobody"]), id(&["-g", "nobody"])));
        let dir = std::env::temp_dir().join(unique("rookery-cluster-"));
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(&dir, Some(user), Some(group)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { dir, port, account, child: None };
        let mut initdb = cluster.program("initdb");
        initdb.args(["--username=rookery", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C.UTF-8", "-D"]);
        let made = initdb.arg(cluster.dir.join("cluster")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        cluster
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(tool("ROOKERY_TEST_POSTGRES_PROGRAMS").join(name));
        command.current_dir(&self.dir).env("LC_ALL", "C").process_group(0);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts it, and waits until it answers.
    pub async fn start(&mut self, settings: &[&str]) {
        let log = File::options().create(true).append(true).open(self.dir.join("log")).unwrap();
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.dir.join("cluster")).args(["-c", "listen_addresses=127.0.0.1", "-c"]);
        postgres
            .arg(format!("port={}", self.port))
            .arg("-c")
            .arg(format!("unix_socket_directories={}", self.dir.display()));
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        self.child = Some(postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let begun = Instant::now();
        while sqlx::PgConnection::connect(&self.database()).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL did not start: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// kill -9 of each of its processes: as if the machine had lost them all at once.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap_or_default();
        // First the one that would tell the others to end in order.
        let _ = child.kill();
        for id in children.split_whitespace() {
            let _ = Command::new("kill").args(["-9", id]).stderr(Stdio::null()).status();
        }
        let _ = child.wait();
    }

    /// The address of a database in it.
    pub fn database(&self) -> String {
        format!("postgres://rookery@127.0.0.1:{}/postgres", self.port)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
