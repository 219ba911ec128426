//! The browser client, played in real browsers against the real server, with a third person at client-core. The play is
//! `client-web/e2e/`; here is what it asks for from outside its browsers: the server's death and return, and that person.

#![allow(clippy::unwrap_used)]

#[path = "harness/device.rs"]
mod device;
#[path = "browser/friend.rs"]
mod friend;
#[path = "harness/harness.rs"]
mod harness;

use std::{path::Path, process::Stdio, time::Duration};

use friend::{Deed, Friend};
use harness::{Backend, Person, Process, Store, tool};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

/// The play takes a minute or two; a machine may be five times as busy.
const LONGEST: Duration = Duration::from_secs(900);

/// How the play begins a line that wants an answer.
const ASKS: &str = "?? ";

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    /// kill -9.
    Kill,
    /// The server comes back, with what it had on the disk.
    Start,
    /// The third person registers.
    Enter {
        name: String,
        display_name: String,
    },
    /// She ends her client without a word, and starts it again.
    Again,
    Friend(Deed),
}

/// All that is no browser.
struct Stage {
    server: Process,
    store: Store,
    friend: Option<Friend>,
}

impl Stage {
    async fn answer(&mut self, ask: Ask) -> Result<Value, String> {
        match ask {
            Ask::Kill => self.server.kill(),
            Ask::Start => self.server.restart(),
            Ask::Enter { name, display_name } => {
                self.friend = Some(Friend::enter(&self.store.dir, &self.server.url(), &name, &display_name).await);
            }
            Ask::Again => {
                let friend = self.friend.take().ok_or("nobody has entered")?;
                self.friend = Some(friend.again(&self.store.dir).await);
            }
            Ask::Friend(deed) => return self.friend.as_mut().ok_or("nobody has entered")?.act(deed).await,
        }
        Ok(Value::Null)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_played_by_two_browsers_and_client_core() {
    let store = Store::new(Backend::Sqlite).await;
    let mut stage = Stage { server: Process::with_rates(&store), store, friend: None };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-web/e2e/run.mjs");
    let mut play = Command::new(tool("ROOKERY_TEST_NODE"))
        .arg(script)
        .env("ROOKERY_URL", stage.server.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut to, from) = (play.stdin.take().unwrap(), play.stdout.take().unwrap());
    let played = async {
        let mut lines = BufReader::new(from).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            let Some(ask) = line.strip_prefix(ASKS) else {
                println!("{line}");
                continue;
            };
            let ask = serde_json::from_str(ask).unwrap_or_else(|error| panic!("{ask}: {error}"));
            let answer = match stage.answer(ask).await {
                Ok(value) => json!({ "ok": value }),
                Err(why) => json!({ "error": why }),
            };
            to.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
        }
        play.wait().await.unwrap()
    };
    let status = tokio::time::timeout(LONGEST, played).await.expect("the play does not end");
    assert!(status.success(), "the play says above what went wrong");
}
