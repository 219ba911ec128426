//! Admins: who is one, and what only they may do. The operator, at the command line, may do the same.

use std::sync::Arc;

use rookery_api::v1::{self, AuditAction, MessagesFate, SystemKind, TokenScope};

use super::{
    Caller, Ctx, Error, Result,
    account::{self, NewAccount},
    audit, deletion, field,
    line::{self, Line},
    message, name, registration,
    session::{self, NewToken, Which},
    user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{self, Conn, admin::AccountRow};

const ONLY_ADMINS: Error = Error::Denied("only an admin of this server may do this");

/// Whether the caller is an admin, and calls by what may act as one: a device, or a token with that scope.
pub async fn is_admin(conn: &mut Conn, caller: &Caller) -> Result<bool> {
    Ok(caller.may(TokenScope::Admin).is_ok() && store::admin::is_admin(conn, caller.user_id).await?)
}

/// Lets nobody but admins go on. Who is none is noted.
pub async fn authorize(ctx: &Ctx, caller: &Caller, method: &'static str) -> Result<()> {
    let answer = match caller.may(TokenScope::Admin) {
        Ok(()) if store::admin::is_admin(&mut ctx.db.reader().await?, caller.user_id).await? => return Ok(()),
        Ok(()) => ONLY_ADMINS,
        Err(scope) => scope,
    };
    audit::denied(ctx, caller, method).await?;
    Err(answer)
}

/// Who acts.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Whoever runs the program.
    Operator,
    /// An admin, if she still is one.
    Admin(Caller),
}

impl Actor {
    /// As the audit log names her.
    pub fn id(&self) -> i64 {
        match self {
            Self::Operator => 0,
            Self::Admin(caller) => caller.user_id,
        }
    }
}

/// What an admin does: it checks everything before it writes anything, and leaves an entry in the audit log.
pub(super) trait Deed: Send + Sync + Sized + 'static {
    /// What she gets.
    type Reply: Send + 'static;
    /// Does it.
    fn run(&self, work: &mut Work, act: &Act<Self>) -> impl Future<Output = Result<Self::Reply>> + Send;
}

/// A deed and whose it is. All acts wait for each other at the global room, also those of the command line, which is another
/// process: so there is always one who stays the last admin.
#[derive(Debug)]
pub(super) struct Act<D> {
    pub actor: Actor,
    pub global_id: i64,
    deed: D,
}

impl<D: Deed> Command for Act<D> {
    type Reply = D::Reply;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.global_id)
    }

    async fn run(&self, work: &mut Work) -> Result<D::Reply> {
        if let Actor::Admin(caller) = &self.actor
            && !is_admin(work.tx.read(), caller).await?
        {
            return Err(ONLY_ADMINS);
        }
        let reply = self.deed.run(work, self).await?;
        store::server::raise(&mut work.tx).await?;
        Ok(reply)
    }
}

/// Does what an admin or the operator wants done; it is in force when this answers.
pub(super) async fn act<D: Deed>(ctx: &Ctx, actor: &Actor, deed: D) -> Result<D::Reply> {
    let reply = ctx.writer.run(Act { actor: actor.clone(), global_id: ctx.global_id, deed }).await?;
    registration::refresh(ctx).await?;
    Ok(reply)
}

/// An account as admins see it.
fn api(row: AccountRow, now: i64) -> v1::Account {
    let (disabled, file_bytes) = (row.disabled, row.file_bytes);
    let last_seen_at = row.user.last_seen_at.map(message::timestamp);
    let user = user::api(row.user, now);
    v1::Account { admin: user.admin, user: Some(user), disabled, last_seen_at, file_bytes }
}

async fn account_of(conn: &mut Conn, user_id: i64) -> Result<AccountRow> {
    store::admin::get(conn, user_id).await?.ok_or(Error::NotFound("user"))
}

/// Whose login name this is.
pub async fn named(ctx: &Ctx, name: &str) -> Result<i64> {
    let id = store::admin::named(&mut ctx.db.reader().await?, &name::key(name)).await?;
    id.ok_or(Error::NotFound("user"))
}

/// A page of accounts by name.
pub async fn list(ctx: &Ctx, request: &v1::ListAccountsRequest) -> Result<v1::ListAccountsResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let pattern = field::filter(&request.filter)?;
    if request.page_token.len() > 256 || request.page_token.contains('\0') {
        return Err(field::page_token());
    }
    let mut conn = ctx.db.reader().await?;
    let mut rows = store::admin::list(&mut conn, &request.page_token, &pattern, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| name::key(&row.user.name)).unwrap_or_default();
    Ok(v1::ListAccountsResponse {
        accounts: rows.into_iter().map(|row| api(row, ctx.clock.now())).collect(),
        next_page_token: next,
    })
}

/// A password to be used, and what of it is to be told: one that was given is known.
fn password(ctx: &Ctx, given: String) -> (String, String) {
    if given.is_empty() {
        let made = ctx.dice.password();
        (made.clone(), made)
    } else {
        (given, String::new())
    }
}

struct Create {
    new: NewAccount,
    admin: bool,
}

impl Deed for Create {
    type Reply = AccountRow;

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<AccountRow> {
        let user = self.new.insert(work, act.global_id).await?.ok_or(Error::NameTaken)?;
        audit::write(work, act.actor.id(), AuditAction::AccountCreated, user.id, "").await?;
        if self.admin {
            store::admin::update(&mut work.tx, user.id, true, false).await?;
            audit::write(work, act.actor.id(), AuditAction::AdminGranted, user.id, "").await?;
        }
        account_of(work.tx.read(), user.id).await
    }
}

/// Makes an account for somebody else.
pub async fn create(ctx: &Ctx, actor: &Actor, request: v1::CreateAccountRequest) -> Result<v1::CreateAccountResponse> {
    let (secret, told) = password(ctx, request.password);
    let new = account::new(ctx, request.name, secret, &request.display_name).await?;
    let row = act(ctx, actor, Create { new, admin: request.admin }).await?;
    Ok(v1::CreateAccountResponse { account: Some(api(row, ctx.clock.now())), password: told })
}

/// Ends all sessions and tokens of a user; answers how many.
async fn end_sessions(work: &mut Work, user_id: i64) -> Result<usize> {
    session::end(work, user_id, Which::All).await
}

/// What is changed of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Whether she is shut out.
    pub disabled: Option<bool>,
    /// Whether she is an admin.
    pub admin: Option<bool>,
}

struct Update {
    user_id: i64,
    change: Change,
}

impl Deed for Update {
    type Reply = AccountRow;

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<AccountRow> {
        let row = account_of(work.tx.read(), self.user_id).await?;
        let disabled = self.change.disabled.unwrap_or(row.disabled);
        let admin = self.change.admin.unwrap_or(row.user.admin);
        if disabled || !admin {
            keep_one(work, self.user_id).await?;
            // Who may not invite any more has not invited either.
            store::registration::delete_of(&mut work.tx, self.user_id).await?;
        }
        store::admin::update(&mut work.tx, self.user_id, admin, disabled).await?;
        if disabled != row.disabled {
            let action = if disabled { AuditAction::AccountDisabled } else { AuditAction::AccountEnabled };
            audit::write(work, act.actor.id(), action, self.user_id, "").await?;
        }
        if disabled {
            end_sessions(work, self.user_id).await?;
        }
        if admin != row.user.admin {
            let action = if admin { AuditAction::AdminGranted } else { AuditAction::AdminRevoked };
            audit::write(work, act.actor.id(), action, self.user_id, "").await?;
        }
        let now = account_of(work.tx.read(), self.user_id).await?;
        if admin != row.user.admin {
            work.publish(Effect::Profile(user::api(now.user.clone(), work.tx.now)));
        }
        Ok(now)
    }
}

/// The last admin stays one: says no to what would end that.
pub(super) async fn keep_one(work: &mut Work, user_id: i64) -> Result<()> {
    let conn = work.tx.read();
    if store::admin::is_admin(conn, user_id).await? && !store::admin::has_other(conn, user_id).await? {
        return Err(Error::WrongState("the last admin stays one: make somebody else an admin first"));
    }
    Ok(())
}

/// Shuts an account out or lets it in again; makes it an admin's or takes that back.
pub async fn update(ctx: &Ctx, actor: &Actor, user_id: i64, change: Change) -> Result<v1::Account> {
    Ok(api(act(ctx, actor, Update { user_id, change }).await?, ctx.clock.now()))
}

/// The named fields of a request.
pub fn change(request: &v1::UpdateAccountRequest) -> Result<Change> {
    let mut change = Change::default();
    let mask = request.update_mask.as_ref().map(|mask| mask.paths.as_slice()).unwrap_or_default();
    for path in mask {
        match path.as_str() {
            "disabled" => change.disabled = Some(request.disabled),
            "admin" => change.admin = Some(request.admin),
            _ => return Err(Error::field("update_mask", "may name disabled and admin")),
        }
    }
    if mask.is_empty() {
        return Err(Error::field("update_mask", "must name disabled or admin, or both"));
    }
    Ok(change)
}

struct Reset {
    user_id: i64,
    password_hash: String,
}

impl Deed for Reset {
    type Reply = String;

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<String> {
        let row = account_of(work.tx.read(), self.user_id).await?;
        store::user::set_password(&mut work.tx, self.user_id, &self.password_hash).await?;
        end_sessions(work, self.user_id).await?;
        audit::write(work, act.actor.id(), AuditAction::PasswordReset, self.user_id, "").await?;
        Ok(name::key(&row.user.name))
    }
}

/// Gives an account another password and ends its sessions; answers the password if it was made here.
pub async fn reset_password(ctx: &Ctx, actor: &Actor, request: v1::ResetPasswordRequest) -> Result<String> {
    let (secret, told) = password(ctx, request.password);
    field::new_password("password", &secret)?;
    account_of(&mut ctx.db.reader().await?, request.user_id).await?;
    let password_hash = ctx.passwords.hash(secret).await?;
    let name_key = act(ctx, actor, Reset { user_id: request.user_id, password_hash }).await?;
    // Whoever forgot the old one has tried often enough.
    ctx.guesses.right(&name_key);
    Ok(told)
}

struct EndSessions {
    user_id: i64,
}

impl Deed for EndSessions {
    type Reply = usize;

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<usize> {
        account_of(work.tx.read(), self.user_id).await?;
        let ended = end_sessions(work, self.user_id).await?;
        audit::write(work, act.actor.id(), AuditAction::SessionsEnded, self.user_id, &ended.to_string()).await?;
        Ok(ended)
    }
}

/// Ends all sessions and tokens of an account; answers how many.
pub async fn sign_out(ctx: &Ctx, actor: &Actor, user_id: i64) -> Result<usize> {
    act(ctx, actor, EndSessions { user_id }).await
}

struct Remove {
    user_id: i64,
    fate: MessagesFate,
}

impl Deed for Remove {
    type Reply = ();

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<()> {
        deletion::begin(work, self.user_id, self.fate).await?;
        let fate = if self.fate == MessagesFate::Erase { "messages erased" } else { "messages kept" };
        audit::write(work, act.actor.id(), AuditAction::AccountRemoved, self.user_id, fate).await
    }
}

/// Deletes an account, as its user could. Of the operator's a server sees to what follows, this one or the next.
pub async fn remove(ctx: &Arc<Ctx>, actor: &Actor, user_id: i64, fate: MessagesFate) -> Result<()> {
    let fate = deletion::fate(fate)?;
    if actor.id() == user_id {
        return Err(Error::field("user_id", "must be somebody else's; your own account goes by DeleteAccount"));
    }
    act(ctx, actor, Remove { user_id, fate }).await?;
    match actor {
        Actor::Operator => Ok(()),
        Actor::Admin(_) => deletion::finish(ctx, user_id).await,
    }
}

struct MakeToken {
    token: NewToken,
}

impl Deed for MakeToken {
    type Reply = ();

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<()> {
        let user_id = self.token.user_id();
        store::user::lock(&mut work.tx, user_id).await?;
        if account_of(work.tx.read(), user_id).await?.disabled {
            return Err(Error::WrongState("this account is shut out"));
        }
        let made = self.token.insert(work).await?;
        audit::write(work, act.actor.id(), AuditAction::TokenCreated, user_id, &made.device).await
    }
}

/// Makes a token with which a script acts as a user. The operator may; admins have no such call.
pub async fn token(ctx: &Ctx, user_id: i64, request: &v1::CreateTokenRequest) -> Result<String> {
    let (secret, token) = session::token(ctx, user_id, request)?;
    act(ctx, &Actor::Operator, MakeToken { token }).await?;
    Ok(secret)
}

struct Announce {
    text: String,
    request_id: String,
}

impl Deed for Announce {
    type Reply = v1::Message;

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<v1::Message> {
        let (author, room) = (act.actor.id(), act.global_id);
        let kind = SystemKind::Announced;
        if let Some(row) = store::message::of_request(work.tx.read(), room, author, &self.request_id).await? {
            let same = row.system == i64::from(i32::from(kind)) && row.text == self.text;
            return if same { Ok(message::api(row)) } else { Err(Error::RequestIdReused { id: row.id }) };
        }
        let line = Line { kind, name: &self.text, request_id: &self.request_id, ..Line::default() };
        let message = line::write(work, room, author, &line).await?;
        audit::write(work, author, AuditAction::Announced, 0, &format!("line {}", message.id)).await?;
        Ok(message)
    }
}

/// Tells everybody something: a line in the global room, once for each request_id.
pub async fn announce(ctx: &Ctx, actor: &Actor, request: v1::AnnounceRequest) -> Result<v1::Message> {
    field::text(&request.text, false, &ctx.limits)?;
    let request_id = field::request_id(&request.request_id, || ctx.dice.uuid())?;
    act(ctx, actor, Announce { text: request.text, request_id }).await
}
