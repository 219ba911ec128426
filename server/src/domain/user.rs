//! People: profiles, lists, presence with them.

use std::collections::HashMap;

use rookery_api::v1::{self, PresenceState};

use super::{
    Caller, Ctx, Error, Result, field, media, message,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{
    self, Conn,
    user::{OwnRow, Profile, UserRow},
};

/// A stored profile as everybody sees it.
pub fn api(row: UserRow) -> v1::User {
    v1::User {
        id: row.id,
        name: row.name,
        display_name: row.display_name,
        about: row.about,
        created_at: Some(message::timestamp(row.created_at)),
        color: row.color,
        avatar: row.avatar,
        deleted: row.deleted,
        status_text: row.status_text,
        status_expires_at: (row.status_expires_at != 0).then(|| message::timestamp(row.status_expires_at)),
        admin: row.admin,
    }
}

/// The profiles of some people.
pub async fn list_of(conn: &mut Conn, ids: &[i64]) -> Result<Vec<v1::User>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store::user::get_many(conn, ids).await?.into_iter().map(api).collect())
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
    Ok((rows.into_iter().map(api).collect(), presences))
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
    let next = rows.last().filter(|_| more).map(|row| field::name_key(&row.name)).unwrap_or_default();
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
        let row = store::user::get(work.tx.read(), self.user_id).await?.ok_or(Error::NotFound("user"))?;
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
            return Ok(api(row));
        }
        if new.avatar != old.avatar {
            media::hold_picture(work, "avatar", &new.avatar, self.user_id, self.avatar_bytes).await?;
        }
        let key = field::search_key(&[&row.name, &new.display_name]);
        let user = api(store::user::update(&mut work.tx, row.id, &new, &key).await?);
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

/// How a user wants to be seen.
pub fn status(own: &OwnRow) -> v1::StatusKind {
    i32::try_from(own.status).ok().and_then(|kind| kind.try_into().ok()).unwrap_or(v1::StatusKind::Online)
}

struct SetStatus {
    user_id: i64,
    kind: v1::StatusKind,
}

impl Command for SetStatus {
    type Reply = v1::Status;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Status> {
        let status = v1::Status { kind: self.kind.into(), ..v1::Status::default() };
        store::user::set_status(&mut work.tx, self.user_id, status.kind.into()).await?;
        // Also when nothing changes: it is by this that the hub learns of it, which may have missed a commit whose outcome
        // was unknown.
        work.tell(self.user_id, v1::event::Kind::StatusChanged(v1::StatusChanged { status: Some(status.clone()) }));
        Ok(status)
    }
}

/// Chooses how the caller wants to be seen.
pub async fn set_status(ctx: &Ctx, caller: &Caller, request: v1::SetStatusRequest) -> Result<v1::Status> {
    match request.kind() {
        v1::StatusKind::Unspecified => {
            Err(Error::field("kind", "must be one of online, idle, do not disturb, invisible"))
        }
        kind => ctx.writer.run(SetStatus { user_id: caller.user_id, kind }).await,
    }
}

struct Seen {
    user_id: i64,
}

impl Command for Seen {
    type Reply = ();

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
