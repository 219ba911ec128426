//! Accounts: registering, signing in and out, and who a token belongs to.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use moka::sync::Cache;
use rookery_api::v1;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{
    Caller, Ctx, Error, Result, field,
    registration::{self, Way},
    user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{
    self,
    membership::NewMembership,
    session::Session,
    user::{NewUser, UserRow},
};

/// Hashing takes 19 MiB and tens of milliseconds: so many at once, so many waiting, so long.
const HASHING: usize = 2;
const HASHING_WAITING: usize = 32;
const HASHING_WAIT: Duration = Duration::from_secs(2);
/// How long a token is taken as known without asking the database again.
const TOKEN_KNOWN: Duration = Duration::from_secs(2);
const TOKENS_KNOWN: u64 = 50_000;

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

    pub(super) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await?
    }

    /// Whether a password is the one behind a hash; with no hash it takes as long and is not.
    async fn verify(&self, password: String, stored: Option<String>) -> Result<bool> {
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
}

/// argon2id with 19 MiB, two passes and one lane: the crate's default and OWASP's minimum.
fn hash(password: &str) -> Result<String> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    Ok(hashed.map_err(|error| Error::Internal(format!("password hashing failed: {error}")))?.to_string())
}

/// Tokens that were seen lately.
#[derive(Debug)]
pub struct Sessions {
    known: Cache<String, Caller>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { known: Cache::builder().max_capacity(TOKENS_KNOWN).time_to_live(TOKEN_KNOWN).build() }
    }
}

impl Sessions {
    /// Asks the database again for each token.
    pub(super) fn forget_all(&self) {
        self.known.invalidate_all();
    }
}

/// A token is this, and 64 hexadecimal digits: scanners for leaked secrets know it by its beginning.
const TOKEN_PREFIX: &str = "rk_";

fn token_hash(token: &str) -> String {
    let hash = Sha256::digest(token.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who a token belongs to.
pub async fn authenticate(ctx: &Ctx, token: &str) -> Result<Caller> {
    if token.len() != TOKEN_PREFIX.len() + 64 || !token.starts_with(TOKEN_PREFIX) {
        return Err(Error::Unauthenticated);
    }
    let hash = token_hash(token);
    if let Some(caller) = ctx.sessions.known.get(&hash) {
        return Ok(caller);
    }
    let mut conn = ctx.db.reader().await?;
    let session = store::session::find(&mut conn, &hash).await?.ok_or(Error::Unauthenticated)?;
    let caller = Caller { user_id: session.user_id, session_id: session.id, scopes: session.scopes };
    ctx.sessions.known.insert(hash.clone(), caller.clone());
    // It may have ended since it was read, and been forgotten before it was known here; from now on its end forgets it.
    if !store::session::exists(&mut conn, &caller.session_id).await? {
        ctx.sessions.known.invalidate(&hash);
        return Err(Error::Unauthenticated);
    }
    Ok(caller)
}

/// A signed-in account.
#[derive(Debug)]
pub struct SignedIn {
    /// The secret of the session; only its hash is stored.
    pub token: String,
    pub user: v1::User,
}

/// An account that is to be made; its fields keep their rules.
#[derive(Debug)]
pub(super) struct NewAccount {
    name: String,
    name_key: String,
    display_name: String,
    password_hash: String,
}

/// Makes an account ready to be made. Hashing is dear; a taken name need not wait for it. The transaction looks again.
pub(super) async fn new(ctx: &Ctx, name: String, password: String, display_name: &str) -> Result<NewAccount> {
    let name_key = field::name(&name)?;
    field::password(&password)?;
    let display_name = match display_name.trim() {
        "" => name.clone(),
        given => field::line("display_name", given, 1, 32)?,
    };
    if store::user::password(&mut ctx.db.reader().await?, &name_key).await?.is_some() {
        return Err(Error::NameTaken);
    }
    let password_hash = ctx.passwords.hash(password).await?;
    Ok(NewAccount { name, name_key, display_name, password_hash })
}

impl NewAccount {
    /// Makes it and puts it into the global room; nothing if its name is taken.
    pub(super) async fn insert(&self, work: &mut Work, global_id: i64) -> Result<Option<UserRow>> {
        if store::user::password(work.tx.read(), &self.name_key).await?.is_some() {
            return Ok(None);
        }
        let new = NewUser {
            name: &self.name,
            name_key: &self.name_key,
            display_name: &self.display_name,
            search_key: &field::search_key(&[&self.name, &self.display_name]),
            password_hash: &self.password_hash,
        };
        let Some(row) = store::user::insert(&mut work.tx, &new).await? else { return Ok(None) };
        let membership =
            NewMembership { user_id: row.id, conversation_id: global_id, visible_from: 1, joined_position: 0 };
        store::membership::insert(&mut work.tx, membership).await?;
        store::conversation::grow(&mut work.tx, global_id, 1).await?;
        work.publish(Effect::Grown(global_id, 1));
        Ok(Some(row))
    }
}

struct Register {
    new: NewAccount,
    way: Way,
    configured: v1::RegistrationMode,
    device: String,
    session_id: String,
    token_hash: String,
    global_id: i64,
}

impl Command for Register {
    type Reply = Option<UserRow>;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.global_id)
    }

    async fn run(&self, work: &mut Work) -> Result<Option<UserRow>> {
        let now = work.tx.now;
        self.way.check(work.tx.read(), self.configured, now).await?;
        let Some(mut row) = self.new.insert(work, self.global_id).await? else { return Ok(None) };
        row.admin = self.way.take(work, row.id).await?;
        let session = Session { id: self.session_id.clone(), user_id: row.id, scopes: 0 };
        store::session::insert(&mut work.tx, &session, &self.token_hash, &self.device).await?;
        Ok(Some(row))
    }
}

/// Makes an account, puts it into the global room and signs it in.
pub async fn register(ctx: &Ctx, request: v1::RegisterRequest) -> Result<SignedIn> {
    // Before anything else: who may not come in is not told which names there are.
    let way = registration::way(ctx, &request.invite).await?;
    let device = field::line("device", &request.device, 0, 64)?;
    let new = new(ctx, request.name, request.password, &request.display_name).await?;
    let token = format!("{TOKEN_PREFIX}{}", ctx.dice.hex::<32>());
    let command = Register {
        new,
        way,
        configured: ctx.registration.configured(),
        device,
        session_id: ctx.dice.hex::<8>(),
        token_hash: token_hash(&token),
        global_id: ctx.global_id,
    };
    let row = ctx.writer.run(command).await?.ok_or(Error::NameTaken)?;
    if row.admin {
        registration::refresh(ctx).await?;
    }
    Ok(SignedIn { token, user: user::api(row) })
}

struct SignIn {
    user_id: i64,
    session_id: String,
    token_hash: String,
    device: String,
}

impl Command for SignIn {
    type Reply = UserRow;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<UserRow> {
        let row = store::user::get(work.tx.read(), self.user_id).await?.ok_or(Error::WrongCredentials)?;
        if store::user::is_shut(work.tx.read(), self.user_id).await? {
            return Err(Error::WrongCredentials);
        }
        let session = Session { id: self.session_id.clone(), user_id: self.user_id, scopes: 0 };
        store::session::insert(&mut work.tx, &session, &self.token_hash, &self.device).await?;
        Ok(row)
    }
}

/// Signs in on a device.
pub async fn sign_in(ctx: &Ctx, request: v1::SignInRequest) -> Result<SignedIn> {
    let device = field::line("device", &request.device, 0, 64)?;
    if field::name(&request.name).is_err() || field::password(&request.password).is_err() {
        // No account has such a name or password; the answer and its time are those of a wrong one.
        ctx.passwords.verify(String::new(), None).await?;
        return Err(Error::WrongCredentials);
    }
    let name_key = field::name_key(&request.name);
    ctx.guesses.begin(&name_key, ctx.clock.now())?;
    // A password of who is shut out is treated like one of nobody.
    let found = store::user::entry(&mut ctx.db.reader().await?, &name_key).await?;
    let (user_id, stored) = found.unzip();
    let right = ctx.passwords.verify(request.password, stored).await?;
    let (true, Some(user_id)) = (right, user_id) else { return Err(Error::WrongCredentials) };
    ctx.guesses.right(&name_key);
    let token = format!("{TOKEN_PREFIX}{}", ctx.dice.hex::<32>());
    let command = SignIn { user_id, session_id: ctx.dice.hex::<8>(), token_hash: token_hash(&token), device };
    let row = ctx.writer.run(command).await?;
    Ok(SignedIn { token, user: user::api(row) })
}

struct SignOut {
    caller: Caller,
}

impl Command for SignOut {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::User(self.caller.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        store::session::delete(&mut work.tx, &self.caller.session_id).await?;
        work.publish(Effect::SessionEnded(self.caller.session_id.clone()));
        Ok(())
    }
}

/// Ends the caller's session and its streams.
pub async fn sign_out(ctx: &Ctx, caller: &Caller, token: &str) -> Result<()> {
    ctx.writer.run(SignOut { caller: caller.clone() }).await?;
    ctx.sessions.known.invalidate(&token_hash(token));
    Ok(())
}
