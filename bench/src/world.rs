//! What every measurement starts from: accounts, and a fresh copy of the folder they are in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

use futures::{StreamExt, TryStreamExt, stream};
use rookery_api::v1;

use crate::{
    Outcome, fault,
    subject::{Server, Subject},
    wire::Wire,
};

/// An account.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: i64,
    pub token: String,
}

/// Where the programs and their folders are.
pub struct World {
    server: PathBuf,
    beside: PathBuf,
    scratch: PathBuf,
    database: Option<String>,
    copies: std::cell::Cell<usize>,
    people: Vec<Person>,
    people_in_database: Vec<Person>,
}

impl World {
    /// `beside` is the folder that holds the baselines' programs; everything that is stored goes into `scratch`.
    pub fn new(server: PathBuf, scratch: PathBuf, database: Option<String>) -> Outcome<Self> {
        let own = std::env::current_exe().map_err(fault("this program's path"))?;
        let beside = own.parent().ok_or("this program has no folder")?.to_owned();
        fs::create_dir_all(&scratch).map_err(fault("the scratch folder"))?;
        let copies = std::cell::Cell::new(0);
        Ok(Self { server, beside, scratch, database, copies, people: Vec::new(), people_in_database: Vec::new() })
    }

    /// Makes sure that there are so many accounts. Passwords are hashed at full cost, so this takes its time once.
    pub async fn populate(&mut self, count: usize) -> Outcome {
        if self.people.len() < count {
            let template = self.template();
            let server = self.run(&template, None)?;
            let from = self.people.len();
            self.people.extend(register(&server, from..count).await?);
        }
        if self.database.is_some() && self.people_in_database.len() < count {
            let server = self.run(&self.fresh_folder(), self.database.as_deref())?;
            let from = self.people_in_database.len();
            self.people_in_database.extend(register(&server, from..count).await?);
        }
        Ok(())
    }

    /// Starts a program with the first `count` accounts, on a folder of its own.
    pub async fn start(&self, subject: Subject, count: usize) -> Outcome<(Server, Vec<Person>, PathBuf)> {
        let folder = self.fresh_folder();
        let server = match subject {
            Subject::Naive | Subject::Floor => Server::start(&mut Command::new(self.beside.join(subject.name())))?,
            Subject::Postgres => self.run(&folder, self.database.as_deref())?,
            Subject::Ours | Subject::Plain => {
                copy(&self.template(), &folder)?;
                let mut command = self.command(&folder);
                command.env("ROOKERY_PLAIN_STREAMS", if subject == Subject::Plain { "true" } else { "false" });
                Server::start(&mut command)?
            }
        };
        let people = match subject {
            Subject::Floor => Vec::new(),
            Subject::Naive => register(&server, 0..count).await?,
            Subject::Postgres => self.people_in_database[..count].to_vec(),
            Subject::Ours | Subject::Plain => self.people[..count].to_vec(),
        };
        Ok((server, people, folder))
    }

    /// The PostgreSQL that is to be measured too.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Starts rookery-server on a folder as it is.
    pub fn run(&self, folder: &Path, database: Option<&str>) -> Outcome<Server> {
        self.run_with(folder, database, &[])
    }

    /// The same, with some settings.
    pub fn run_with(&self, folder: &Path, database: Option<&str>, settings: &[(&str, &str)]) -> Outcome<Server> {
        let mut command = self.command(folder);
        command.envs(settings.iter().copied());
        if let Some(database) = database {
            command.args(["--database", database]);
        }
        Server::start(&mut command)
    }

    /// A folder that nothing is in yet.
    pub fn fresh_folder(&self) -> PathBuf {
        self.copies.set(self.copies.get() + 1);
        self.scratch.join(format!("run-{}", self.copies.get()))
    }

    fn template(&self) -> PathBuf {
        self.scratch.join("template")
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.server);
        command.arg("--listen").arg("127.0.0.1:0").arg("--data").arg(folder);
        // What is measured is the server, not its patience.
        command.env("ROOKERY_LIMITS_ENABLED", "false");
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What is left over is in the way of nothing.
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// Copies a stopped server's folder.
fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(fault("a folder"))?;
    for entry in fs::read_dir(from).map_err(fault("the template"))? {
        let entry = entry.map_err(fault("the template"))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).map_err(fault("a copy"))?;
        }
    }
    Ok(())
}

/// The login name of an account.
pub fn name_of(number: usize) -> String {
    format!("b{}.{number}", std::process::id())
}

async fn register(server: &Server, numbers: std::ops::Range<usize>) -> Outcome<Vec<Person>> {
    let wire = Wire::connect(server.address, "").await?;
    let calls = numbers.map(|number| register_one(wire.clone(), name_of(number)));
    stream::iter(calls).buffered(8).try_collect().await
}

async fn register_one(wire: Rc<Wire>, name: String) -> Outcome<Person> {
    let request = v1::RegisterRequest { name, password: "measured, not guarded".into(), ..Default::default() };
    let answer: v1::RegisterResponse = wire.call("/rookery.v1.AccountService/Register", &request).await?;
    let user = answer.user.ok_or("an account without a user")?;
    Ok(Person { id: user.id, token: answer.token })
}
