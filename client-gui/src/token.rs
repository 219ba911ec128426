//! Where the token of a session is kept: in the system's keyring, else in a file that only its owner can read. A keyring
//! that does not answer never holds anything up.

use std::time::Duration;

use rookery_client::{Profile, Session};
use tokio::sync::oneshot;

/// A keyring that asks for its password may take a while; one that is missing answers at once.
const PATIENCE: Duration = Duration::from_secs(4);
/// The name under which keyrings list it.
const SERVICE: &str = "Rookery";

/// Where a token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the keyring.
    Keyring,
    /// In the profile's file.
    File,
}

/// The token of a session, wherever it is.
pub async fn load(profile: Profile, session: Session) -> Option<(String, Place)> {
    if let Some(token) = profile.token() {
        return Some((token, Place::File));
    }
    let name = entry_name(&profile, &session);
    let token = ask(move || entry(&name)?.get_password().ok()).await?;
    Some((token, Place::Keyring))
}

/// Keeps a token; says where. The error is a sentence.
pub async fn save(profile: Profile, session: Session, token: String) -> Result<Place, String> {
    let name = entry_name(&profile, &session);
    let secret = token.clone();
    // Read back: some keyrings say yes and forget.
    let kept = ask(move || {
        let entry = entry(&name)?;
        entry.set_password(&secret).ok()?;
        entry.get_password().ok().filter(|kept| *kept == secret)
    });
    if kept.await.is_some() {
        // One of an earlier time would be found first.
        profile.remove_token().map_err(|error| error.to_string())?;
        return Ok(Place::Keyring);
    }
    profile.save_token(&token).map_err(|error| error.to_string())?;
    Ok(Place::File)
}

/// Forgets the token in the keyring. The file is the profile's matter.
pub async fn forget(profile: Profile, session: Session) {
    let name = entry_name(&profile, &session);
    ask(move || entry(&name)?.delete_credential().ok()).await;
}

fn entry_name(profile: &Profile, session: &Session) -> String {
    format!("{}: {} at {}", profile.name(), session.user_name, session.server)
}

fn entry(name: &str) -> Option<keyring::Entry> {
    keyring::Entry::new(SERVICE, name).ok()
}

/// Asks on a thread of its own, which is left behind if it hangs: a thread of the runtime would hold up the exit.
async fn ask<T: Send + 'static>(question: impl FnOnce() -> Option<T> + Send + 'static) -> Option<T> {
    let (answer, wait) = oneshot::channel();
    std::thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = answer.send(question());
        })
        .ok()?;
    tokio::time::timeout(PATIENCE, wait).await.ok()?.ok()?
}
