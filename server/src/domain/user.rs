//! People: profiles, lists, presence with them.

use std::{collections::HashMap, time::Duration};

use rookery_api::v1::{self, PresenceState};

use super::{
    Caller, Ctx, Error, Result, field, media, message, name,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{
    self, Conn,
    user::{OwnRow, Profile, UserRow},
};

/// How many people are written about together.
const BATCH: usize = 500;

/// A stored profile as everybody sees it now.
pub fn api(row: UserRow, now: i64) -> v1::User {
    let (status_text, status_expires_at) = holding(row.status_text, String::new(), row.status_expires_at, now);
    v1::User {
        id: row.id,
        name: row.name,
        display_name: row.display_name,
        about: row.about,
        created_at: Some(message::timestamp(row.created_at)),
        color: row.color,
        avatar: row.avatar,
        deleted: row.deleted,
        status_text,
        status_expires_at,
        admin: row.admin,
        revision: row.revision,
    }
}

/// What was chosen as long as it holds, then `else_`; and when it ends, if it does.
fn holding<T>(chosen: T, else_: T, expires_at: i64, now: i64) -> (T, Option<prost_types::Timestamp>) {
    match expires_at {
        0 => (chosen, None),
        ended if ended <= now => (else_, None),
        ends => (chosen, Some(message::timestamp(ends))),
    }
}

/// The profiles of some people.
pub async fn list_of(conn: &mut Conn, ids: &[i64], now: i64) -> Result<Vec<v1::User>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store::user::get_many(conn, ids).await?.into_iter().map(|row| api(row, now)).collect())
}

/// Splits rows into profiles and presences, in the same order. Of whom a block keeps the reader apart from, nothing is told.
pub async fn with_presence(
    ctx: &Ctx,
    conn: &mut Conn,
    reader: i64,
    rows: Vec<UserRow>,
) -> Result<(Vec<v1::User>, Vec<v1::Presence>)> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let apart = store::block::among(conn, reader, &ids).await?;
    let present = ctx.hub.presences(&ids);
    let presences = rows.iter().map(|row| match apart.contains(&row.id) {
        true => v1::Presence { user_id: row.id, state: PresenceState::Offline.into(), last_seen_at: None },
        false => presence(row, &present),
    });
    let presences = presences.collect();
    let now = ctx.clock.now();
    Ok((rows.into_iter().map(|row| api(row, now)).collect(), presences))
}

fn presence(row: &UserRow, present: &HashMap<i64, PresenceState>) -> v1::Presence {
    let state = present.get(&row.id).copied().unwrap_or(PresenceState::Offline);
    let away = state == PresenceState::Offline;
    v1::Presence {
        user_id: row.id,
        state: state.into(),
        last_seen_at: row.last_seen_at.filter(|_| away).map(message::timestamp),
    }
}

/// One user; 0 is the caller.
pub async fn get(ctx: &Ctx, caller: &Caller, id: i64) -> Result<(v1::User, v1::Presence)> {
    let id = if id == 0 { caller.user_id } else { id };
    let mut conn = ctx.db.reader().await?;
    let row = store::user::get(&mut conn, id).await?.ok_or(Error::NotFound("user"))?;
    let (mut users, mut presences) = with_presence(ctx, &mut conn, caller.user_id, vec![row]).await?;
    match (users.pop(), presences.pop()) {
        (Some(user), Some(presence)) => Ok((user, presence)),
        _ => Err(Error::NotFound("user")),
    }
}

/// Several users.
pub async fn get_many(ctx: &Ctx, caller: &Caller, ids: &[i64]) -> Result<(Vec<v1::User>, Vec<v1::Presence>)> {
    if !(1..=100).contains(&ids.len()) {
        return Err(Error::field("user_ids", "must have 1 to 100 ids"));
    }
    let mut conn = ctx.db.reader().await?;
    let rows = store::user::get_many(&mut conn, ids).await?;
    with_presence(ctx, &mut conn, caller.user_id, rows).await
}

/// A page of users by name.
pub async fn list(ctx: &Ctx, caller: &Caller, request: &v1::ListUsersRequest) -> Result<v1::ListUsersResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let pattern = field::filter(&request.filter)?;
    if request.page_token.len() > 256 || request.page_token.contains('\0') {
        return Err(field::page_token());
    }
    let mut conn = ctx.db.reader().await?;
    let mut rows = store::user::list(&mut conn, &request.page_token, &pattern, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| name::key(&row.name)).unwrap_or_default();
    let (users, presences) = with_presence(ctx, &mut conn, caller.user_id, rows).await?;
    Ok(v1::ListUsersResponse { users, presences, next_page_token: next })
}

#[derive(Default)]
struct Update {
    user_id: i64,
    display_name: Option<String>,
    about: Option<String>,
    color: Option<String>,
    avatar: Option<String>,
    /// The largest avatar.
    avatar_bytes: i64,
}

impl Command for Update {
    type Reply = v1::User;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::User> {
        let row = store::user::get(work.tx.read(), self.user_id).await?.ok_or(Error::Unauthenticated)?;
        let old = Profile {
            display_name: row.display_name.clone(),
            about: row.about.clone(),
            color: row.color.clone(),
            avatar: row.avatar.clone(),
        };
        let new = Profile {
            display_name: self.display_name.clone().unwrap_or(row.display_name.clone()),
            about: self.about.clone().unwrap_or(row.about.clone()),
            color: self.color.clone().unwrap_or(row.color.clone()),
            avatar: self.avatar.clone().unwrap_or(row.avatar.clone()),
        };
        if new == old {
            return Ok(api(row, work.tx.now));
        }
        if new.avatar != old.avatar {
            media::hold_picture(work, "avatar", &new.avatar, self.user_id, self.avatar_bytes).await?;
        }
        let key = field::search_key(&[&row.name, &new.display_name]);
        // Her account may have been deleted since the call was let in.
        let row = store::user::update(&mut work.tx, row.id, &new, &key).await?.ok_or(Error::Unauthenticated)?;
        let user = api(row, work.tx.now);
        if new.avatar != old.avatar && !old.avatar.is_empty() {
            media::release(work, &[old.avatar]).await?;
        }
        work.publish(Effect::Profile(user.clone()));
        Ok(user)
    }
}

/// Changes the caller's own profile: the named fields, or those that are not empty.
pub async fn update(ctx: &Ctx, caller: &Caller, request: v1::UpdateProfileRequest) -> Result<v1::User> {
    let v1::UpdateProfileRequest { display_name, about, update_mask, color, avatar } = request;
    let paths = match update_mask {
        Some(mask) if !mask.paths.is_empty() => mask.paths,
        _ => {
            let given = [("display_name", &display_name), ("about", &about), ("color", &color), ("avatar", &avatar)];
            given.iter().filter(|(_, text)| !text.is_empty()).map(|(path, _)| (*path).to_owned()).collect()
        }
    };
    let avatar_bytes = ctx.limits.avatar_bytes;
    let mut update = Update { user_id: caller.user_id, avatar_bytes, ..Update::default() };
    for path in paths {
        match path.as_str() {
            "display_name" => update.display_name = Some(field::line("display_name", &display_name, 1, 32)?),
            "about" => {
                field::about(&about)?;
                update.about = Some(about.clone());
            }
            "color" => update.color = Some(field::color(&color)?),
            "avatar" => update.avatar = Some(avatar.clone()),
            _ => return Err(Error::field("update_mask", "may name display_name, about, color and avatar")),
        }
    }
    if let Some(id) = &update.avatar {
        media::make_square(ctx, caller, "avatar", id).await?;
    }
    ctx.writer.run(update).await
}

/// What a user has chosen, as she is told it.
pub fn status(own: &OwnRow, now: i64) -> v1::Status {
    let kind = i32::try_from(own.status).ok().and_then(|kind| v1::StatusKind::try_from(kind).ok());
    let online = v1::StatusKind::Online;
    let (kind, kind_expires_at) = holding(kind.unwrap_or(online), online, own.status_kind_expires_at, now);
    let (text, text_expires_at) = holding(own.status_text.clone(), String::new(), own.status_expires_at, now);
    v1::Status { kind: kind.into(), kind_expires_at, text, text_expires_at, hide_last_seen: own.hide_last_seen }
}

struct SetStatus {
    user_id: i64,
    /// The kind, and how long it holds. None: as before.
    kind: Option<(i64, Option<Duration>)>,
    /// The text, and how long it holds.
    text: Option<(String, Option<Duration>)>,
    hide_last_seen: Option<bool>,
}

impl Command for SetStatus {
    type Reply = v1::Status;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Status> {
        let now = work.tx.now;
        let old = store::user::own(work.tx.read(), self.user_id).await?.ok_or(Error::NotFound("user"))?;
        let mut new = old.clone();
        let until = |holds: Option<Duration>| {
            holds.map_or(0, |holds| now.saturating_add(i64::try_from(holds.as_millis()).unwrap_or(i64::MAX)))
        };
        if let Some((kind, holds)) = self.kind {
            (new.status, new.status_kind_expires_at) = (kind, until(holds));
        }
        new.hide_last_seen = self.hide_last_seen.unwrap_or(old.hide_last_seen);
        if let Some((text, holds)) = &self.text {
            new.status_text.clone_from(text);
            new.status_expires_at = until(*holds);
        }
        let row = store::user::set_status(&mut work.tx, self.user_id, &new).await?.ok_or(Error::Unauthenticated)?;
        let status = status(&new, now);
        // Also when nothing changes: it is by this that the hub learns of it, which may have missed a commit whose outcome
        // was unknown.
        work.tell(self.user_id, v1::event::Kind::StatusChanged(v1::StatusChanged { status: Some(status.clone()) }));
        if (&new.status_text, new.status_expires_at) != (&old.status_text, old.status_expires_at) {
            work.publish(Effect::Profile(api(row, now)));
        }
        Ok(status)
    }
}

/// Chooses how the caller wants to be seen and what she says of it; what is left out stays.
pub async fn set_status(ctx: &Ctx, caller: &Caller, request: v1::SetStatusRequest) -> Result<v1::Status> {
    let v1::SetStatusRequest { kind, text, expires_in, hide_last_seen, kind_expires_in } = request;
    let kind = match v1::StatusKind::try_from(kind) {
        Ok(v1::StatusKind::Unspecified) => None,
        Ok(kind) => Some(kind),
        Err(_) => return Err(Error::field("kind", "must be one of online, idle, do not disturb, invisible")),
    };
    let life = |field, span: Option<prost_types::Duration>| {
        span.map(|span| field::life(field, (span.seconds, span.nanos))).transpose()
    };
    let kind_holds = life("kind_expires_in", kind_expires_in)?;
    if kind_holds.is_some() && kind.is_none_or(|kind| kind == v1::StatusKind::Online) {
        return Err(Error::field("kind_expires_in", "is how long a kind holds: it needs one, other than online"));
    }
    let kind = kind.map(|kind| (i64::from(i32::from(kind)), kind_holds));
    let holds = life("expires_in", expires_in)?;
    let text = match text {
        Some(text) => Some(field::line("text", &text, 0, ctx.limits.status_characters)?),
        None => None,
    };
    if holds.is_some() && text.as_ref().is_none_or(String::is_empty) {
        return Err(Error::field("expires_in", "is how long a text holds: it needs one"));
    }
    let text = text.map(|text| (text, holds));
    ctx.writer.run(SetStatus { user_id: caller.user_id, kind, text, hide_last_seen }).await
}

struct Seen {
    user_id: i64,
}

impl Command for Seen {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let now = work.tx.now;
        Ok(store::user::seen(&mut work.tx, self.user_id, now).await?)
    }
}

/// Notes that a user came or went just now.
pub async fn seen(ctx: &Ctx, user_id: i64) -> Result<()> {
    ctx.writer.run(Seen { user_id }).await
}

struct StillThere {
    user_ids: Vec<i64>,
    at: i64,
}

impl Command for StillThere {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(0)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        Ok(store::user::still_there(&mut work.tx, &self.user_ids, self.at).await?)
    }
}

/// Notes of all who are shown as there that they were here until now: of who does not come back after a stop or a crash it
/// is what is known.
pub async fn still_there(ctx: &Ctx) -> Result<()> {
    let at = ctx.clock.now();
    for user_ids in ctx.hub.there().chunks(BATCH) {
        ctx.writer.run(StillThere { user_ids: user_ids.to_vec(), at }).await?;
    }
    Ok(())
}
