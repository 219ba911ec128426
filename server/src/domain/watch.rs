//! What was changed from outside: the command line is another process, which writes to the same database. A running server
//! looks once a second whether something was decided there, and takes it up.

use std::{collections::HashSet, sync::Arc, time::Duration};

use rookery_api::v1::{self, AuditAction, event::Kind};

use super::{Ctx, Result, name, registration, session, user};
use crate::store::{self, audit::EntryRow};

/// How often a server looks.
const EVERY: Duration = Duration::from_secs(1);

/// What has been taken up.
struct Seen {
    revision: i64,
    /// The last entry of the operator's in the audit log.
    entry: i64,
}

/// Looks, until the server stops.
pub async fn watch(ctx: Arc<Ctx>) {
    let mut seen: Option<Seen> = None;
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut away = false;
    loop {
        timer.tick().await;
        let outcome = match &mut seen {
            Some(seen) => look(&ctx, seen).await,
            None => begin(&ctx).await.map(|first| seen = Some(first)),
        };
        match outcome {
            Ok(()) => away = false,
            // Said once: while the database is away there is nothing to take up.
            Err(error) if !away => {
                away = true;
                tracing::warn!(cause = ?error, "what was changed from outside could not be read");
            }
            Err(_) => {}
        }
    }
}

async fn begin(ctx: &Ctx) -> Result<Seen> {
    let mut conn = ctx.db.reader().await?;
    let revision = store::server::revision(&mut conn).await?;
    let entry = store::audit::last_by_operator(&mut conn).await?;
    registration::refresh(ctx).await?;
    Ok(Seen { revision, entry })
}

async fn look(ctx: &Ctx, seen: &mut Seen) -> Result<()> {
    let mut conn = ctx.db.reader().await?;
    let revision = store::server::revision(&mut conn).await?;
    if revision == seen.revision {
        return Ok(());
    }
    session::look_again(ctx).await?;
    registration::refresh(ctx).await?;
    let entries = store::audit::by_operator(&mut conn, seen.entry).await?;
    let subjects: HashSet<i64> = entries.iter().map(|entry| entry.subject_id).collect();
    let subjects = user::list_of(&mut conn, &subjects.into_iter().collect::<Vec<_>>(), ctx.clock.now()).await?;
    let is_seen = |entry: &EntryRow| {
        use AuditAction::{AccountCreated, AccountRemoved, AdminGranted, AdminRevoked};
        let action = i32::try_from(entry.action).ok().and_then(|action| AuditAction::try_from(action).ok());
        matches!(action, Some(AccountCreated | AccountRemoved | AdminGranted | AdminRevoked))
    };
    let seen_of: HashSet<i64> = entries.iter().filter(|entry| is_seen(entry)).map(|entry| entry.subject_id).collect();
    for user in subjects.iter().filter(|user| seen_of.contains(&user.id)) {
        ctx.hub.broadcast(Kind::UserChanged(v1::UserChanged { user: Some(user.clone()) }));
    }
    // What became of somebody's own there, nobody is told here: who blocked an account that is gone, say.
    if !entries.is_empty() {
        for (user_id, counter) in store::user::counters(&mut conn, &ctx.hub.owners()).await? {
            ctx.hub.expect(user_id, counter);
        }
    }
    for entry in &entries {
        match AuditAction::try_from(i32::try_from(entry.action).unwrap_or(0)) {
            Ok(AuditAction::AccountCreated) => ctx.hub.grow(ctx.global_id, 1),
            // She leaves her conversations by this server, so that all who listen hear it.
            Ok(AuditAction::AccountRemoved) => ctx.deletions.ring(),
            // Whoever forgot the old password has tried often enough.
            Ok(AuditAction::PasswordReset) => {
                for user in subjects.iter().filter(|user| user.id == entry.subject_id) {
                    ctx.guesses.right(&name::key(&user.name));
                }
            }
            Ok(AuditAction::Announced) => {
                ctx.hub.check(ctx.global_id);
                ctx.writer.backlog().add([ctx.global_id]);
            }
            _ => {}
        }
    }
    seen.entry = entries.last().map_or(seen.entry, |entry| entry.id);
    seen.revision = revision;
    Ok(())
}
