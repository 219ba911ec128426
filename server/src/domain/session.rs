//! Sessions: who a token belongs to, how long it holds, and how it ends. A device's session ends 30 days after its last
//! use and 90 days after it began; a script's token when it was made to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rookery_api::v1::{self, TokenScope};
use sha2::{Digest, Sha256};

use super::{
    Caller, Ctx, Error, Result, field, message, user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{self, session::SessionRow};

/// How long a token is taken as known without asking the database again.
const TOKEN_KNOWN: Duration = Duration::from_secs(2);
const TOKENS_KNOWN: usize = 50_000;
/// In milliseconds.
const MINUTE: i64 = 60 * 1000;
const DAY: i64 = 24 * 60 * MINUTE;
const IDLE: i64 = 30 * DAY;
const LONGEST: i64 = 90 * DAY;
/// How many devices an account has, how many tokens, and how many devices that have ended are known.
const DEVICES: i64 = 20;
const TOKENS: usize = 100;
const DEVICES_KNOWN: i64 = 20;
/// How many sessions are written about together.
const BATCH: usize = 500;

/// A token is this, and 64 hexadecimal digits: scanners for leaked secrets know it by its beginning.
const TOKEN_PREFIX: &str = "rk_";

/// Tokens that were seen lately, and when sessions were used. A session that has ended is not known from the moment in
/// which whoever ended it is answered.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By the hash of the token.
    known: HashMap<String, Known>,
    /// The hash of each known session's token.
    hashes: HashMap<String, String>,
    /// When sessions were used since that was last written down.
    used: HashMap<String, i64>,
    /// Numbers what is known.
    next: u64,
}

#[derive(Debug)]
struct Known {
    row: SessionRow,
    since: Instant,
    number: u64,
    /// Whether it was still there after it had been put here, where its end would have found it.
    sure: bool,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller behind a token, if it is known; whether its time is over.
    fn get(&self, hash: &str, now: i64) -> Option<Result<Caller>> {
        let mut state = self.lock();
        let State { known, used, .. } = &mut *state;
        let known = known.get_mut(hash).filter(|known| known.sure && known.since.elapsed() < TOKEN_KNOWN)?;
        Some(use_now(&mut known.row, used, now))
    }

    /// Takes down what was read, not to be relied on until it is confirmed.
    fn suppose(&self, hash: &str, row: SessionRow) -> u64 {
        let mut state = self.lock();
        if state.known.len() >= TOKENS_KNOWN {
            state.forget_old();
        }
        if state.known.len() >= TOKENS_KNOWN {
            (state.known, state.hashes) = Default::default();
        }
        state.next += 1;
        let number = state.next;
        state.hashes.insert(row.id.clone(), hash.to_owned());
        state.known.insert(hash.to_owned(), Known { row, since: Instant::now(), number, sure: false });
        number
    }

    /// The session was still there. Nobody but who supposed this may rely on it if it has ended since.
    fn confirm(&self, hash: &str, number: u64, row: &mut SessionRow, now: i64) -> Result<Caller> {
        let mut state = self.lock();
        let State { known, used, .. } = &mut *state;
        match known.get_mut(hash).filter(|known| known.number == number) {
            Some(known) => {
                known.sure = true;
                use_now(&mut known.row, used, now)
            }
            None => use_now(row, used, now),
        }
    }

    /// A session has ended.
    pub(super) fn forget(&self, id: &str) {
        let mut state = self.lock();
        if let Some(hash) = state.hashes.remove(id) {
            state.known.remove(&hash);
        }
        state.used.remove(id);
    }

    /// Sessions were changed by somebody else: all is looked at again.
    fn forget_all(&self) {
        let mut state = self.lock();
        (state.known, state.hashes) = Default::default();
    }

    /// When sessions were used, to be written down.
    fn take_used(&self) -> Vec<(String, i64)> {
        std::mem::take(&mut self.lock().used).into_iter().collect()
    }

    /// Notes a use, unless a later one is noted.
    fn note(&self, id: &str, at: i64) {
        let mut state = self.lock();
        let used = state.used.entry(id.to_owned()).or_insert(at);
        *used = at.max(*used);
    }

    /// What is known of the last use.
    fn with_use(&self, mut row: SessionRow) -> SessionRow {
        row.used_at = row.used_at.max(self.lock().used.get(&row.id).copied());
        row
    }
}

impl State {
    fn forget_old(&mut self) {
        let Self { known, hashes, .. } = self;
        known.retain(|_, known| known.since.elapsed() < TOKEN_KNOWN);
        hashes.retain(|_, hash| known.contains_key(hash));
    }
}

/// Who calls, if the session's time is not over; this is a use of it.
fn use_now(row: &mut SessionRow, used: &mut HashMap<String, i64>, now: i64) -> Result<Caller> {
    row.used_at = row.used_at.max(used.get(&row.id).copied());
    if ends_at(row) <= now {
        return Err(Error::Unauthenticated);
    }
    row.used_at = row.used_at.max(Some(now));
    match used.get_mut(&row.id) {
        Some(at) => *at = now.max(*at),
        None => drop(used.insert(row.id.clone(), now)),
    }
    Ok(Caller { user_id: row.user_id, session_id: row.id.clone(), scopes: row.scopes })
}

/// When a session ends, unless it is used before.
fn ends_at(row: &SessionRow) -> i64 {
    if row.scopes != 0 {
        return row.expires_at.unwrap_or(i64::MAX);
    }
    let used = row.used_at.unwrap_or(row.created_at);
    used.saturating_add(IDLE).min(row.created_at.saturating_add(LONGEST))
}

/// A new secret.
pub(super) fn new_token(ctx: &Ctx) -> String {
    format!("{TOKEN_PREFIX}{}", ctx.dice.hex::<32>())
}

/// The form in which a token is stored; none if this can be no token.
pub(super) fn token_hash(token: &str) -> Option<String> {
    if token.len() != TOKEN_PREFIX.len() + 64 || !token.starts_with(TOKEN_PREFIX) {
        return None;
    }
    let hash = Sha256::digest(token.as_bytes());
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Who a token belongs to.
pub async fn authenticate(ctx: &Ctx, token: &str) -> Result<Caller> {
    let hash = token_hash(token).ok_or(Error::Unauthenticated)?;
    if let Some(caller) = ctx.sessions.get(&hash, ctx.clock.now()) {
        return caller;
    }
    let mut conn = ctx.db.reader().await?;
    let mut row = store::session::find(&mut conn, &hash).await?.ok_or(Error::Unauthenticated)?;
    let number = ctx.sessions.suppose(&hash, row.clone());
    // It may have ended since it was read, and been forgotten before it was known here; from now on its end forgets it.
    if !store::session::exists(&mut conn, &row.id).await? {
        ctx.sessions.forget(&row.id);
        return Err(Error::Unauthenticated);
    }
    ctx.sessions.confirm(&hash, number, &mut row, ctx.clock.now())
}

/// Which sessions of a user are to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    /// This one.
    One(&'a str),
    /// All, tokens included.
    All,
    /// All but the one that the call came by, and where that is wished, the tokens.
    AllBut { session_id: &'a str, keep_tokens: bool },
}

/// Ends sessions of a user, inside the transaction; how many. Their streams end after the commit. The devices among them stay
/// known as hers.
pub(super) async fn end(work: &mut Work, user_id: i64, which: Which<'_>) -> Result<usize> {
    let (id, but, devices) = match which {
        Which::One(id) => (id, "", false),
        Which::All => ("", "", false),
        Which::AllBut { session_id, keep_tokens } => ("", session_id, keep_tokens),
    };
    let ended = store::session::end(&mut work.tx, user_id, id, but, devices).await?;
    for row in ended.iter().filter(|row| row.scopes == 0) {
        store::session::remember(&mut work.tx, user_id, &row.token_hash).await?;
    }
    store::session::forget(&mut work.tx, user_id, DEVICES_KNOWN).await?;
    let count = ended.len();
    for row in ended {
        work.publish(Effect::SessionEnded(row.id));
    }
    Ok(count)
}

/// Makes room for one more device, inside the transaction: the least used ones end.
pub(super) async fn make_room(work: &mut Work, user_id: i64) -> Result<()> {
    for id in store::session::least_used(work.tx.read(), user_id, DEVICES - 1).await? {
        end(work, user_id, Which::One(&id)).await?;
    }
    Ok(())
}

/// Whether the session that a call came by has not ended, inside the transaction.
pub(super) async fn still_there(work: &mut Work, caller: &Caller) -> Result<()> {
    if store::session::exists(work.tx.read(), &caller.session_id).await? { Ok(()) } else { Err(Error::Unauthenticated) }
}

/// The same for whoever works for a call for long.
pub(super) async fn still_open(ctx: &Ctx, caller: &Caller) -> Result<()> {
    let there = store::session::exists(&mut ctx.db.reader().await?, &caller.session_id).await?;
    if there { Ok(()) } else { Err(Error::Unauthenticated) }
}

struct End {
    caller: Caller,
    /// The session; '': all others.
    id: String,
}

impl Command for End {
    type Reply = usize;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.caller.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<usize> {
        still_there(work, &self.caller).await?;
        let Caller { user_id, session_id, .. } = &self.caller;
        let which = match self.id.as_str() {
            "" => Which::AllBut { session_id, keep_tokens: false },
            id => Which::One(id),
        };
        end(work, *user_id, which).await
    }
}

/// Ends the caller's session and its streams.
pub async fn sign_out(ctx: &Ctx, caller: &Caller) -> Result<()> {
    ctx.writer.run(End { caller: caller.clone(), id: caller.session_id.clone() }).await?;
    Ok(())
}

/// Ends one of the caller's sessions, or all others; how many.
pub async fn revoke(ctx: &Ctx, caller: &Caller, request: v1::RevokeSessionRequest) -> Result<usize> {
    let v1::RevokeSessionRequest { session_id, all_others } = request;
    if session_id.is_empty() != all_others {
        return Err(Error::field("session_id", "must name a session, or be empty with all_others"));
    }
    if session_id.len() > 64 || session_id.contains('\0') {
        return Err(Error::NotFound("session"));
    }
    match ctx.writer.run(End { caller: caller.clone(), id: session_id }).await? {
        0 if !all_others => Err(Error::NotFound("session")),
        ended => Ok(ended),
    }
}

/// A session as its user sees it.
fn api(row: SessionRow, current: bool) -> v1::Session {
    let ends_at = Some(ends_at(&row)).filter(|end| *end < i64::MAX);
    let scopes = [TokenScope::Read, TokenScope::Write, TokenScope::Manage, TokenScope::Admin];
    v1::Session {
        id: row.id,
        device: row.device,
        created_at: Some(message::timestamp(row.created_at)),
        used_at: row.used_at.map(message::timestamp),
        expires_at: ends_at.map(message::timestamp),
        current,
        scopes: scopes.into_iter().filter(|scope| row.scopes & scope.bit() != 0).map(i32::from).collect(),
    }
}

/// The bit that stands for a scope in `sessions.scopes`.
pub(super) trait Bit {
    fn bit(self) -> i64;
}

impl Bit for TokenScope {
    fn bit(self) -> i64 {
        1 << i32::from(self)
    }
}

/// The caller's sessions and tokens, newest first.
pub async fn list(ctx: &Ctx, caller: &Caller) -> Result<Vec<v1::Session>> {
    let rows = store::session::list(&mut ctx.db.reader().await?, caller.user_id).await?;
    let now = ctx.clock.now();
    let rows = rows.into_iter().map(|row| ctx.sessions.with_use(row)).filter(|row| ends_at(row) > now);
    Ok(rows.map(|row| (row.id == caller.session_id, row)).map(|(current, row)| api(row, current)).collect())
}

struct CreateToken {
    caller: Caller,
    token: NewToken,
}

impl Command for CreateToken {
    type Reply = v1::Session;

    fn lane(&self) -> Lane {
        Lane::User(self.caller.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Session> {
        store::user::lock(&mut work.tx, self.caller.user_id).await?;
        still_there(work, &self.caller).await?;
        self.token.insert(work).await
    }
}

/// A token that is to be made; its fields keep their rules.
#[derive(Debug)]
pub(super) struct NewToken {
    row: SessionRow,
    token_hash: String,
}

impl NewToken {
    /// Whose it is to be.
    pub(super) fn user_id(&self) -> i64 {
        self.row.user_id
    }

    /// Makes it, if there is room for one more.
    pub(super) async fn insert(&self, work: &mut Work) -> Result<v1::Session> {
        let now = work.tx.now;
        let all = store::session::list(work.tx.read(), self.row.user_id).await?;
        if all.iter().filter(|row| row.scopes != 0 && ends_at(row) > now).count() >= TOKENS {
            return Err(Error::Limit(format!("an account has at most {TOKENS} tokens; revoke one first")));
        }
        store::session::insert(&mut work.tx, &self.row, &self.token_hash).await?;
        Ok(api(self.row.clone(), false))
    }
}

/// Makes a token ready to be made: the secret, and what is kept of it.
pub(super) fn token(ctx: &Ctx, user_id: i64, request: &v1::CreateTokenRequest) -> Result<(String, NewToken)> {
    let name = field::line("name", &request.name, 1, 64)?;
    let mut scopes = 0;
    for scope in request.scopes() {
        scopes |= if scope == TokenScope::Unspecified { 0 } else { scope.bit() };
    }
    let known = request.scopes.iter().all(|scope| *scope != 0 && TokenScope::try_from(*scope).is_ok());
    if scopes == 0 || !known {
        return Err(Error::field("scopes", "must be one or more of read, write, manage, admin"));
    }
    let life = field::token_life(request.expires_in.map(|life| (life.seconds, life.nanos)))?;
    let now = ctx.clock.now();
    let row = SessionRow {
        id: ctx.dice.hex::<8>(),
        user_id,
        scopes,
        device: name,
        created_at: now,
        used_at: None,
        expires_at: life.map(|life| now.saturating_add(life)),
    };
    let token = new_token(ctx);
    let token_hash = token_hash(&token).ok_or_else(|| Error::Internal("a token has not its own form".into()))?;
    Ok((token, NewToken { row, token_hash }))
}

/// Makes a token for a script: the secret, and what is listed of it.
pub async fn create_token(
    ctx: &Ctx,
    caller: &Caller,
    request: &v1::CreateTokenRequest,
) -> Result<(String, v1::Session)> {
    let (secret, token) = token(ctx, caller.user_id, request)?;
    let session = ctx.writer.run(CreateToken { caller: caller.clone(), token }).await?;
    Ok((secret, session))
}

struct NoteUse(Vec<(String, i64)>);

impl Command for NoteUse {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(0)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        Ok(store::session::used(&mut work.tx, &self.0).await?)
    }
}

/// Writes down when sessions were used.
pub async fn write_down(ctx: &Ctx) -> Result<()> {
    let used = ctx.sessions.take_used();
    let mut outcome = Ok(());
    for list in used.chunks(BATCH) {
        if let Err(error) = ctx.writer.run(NoteUse(list.to_vec())).await {
            list.iter().for_each(|(id, at)| ctx.sessions.note(id, *at));
            outcome = Err(error);
        }
    }
    outcome
}

/// Writes down when sessions were used where one of a user's devices may have to end: it is to be the least used one.
pub(super) async fn write_down_if_many(ctx: &Ctx, user_id: i64) -> Result<()> {
    let many = store::session::least_used(&mut ctx.db.reader().await?, user_id, DEVICES - 1).await?;
    if many.is_empty() { Ok(()) } else { write_down(ctx).await }
}

struct EndOver {
    user_id: i64,
    id: String,
}

impl Command for EndOver {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        end(work, self.user_id, Which::One(&self.id)).await.map(drop)
    }
}

/// Once a minute, by the clock: writes down when sessions were used and who is there, ends those whose time is over, and ends
/// streams whose session is not there any more.
pub async fn watch(ctx: Arc<Ctx>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut last = ctx.clock.now();
    loop {
        seconds.tick().await;
        ctx.sessions.lock().forget_old();
        let now = ctx.clock.now();
        // A clock that was put back counts from where it is now.
        if (0..MINUTE).contains(&(now - last)) {
            continue;
        }
        last = now;
        if let Err(error) = look(&ctx).await {
            tracing::warn!(cause = ?error, "sessions could not be looked through; it is tried again in a minute");
        }
    }
}

/// Looks through sessions, as it is done every minute.
async fn look(ctx: &Ctx) -> Result<()> {
    write_down(ctx).await?;
    user::still_there(ctx).await?;
    let now = ctx.clock.now();
    loop {
        let mut conn = ctx.db.reader().await?;
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let over = store::session::list_over(&mut conn, now - LONGEST, now - IDLE, now, limit).await?;
        drop(conn);
        for row in &over {
            ctx.writer.run(EndOver { user_id: row.user_id, id: row.id.clone() }).await?;
        }
        if over.len() < BATCH {
            break;
        }
    }
    // A stream is a use of its session.
    for login in end_streams(ctx).await? {
        ctx.sessions.note(&login, now);
    }
    Ok(())
}

/// Ends streams whose session ended where this server could not see it; answers the sessions of the others.
async fn end_streams(ctx: &Ctx) -> Result<Vec<String>> {
    let mut living = Vec::new();
    for logins in ctx.hub.logins().chunks(BATCH) {
        let there = store::session::among(&mut ctx.db.reader().await?, logins).await?;
        for gone in logins.iter().filter(|login| !there.contains(login)) {
            ctx.sessions.forget(gone);
            ctx.hub.end_session(gone);
        }
        living.extend(there);
    }
    Ok(living)
}

/// Looks at all sessions again: they were changed from outside.
pub(super) async fn look_again(ctx: &Ctx) -> Result<()> {
    ctx.sessions.forget_all();
    end_streams(ctx).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{config::Config, domain::ctx::Clock};

    fn row(id: &str) -> SessionRow {
        let device = String::new();
        SessionRow { id: id.into(), user_id: 1, scopes: 0, device, created_at: 0, used_at: None, expires_at: None }
    }

    #[test]
    fn a_session_that_ended_while_it_was_looked_up_is_not_known() {
        let sessions = Sessions::default();
        let number = sessions.suppose("hash", row("a"));
        assert!(sessions.get("hash", 0).is_none(), "it may have ended");
        sessions.forget("a");
        assert!(sessions.confirm("hash", number, &mut row("a"), 0).is_ok(), "it was there when it was looked up");
        assert!(sessions.get("hash", 0).is_none());
        let number = sessions.suppose("hash", row("a"));
        assert!(sessions.confirm("hash", number, &mut row("a"), 0).is_ok());
        assert!(sessions.get("hash", 0).is_some());
        sessions.forget("a");
        assert!(sessions.get("hash", 0).is_none());
    }

    #[test]
    fn a_device_ends_thirty_days_after_its_last_use_and_ninety_after_it_began() {
        let sessions = Sessions::default();
        let number = sessions.suppose("hash", row("a"));
        sessions.confirm("hash", number, &mut row("a"), 0).unwrap();
        for day in [29, 58, 87] {
            assert!(sessions.get("hash", day * DAY).unwrap().is_ok(), "day {day}");
        }
        assert!(sessions.get("hash", 90 * DAY).unwrap().is_err());
        let number = sessions.suppose("other", row("b"));
        assert!(sessions.confirm("other", number, &mut row("b"), 30 * DAY).is_err());
    }

    #[test]
    fn a_token_ends_when_it_was_made_to_and_not_by_itself() {
        assert_eq!(ends_at(&SessionRow { scopes: 2, ..row("a") }), i64::MAX);
        assert_eq!(ends_at(&SessionRow { scopes: 2, expires_at: Some(7), ..row("a") }), 7);
    }

    #[tokio::test]
    async fn a_token_is_made_once_and_cannot_be_guessed() {
        let data = std::env::temp_dir().join(format!("rookery-tokens-{}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        let config = Config { data: data.clone(), ..Config::default() };
        let (ctx, _requests, _writers) = crate::open(&config, Clock::system()).await.unwrap();
        let tokens: HashSet<String> = (0..10_000).map(|_| new_token(&ctx)).collect();
        assert_eq!(tokens.len(), 10_000);
        let secrets: Vec<&str> = tokens.iter().map(|token| token.strip_prefix(TOKEN_PREFIX).unwrap()).collect();
        for secret in &secrets {
            // 256 bits, where 128 are enough.
            assert!(secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
        }
        for place in 0..64 {
            let digits: HashSet<u8> = secrets.iter().map(|secret| secret.as_bytes()[place]).collect();
            assert_eq!(digits.len(), 16, "digit {place} is not chosen freely");
        }
        std::fs::remove_dir_all(&data).unwrap();
    }
}
