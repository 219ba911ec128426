//! Accounts: registering and signing in.

use rookery_api::v1;

use super::{
    Ctx, Error, Result, field,
    name::{self, Name},
    registration::{self, Way},
    session::{self, Which},
    user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{
    self,
    membership::NewMembership,
    session::SessionRow,
    user::{NewUser, UserRow},
};

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
    name: Name,
    display_name: String,
    password_hash: String,
}

/// Makes an account ready to be made. Hashing is dear; a taken name need not wait for it. The transaction looks again.
pub(super) async fn new(ctx: &Ctx, name: String, password: String, display_name: &str) -> Result<NewAccount> {
    let name = Name::new(&name)?;
    field::new_password("password", &password)?;
    let display_name = match display_name.trim() {
        "" => name.shown.clone(),
        given => field::line("display_name", given, 1, 32)?,
    };
    if store::user::is_taken(&mut ctx.db.reader().await?, &name.key, &name.skeleton).await? {
        return Err(Error::NameTaken);
    }
    let password_hash = ctx.passwords.hash(password).await?;
    Ok(NewAccount { name, display_name, password_hash })
}

impl NewAccount {
    /// Makes it and puts it into the global room; nothing if its name is taken.
    pub(super) async fn insert(&self, work: &mut Work, global_id: i64) -> Result<Option<UserRow>> {
        if store::user::is_taken(work.tx.read(), &self.name.key, &self.name.skeleton).await? {
            return Ok(None);
        }
        let new = NewUser {
            name: &self.name.shown,
            name_key: &self.name.key,
            skeleton: &self.name.skeleton,
            display_name: &self.display_name,
            search_key: &field::search_key(&[&self.name.shown, &self.display_name]),
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

/// A session that is to begin.
struct Device {
    session_id: String,
    token_hash: String,
    name: String,
}

impl Device {
    /// The secret, and what is kept.
    fn new(ctx: &Ctx, name: String) -> Result<(String, Self)> {
        let token = session::new_token(ctx);
        let token_hash =
            session::token_hash(&token).ok_or_else(|| Error::Internal("a token has not its form".into()))?;
        Ok((token, Self { session_id: ctx.dice.hex::<8>(), token_hash, name }))
    }

    async fn begin(&self, work: &mut Work, user_id: i64) -> Result<()> {
        let new = SessionRow {
            id: self.session_id.clone(),
            user_id,
            scopes: 0,
            device: self.name.clone(),
            created_at: work.tx.now,
            used_at: None,
            expires_at: None,
        };
        Ok(store::session::insert(&mut work.tx, &new, &self.token_hash).await?)
    }
}

struct Register {
    new: NewAccount,
    way: Way,
    configured: v1::RegistrationMode,
    device: Device,
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
        self.device.begin(work, row.id).await?;
        Ok(Some(row))
    }
}

/// Makes an account, puts it into the global room and signs it in.
pub async fn register(ctx: &Ctx, request: v1::RegisterRequest) -> Result<SignedIn> {
    // Before anything else: who may not come in is not told which names there are.
    let way = registration::way(ctx, &request.invite).await?;
    let device = field::line("device", &request.device, 0, 64)?;
    // The first admin may be called so.
    if !matches!(way, Way::Claim) && Name::new(&request.name)?.is_reserved() {
        return Err(Error::NameTaken);
    }
    let new = new(ctx, request.name, request.password, &request.display_name).await?;
    let (token, device) = Device::new(ctx, device)?;
    let configured = ctx.registration.configured();
    let command = Register { new, way, configured, device, global_id: ctx.global_id };
    let row = ctx.writer.run(command).await?.ok_or(Error::NameTaken)?;
    if row.admin {
        registration::refresh(ctx).await?;
    }
    Ok(SignedIn { token, user: user::api(row, ctx.clock.now()) })
}

struct SignIn {
    user_id: i64,
    /// The stored form of the password that was right, and the form in which it is stored from now on, if that differs.
    proven: String,
    renewed: Option<String>,
    /// The session that the device had until now; '': none.
    old_session: String,
    device: Device,
}

impl Command for SignIn {
    type Reply = UserRow;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<UserRow> {
        store::user::lock(&mut work.tx, self.user_id).await?;
        let stored = store::user::password_hash(work.tx.read(), self.user_id).await?;
        let row = store::user::get(work.tx.read(), self.user_id).await?;
        let row = row.filter(|_| stored.as_ref() == Some(&self.proven)).ok_or(Error::WrongCredentials)?;
        if let Some(renewed) = &self.renewed {
            store::user::set_password(&mut work.tx, self.user_id, renewed).await?;
        }
        if !self.old_session.is_empty() {
            session::end(work, self.user_id, Which::One(&self.old_session)).await?;
        }
        session::make_room(work, self.user_id).await?;
        self.device.begin(work, self.user_id).await?;
        Ok(row)
    }
}

/// Signs in on a device, which may carry the token of a session that it had: that one ends.
pub async fn sign_in(ctx: &Ctx, request: v1::SignInRequest, carried: Option<&str>) -> Result<SignedIn> {
    let device = field::line("device", &request.device, 0, 64)?;
    let name_key = name::key(&request.name);
    let cannot_be = name_key.is_empty() || !name_key.chars().all(name::is_of_one);
    if cannot_be || field::password("password", &request.password).is_err() {
        // No account has such a name or password; the answer and its time are those of a wrong one.
        ctx.passwords.verify(String::new(), None).await?;
        return Err(Error::WrongCredentials);
    }
    let mut old_session = None;
    let mut tries = name_key.clone();
    if let Some(hash) = carried.and_then(session::token_hash) {
        old_session = store::session::carried(&mut ctx.db.reader().await?, &hash, &name_key).await?;
        if old_session.is_some() {
            // A device that is known to be hers does not wait for what others try. No name has a blank.
            tries = format!("{name_key} {hash}");
        }
    }
    ctx.guesses.begin(&tries, ctx.clock.now())?;
    let found = store::user::credentials(&mut ctx.db.reader().await?, &name_key).await?;
    let found = found.filter(|found| !found.shut);
    let stored = found.as_ref().map(|found| found.password_hash.clone());
    let right = ctx.passwords.verify(request.password.clone(), stored).await?;
    let (true, Some(found)) = (right, found) else { return Err(Error::WrongCredentials) };
    ctx.guesses.right(&tries);
    let renewed = match ctx.passwords.is_outdated(&found.password_hash) {
        true => Some(ctx.passwords.hash(request.password).await?),
        false => None,
    };
    session::write_down_if_many(ctx, found.id).await?;
    let (token, device) = Device::new(ctx, device)?;
    let old_session = old_session.unwrap_or_default();
    let command = SignIn { user_id: found.id, proven: found.password_hash, renewed, old_session, device };
    let row = ctx.writer.run(command).await?;
    Ok(SignedIn { token, user: user::api(row, ctx.clock.now()) })
}
