//! Signing in and out, and the engine that works in between.

use std::time::Duration;

use iced::Task;
use iced::futures::StreamExt;
use rookery_client::{Api, Client, Config, Error, Profile, Session, Update, v1};

use crate::screen::sign_in::{Credentials, Purpose};
use crate::token;

/// What to call this device in a list of sessions.
const DEVICE: &str = "Rookery desktop";
/// A server that cannot be reached must not keep anybody signed in here.
const SIGN_OUT_PATIENCE: Duration = Duration::from_secs(3);
/// After so long without another letter an address is complete.
const TYPED: Duration = Duration::from_millis(400);
/// So many updates are applied before the next picture at most.
const CHUNK: usize = 512;

/// Somebody is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who, and where.
    pub session: Session,
    /// The secret.
    pub token: String,
    /// Where it is kept.
    pub place: token::Place,
}

/// What a server says of itself, once nobody types its address any more; nothing if it does not answer.
pub async fn info(server: String) -> Option<v1::GetServerInfoResponse> {
    tokio::time::sleep(TYPED).await;
    Api::new(&server, None).ok()?.get_server_info(v1::GetServerInfoRequest {}).await.ok()
}

/// Asks the server, and keeps its answer.
pub async fn sign_in(credentials: Credentials, profile: Profile) -> Result<SignedIn, Error> {
    let api = Api::new(&credentials.server, None)?;
    let info = api.get_server_info(v1::GetServerInfoRequest {}).await?;
    let (token, user) = enter(&api, credentials).await?;
    let session = Session { server: api.url(), history_id: info.history_id, user_id: user.id, user_name: user.name };
    let place = token::save(profile.clone(), session.clone(), token.clone()).await.map_err(|why| disk(&why))?;
    profile.save_session(&session).map_err(|error| disk(&error.to_string()))?;
    Ok(SignedIn { session, token, place })
}

async fn enter(api: &Api, credentials: Credentials) -> Result<(String, v1::User), Error> {
    let Credentials { name, password, purpose, invite, .. } = credentials;
    let device = DEVICE.to_owned();
    let (token, user) = match purpose {
        Purpose::SignIn => {
            let answer = api.sign_in(v1::SignInRequest { name, password, device, ..Default::default() }).await?;
            (answer.token, answer.user)
        }
        Purpose::Register => {
            let request = v1::RegisterRequest { name, password, device, invite, ..v1::RegisterRequest::default() };
            let answer = api.register(request).await?;
            (answer.token, answer.user)
        }
    };
    Ok((token, user.unwrap_or_default()))
}

/// Starts the engine: the task is the engine, and gives what it tells.
pub fn start(signed_in: SignedIn, profile: Profile) -> Result<(Client, Task<Vec<Update>>), Error> {
    let config = Config::new(signed_in.session, signed_in.token, profile);
    let (client, updates) = rookery_client::connect(config)?;
    // What is there at once is drawn at once.
    Ok((client, Task::run(updates.ready_chunks(CHUNK), |updates| updates)))
}

/// Ends the session on the server, if it is still there, and forgets the token.
pub async fn sign_out(client: Option<Client>, profile: Profile) {
    if let Some(client) = client {
        let ended = tokio::time::timeout(SIGN_OUT_PATIENCE, client.sign_out()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the server could not be told that the session is over");
        }
    }
    if let Some(session) = profile.session() {
        token::forget(profile, session).await;
    }
}

fn disk(why: &str) -> Error {
    Error {
        code: rookery_client::Code::Internal,
        reason: Some(v1::ErrorReason::Internal),
        message: format!("This device could not keep your sign-in: {why}"),
        fields: Vec::new(),
        retry_after: None,
    }
}
