//! Who may make an account: the mode, invites, and the code that the server prints while nobody owns it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rookery_api::v1::{self, AuditAction, RegistrationMode};

use super::{
    Ctx, Error, Result,
    admin::{self, Act, Actor, Deed},
    audit, field, message,
    writer::Work,
};
use crate::store::{self, registration::InviteRow, server::Governed};

/// How long the code of the first admin holds, in milliseconds.
const CLAIM_LIFE: i64 = 15 * 60 * 1000;

/// What the server keeps in mind of it: asked with each call, and not of the database.
#[derive(Debug)]
pub struct Registration {
    configured: RegistrationMode,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    governed: Governed,
    /// The code of the first admin, and when it ends.
    claim: Option<(String, i64)>,
}

impl Registration {
    /// As the configuration and the database say.
    pub fn new(configured: RegistrationMode, governed: Governed) -> Self {
        Self { configured, known: Mutex::new(Known { governed, claim: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the configuration says.
    pub(super) fn configured(&self) -> RegistrationMode {
        self.configured
    }

    /// Who may make an account.
    pub fn mode(&self) -> RegistrationMode {
        chosen(&self.lock().governed.registration).unwrap_or(self.configured)
    }

    /// Whether there is no admin yet, and a code that makes one.
    pub fn unclaimed(&self, now: i64) -> bool {
        let known = self.lock();
        !known.governed.claimed && known.claim.as_ref().is_some_and(|(_, end)| *end > now)
    }

    /// Takes up what the database says now, unless something newer is known.
    fn learn(&self, governed: Governed) {
        let mut known = self.lock();
        if governed.claimed {
            known.claim = None;
        }
        if governed.revision >= known.governed.revision {
            known.governed = governed;
        }
    }

    fn claims(&self, code: &str, now: i64) -> bool {
        self.lock().claim.as_ref().is_some_and(|(claim, end)| claim == code && *end > now)
    }
}

/// A mode as the database has it; none: it is the configuration that says.
fn chosen(stored: &str) -> Option<RegistrationMode> {
    match stored {
        "open" => Some(RegistrationMode::Open),
        "invite" => Some(RegistrationMode::Invite),
        "closed" => Some(RegistrationMode::Closed),
        _ => None,
    }
}

fn stored(mode: RegistrationMode) -> &'static str {
    match mode {
        RegistrationMode::Unspecified => "",
        RegistrationMode::Open => "open",
        RegistrationMode::Invite => "invite",
        RegistrationMode::Closed => "closed",
    }
}

/// Makes the code with which the first admin's account can be made; none if there is an admin.
pub fn claim(ctx: &Ctx) -> Option<String> {
    let mut known = ctx.registration.lock();
    if known.governed.claimed {
        return None;
    }
    let code = ctx.dice.code();
    known.claim = Some((code.clone(), ctx.clock.now().saturating_add(CLAIM_LIFE)));
    Some(code)
}

/// Looks again at what was decided.
pub async fn refresh(ctx: &Ctx) -> Result<()> {
    ctx.registration.learn(store::server::governed(&mut ctx.db.reader().await?).await?);
    Ok(())
}

/// By what somebody may make an account.
#[derive(Debug)]
pub(super) enum Way {
    /// Everybody may.
    Open,
    /// By this invite.
    Invite(String),
    /// By the code of the first admin.
    Claim,
}

/// How the bearer of a code, or of none, may make an account. A code that is given must hold, also where none is needed:
/// whoever mistypes the first admin's must not end up with an account that is none.
pub(super) async fn way(ctx: &Ctx, code: &str) -> Result<Way> {
    let code = code.trim().to_lowercase();
    let mode = ctx.registration.mode();
    let now = ctx.clock.now();
    let way = match code.as_str() {
        "" if mode == RegistrationMode::Open => return Ok(Way::Open),
        "" => return Err(Error::RegistrationClosed),
        code if ctx.registration.claims(code, now) => Way::Claim,
        code if code.len() > 64 || code.contains('\0') => return Err(Error::RegistrationClosed),
        _ => Way::Invite(code),
    };
    way.check(&mut ctx.db.reader().await?, ctx.registration.configured, now).await?;
    Ok(way)
}

impl Way {
    /// Whether it is open now. Told in the same words whatever is wrong.
    pub(super) async fn check(&self, conn: &mut store::Conn, configured: RegistrationMode, now: i64) -> Result<()> {
        let governed = store::server::governed(conn).await?;
        let mode = chosen(&governed.registration).unwrap_or(configured);
        let open = match self {
            Self::Open => mode == RegistrationMode::Open,
            Self::Invite(code) => {
                mode != RegistrationMode::Closed && store::registration::holds(conn, code, now).await?
            }
            Self::Claim => !governed.claimed,
        };
        if open { Ok(()) } else { Err(Error::RegistrationClosed) }
    }

    /// Counts that an account was made by it; whether that is an admin's.
    pub(super) async fn take(&self, work: &mut Work, user_id: i64) -> Result<bool> {
        match self {
            Self::Open => Ok(false),
            Self::Invite(code) => {
                let taken = store::registration::take(&mut work.tx, code).await?;
                if taken { Ok(false) } else { Err(Error::RegistrationClosed) }
            }
            Self::Claim => {
                store::admin::update(&mut work.tx, user_id, true, false).await?;
                store::server::raise(&mut work.tx).await?;
                audit::write(work, 0, AuditAction::AdminGranted, user_id, "by the code that the server printed")
                    .await?;
                Ok(true)
            }
        }
    }
}

struct SetMode {
    mode: RegistrationMode,
}

impl Deed for SetMode {
    type Reply = ();

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<()> {
        let mode = stored(self.mode);
        store::server::set_registration(&mut work.tx, mode).await?;
        let said = if mode.is_empty() { "as configured" } else { mode };
        audit::write(work, act.actor.id(), AuditAction::RegistrationChanged, 0, said).await
    }
}

/// The mode that a request names. A number that is none must not open what the configuration leaves open.
pub fn given(mode: i32) -> Result<RegistrationMode> {
    let rule = "must be open, invite, closed, or unset: as configured";
    RegistrationMode::try_from(mode).map_err(|_| Error::field("mode", rule))
}

/// Changes who may make an account; answers the mode as it then is.
pub async fn set_mode(ctx: &Ctx, actor: &Actor, mode: RegistrationMode) -> Result<RegistrationMode> {
    admin::act(ctx, actor, SetMode { mode }).await?;
    Ok(ctx.registration.mode())
}

/// An invite as the protocol has it.
fn api(row: InviteRow) -> v1::RegistrationInvite {
    v1::RegistrationInvite {
        code: row.code,
        creator_id: row.creator_id,
        max_uses: i32::try_from(row.max_uses).unwrap_or(i32::MAX),
        uses: i32::try_from(row.uses).unwrap_or(i32::MAX),
        expires_at: row.expires_at.map(message::timestamp),
        created_at: Some(message::timestamp(row.created_at)),
    }
}

struct Invite {
    code: String,
    max_uses: i64,
    life: i64,
}

impl Deed for Invite {
    type Reply = InviteRow;

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<InviteRow> {
        let now = work.tx.now;
        let invite = InviteRow {
            code: self.code.clone(),
            creator_id: act.actor.id(),
            max_uses: self.max_uses,
            uses: 0,
            expires_at: Some(now.saturating_add(self.life)),
            created_at: now,
        };
        store::registration::insert(&mut work.tx, &invite).await?;
        let said = match self.max_uses {
            0 => "for any number of accounts".to_owned(),
            1 => "for one account".to_owned(),
            uses => format!("for {uses} accounts"),
        };
        audit::write(work, act.actor.id(), AuditAction::InviteCreated, 0, &said).await?;
        Ok(invite)
    }
}

/// Makes an invite.
pub async fn invite(
    ctx: &Ctx,
    actor: &Actor,
    request: &v1::CreateRegistrationInviteRequest,
) -> Result<v1::RegistrationInvite> {
    if !(0..=1000).contains(&request.max_uses) {
        return Err(Error::field("max_uses", "must be from 0 to 1,000"));
    }
    let life = field::invite_life(request.expires_in.map(|life| (life.seconds, life.nanos)))?;
    let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
    let invite = Invite { code: ctx.dice.code(), max_uses: request.max_uses.into(), life };
    Ok(api(admin::act(ctx, actor, invite).await?))
}

/// A page of the invites that hold.
pub async fn list(
    ctx: &Ctx,
    request: &v1::ListRegistrationInvitesRequest,
) -> Result<v1::ListRegistrationInvitesResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let (before, code) = match request.page_token.as_str() {
        "" => (i64::MAX, ""),
        token if token.len() > 64 || token.contains('\0') => return Err(field::page_token()),
        token => {
            let (at, code) = token.split_once('.').ok_or_else(field::page_token)?;
            (at.parse().map_err(|_| field::page_token())?, code)
        }
    };
    let mut conn = ctx.db.reader().await?;
    let mut rows = store::registration::list(&mut conn, ctx.clock.now(), (before, code), size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.created_at, row.code));
    Ok(v1::ListRegistrationInvitesResponse {
        invites: rows.into_iter().map(api).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}

struct Revoke {
    code: String,
}

impl Deed for Revoke {
    type Reply = ();

    async fn run(&self, work: &mut Work, act: &Act<Self>) -> Result<()> {
        if !store::registration::delete(&mut work.tx, &self.code).await? {
            return Err(Error::NotFound("invite"));
        }
        audit::write(work, act.actor.id(), AuditAction::InviteRevoked, 0, "").await
    }
}

/// Ends an invite.
pub async fn revoke(ctx: &Ctx, actor: &Actor, code: &str) -> Result<()> {
    let code = code.trim().to_lowercase();
    if code.len() > 64 || code.contains('\0') {
        return Err(Error::NotFound("invite"));
    }
    admin::act(ctx, actor, Revoke { code }).await
}
