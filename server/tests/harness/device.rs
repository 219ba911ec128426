//! One window of one person: the real client-core, and the state that it would draw.

#![allow(dead_code, clippy::unwrap_used)]

use std::{path::Path, sync::Arc, time::Duration};

use futures::StreamExt;
use rookery_client::{Api, Client, Config, Connection, Profile, Session, State, v1};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::Person;

/// How long anything may take on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A client that runs, in a profile of its own.
pub struct Device {
    pub client: Client,
    states: watch::Receiver<Arc<State>>,
    task: JoinHandle<()>,
}

impl Device {
    /// In a new profile below a folder.
    pub async fn start(folder: &Path, url: &str, person: &Person, name: &str) -> Self {
        let info = Api::new(url, None).unwrap().get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
        let session = Session {
            server: url.to_owned(),
            history_id: info.history_id,
            user_id: person.id,
            user_name: person.name.clone(),
        };
        let profile = Profile::open_in(&folder.join("profiles"), name).unwrap();
        profile.save_session(&session).unwrap();
        profile.save_token(&person.token).unwrap();
        drop(profile);
        Self::again(folder, name).await
    }

    /// From what its profile has kept.
    pub async fn again(folder: &Path, name: &str) -> Self {
        // A client that was just dropped still finishes writing.
        let profile = loop {
            match Profile::open_in(&folder.join("profiles"), name) {
                Ok(profile) => break profile,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let (session, token) = (profile.session().unwrap(), profile.token().unwrap());
        let mut config = Config::new(session, token, profile);
        config.backoff = (Duration::from_millis(50), Duration::from_millis(500));
        let (client, mut updates) = rookery_client::connect(config).unwrap();
        let (out, states) = watch::channel(Arc::new(State::default()));
        let task = tokio::spawn(async move {
            let mut state = State::default();
            while let Some(update) = updates.next().await {
                state.apply(&update);
                out.send_replace(Arc::new(state.clone()));
            }
        });
        Self { client, states, task }
    }

    pub fn state(&self) -> Arc<State> {
        self.states.borrow().clone()
    }

    /// Waits until the state is so; otherwise the last one that was not.
    pub async fn reaches(&mut self, so: impl Fn(&State) -> bool) -> Result<Arc<State>, Arc<State>> {
        if let Ok(Ok(state)) = timeout(PATIENCE, self.states.wait_for(|state| so(state))).await {
            return Ok(state.clone());
        }
        Err(self.state())
    }

    pub async fn online(&mut self) {
        assert!(self.reaches(|state| *state.connection() == Connection::Online).await.is_ok(), "it never came online");
    }

    /// Ends it as a crash would: nothing is said, only what is on the disk is kept.
    pub async fn end(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
