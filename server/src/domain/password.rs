//! Passwords: hashed on bounded permits, and the proof that somebody knows one. A password counts exactly as it came.

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock},
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use rookery_api::v1;
use tokio::sync::Semaphore;

use super::{
    Caller, Ctx, Error, Result, field, session,
    session::Which,
    writer::{Command, Lane, Work},
};
use crate::store;

/// Hashing takes 19 MiB and tens of milliseconds: so many at once, so many waiting, so long.
const HASHING: usize = 2;
const HASHING_WAITING: usize = 32;
const HASHING_WAIT: Duration = Duration::from_secs(2);

/// What guessers try first.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("password/common.txt").lines().filter(|line| !line.starts_with('#')).collect());

/// Password hashing on bounded permits.
#[derive(Clone, Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// The hash of nobody's password: checked for unknown names, so that they take as long as known ones.
    dummy: Arc<str>,
}

impl Passwords {
    /// Makes the dummy hash.
    pub fn new(nobodys: &str) -> Result<Self> {
        Ok(Self {
            running: Arc::new(Semaphore::new(HASHING)),
            waiting: Arc::new(Semaphore::new(HASHING + HASHING_WAITING)),
            dummy: hash(nobodys)?.into(),
        })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let busy = |_| Error::RateLimited(HASHING_WAIT);
        let _place = self.waiting.clone().try_acquire_owned().map_err(|_| Error::RateLimited(HASHING_WAIT))?;
        let permit = tokio::time::timeout(HASHING_WAIT, self.running.clone().acquire_owned()).await.map_err(busy)?;
        let permit = permit.map_err(|_| Error::Unavailable("the server is stopping".into()))?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|error| Error::Internal(format!("password hashing failed: {error}")))
    }

    /// The form in which a password is stored.
    pub(super) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await?
    }

    /// Whether a password is the one behind a hash; with no hash it takes as long and is not.
    pub(super) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        let right = self
            .run(move || {
                PasswordHash::new(&stored)
                    .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(right && known)
    }

    /// Whether a stored hash was made in another way than new ones are.
    pub(super) fn is_outdated(&self, stored: &str) -> bool {
        form(stored) != form(&self.dummy)
    }
}

/// argon2id with 19 MiB, two passes and one lane: the crate's default and OWASP's minimum.
fn hash(password: &str) -> Result<String> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    Ok(hashed.map_err(|error| Error::Internal(format!("password hashing failed: {error}")))?.to_string())
}

/// How a hash was made: all but its salt and itself.
fn form(hash: &str) -> Option<&str> {
    hash.rsplitn(3, '$').nth(2)
}

/// Whether guessers try this one first, in whatever case.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.contains(password.to_lowercase().as_str())
}

/// Whether the caller knows her password: its stored hash, which a command compares again. Wrong tries of a session are
/// counted for themselves.
pub(super) async fn prove(ctx: &Ctx, caller: &Caller, password: String) -> Result<String> {
    let key = format!("#{}", caller.session_id);
    ctx.guesses.begin(&key, ctx.clock.now())?;
    let stored = store::user::password_hash(&mut ctx.db.reader().await?, caller.user_id).await?;
    let stored = stored.ok_or(Error::Unauthenticated)?;
    // What no password can be is not hashed, however long it is.
    let password = if field::password("password", &password).is_ok() { password } else { String::new() };
    if !ctx.passwords.verify(password, Some(stored.clone())).await? {
        return Err(Error::WrongCredentials);
    }
    ctx.guesses.right(&key);
    Ok(stored)
}

/// Whether what was proven still holds, inside the transaction: the session has not ended, the password was not changed.
pub(super) async fn still_proven(work: &mut Work, caller: &Caller, proven: &str) -> Result<()> {
    store::user::lock(&mut work.tx, caller.user_id).await?;
    session::still_there(work, caller).await?;
    let stored = store::user::password_hash(work.tx.read(), caller.user_id).await?;
    if stored.as_deref() == Some(proven) { Ok(()) } else { Err(Error::WrongCredentials) }
}

struct Change {
    caller: Caller,
    proven: String,
    new: String,
    keep_tokens: bool,
}

impl Command for Change {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.caller.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        still_proven(work, &self.caller, &self.proven).await?;
        let Caller { user_id, session_id, .. } = &self.caller;
        store::user::set_password(&mut work.tx, *user_id, &self.new).await?;
        let which = Which::AllBut { session_id, keep_tokens: self.keep_tokens };
        session::end(work, *user_id, which).await?;
        Ok(())
    }
}

/// Changes the caller's password; all other sessions end.
pub async fn change(ctx: &Ctx, caller: &Caller, request: v1::ChangePasswordRequest) -> Result<()> {
    let v1::ChangePasswordRequest { password, new_password, keep_tokens } = request;
    field::new_password("new_password", &new_password)?;
    let proven = prove(ctx, caller, password).await?;
    let new = ctx.passwords.hash(new_password).await?;
    ctx.writer.run(Change { caller: caller.clone(), proven, new, keep_tokens }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_are_three_thousand_of_eight_characters_and_more() {
        assert_eq!(COMMON.len(), 3000);
        assert!(COMMON.iter().all(|password| password.len() >= 8 && *password == password.to_lowercase()));
        assert!(is_common("password1") && is_common("PassWord1") && !is_common("correct horse battery"));
    }

    #[test]
    fn a_hash_made_with_other_costs_is_outdated() {
        let passwords = Passwords::new("nobody's").unwrap();
        let made = |algorithm, costs| {
            let argon = Argon2::new(algorithm, argon2::Version::V0x13, costs);
            argon.hash_password(b"correct horse").unwrap().to_string()
        };
        let cheap = argon2::Params::new(8192, 1, 1, None).unwrap();
        assert!(!passwords.is_outdated(&hash("correct horse").unwrap()));
        assert!(passwords.is_outdated(&made(argon2::Algorithm::Argon2id, cheap)));
        assert!(passwords.is_outdated(&made(argon2::Algorithm::Argon2i, argon2::Params::default())));
        assert!(passwords.is_outdated("") && passwords.is_outdated("no hash"));
    }
}
