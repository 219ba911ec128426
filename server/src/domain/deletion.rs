//! Deleting accounts. What everybody knows of her and all her ways in go in one transaction; then she leaves her
//! conversations, one by one, and her files and messages go in the background, which goes on after a restart. Her row stays,
//! and her name with it: neither is ever somebody else's.

use std::{sync::Arc, time::Duration};

use rookery_api::v1::{self, MessagesFate, SystemKind, event::Kind};
use tokio::sync::Notify;

use super::{
    Caller, Ctx, Error, Result, admin, line, media, membership, message, password, session,
    session::Which,
    user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{self, conversation::GROUP, deletion::DeletionRow};

/// What everybody who is gone is called.
const NAME: &str = "Deleted user";
/// So many messages are erased in a transaction, and so long nothing is until the next: readers are to keep up.
const BATCH: i64 = 200;
const PAUSE: Duration = Duration::from_millis(100);
/// After a fault, so long until the next try.
const AGAIN: Duration = Duration::from_secs(10);

/// Rung when an account was deleted.
#[derive(Debug, Default)]
pub struct Deletions(Notify);

impl Deletions {
    /// An account was deleted, here or at the command line.
    pub(super) fn ring(&self) {
        self.0.notify_one();
    }
}

/// Deletes an account, inside the transaction: the caller has checked that it may be. `finish` is to follow the commit.
pub(super) async fn begin(work: &mut Work, user_id: i64, fate: MessagesFate) -> Result<()> {
    let row = store::user::get(work.tx.read(), user_id).await?;
    let row = row.filter(|row| !row.deleted).ok_or(Error::NotFound("user"))?;
    admin::keep_one(work, user_id).await?;
    let gone = store::user::clear(&mut work.tx, user_id, NAME).await?;
    session::end(work, user_id, Which::All).await?;
    for blocker in store::deletion::delete_own(&mut work.tx, user_id).await? {
        work.tell(blocker, Kind::BlockChanged(v1::BlockChanged { user_id, blocked: false }));
    }
    store::deletion::insert(&mut work.tx, user_id, fate == MessagesFate::Erase).await?;
    if !row.avatar.is_empty() {
        media::release(work, &[row.avatar]).await?;
    }
    work.publish(Effect::Profile(user::api(gone, work.tx.now)));
    Ok(())
}

/// What follows when the account is deleted: she leaves her conversations now, the rest goes in the background.
pub(super) async fn finish(ctx: &Arc<Ctx>, user_id: i64) -> Result<()> {
    ctx.deletions.ring();
    leave_all(ctx, user_id).await
}

/// What becomes of the messages, which is to be chosen.
pub(super) fn fate(given: MessagesFate) -> Result<MessagesFate> {
    match given {
        MessagesFate::Unspecified => Err(Error::field("messages", "must be keep or erase")),
        fate => Ok(fate),
    }
}

struct DeleteOwn {
    caller: Caller,
    global_id: i64,
    proven: String,
    fate: MessagesFate,
}

impl Command for DeleteOwn {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        // Where all acts of admins wait for each other: there is always one who stays the last admin.
        Lane::Conversation(self.global_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        password::still_proven(work, &self.caller, &self.proven).await?;
        begin(work, self.caller.user_id, self.fate).await
    }
}

/// Deletes the caller's account, for good.
pub async fn delete(ctx: &Arc<Ctx>, caller: &Caller, request: v1::DeleteAccountRequest) -> Result<()> {
    let fate = fate(request.messages())?;
    let proven = password::prove(ctx, caller, request.password).await?;
    ctx.writer.run(DeleteOwn { caller: caller.clone(), global_id: ctx.global_id, proven, fate }).await?;
    finish(ctx, caller.user_id).await
}

/// A user whose account was deleted goes out of a conversation of whatever kind.
struct Depart {
    user_id: i64,
    conversation_id: i64,
    line_id: String,
}

impl Command for Depart {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let (id, user_id) = (self.conversation_id, self.user_id);
        if store::membership::get(work.tx.read(), user_id, id).await?.is_none() {
            return Ok(());
        }
        let row = store::conversation::get(work.tx.read(), id).await?.ok_or(Error::NotFound("conversation"))?;
        if row.kind == GROUP {
            return membership::go(work, &row, user_id, SystemKind::Left, &self.line_id).await;
        }
        // The global room and direct chats tell nothing of it; of a direct chat only the other one is left, which closes it.
        store::membership::delete(&mut work.tx, user_id, id).await?;
        store::conversation::grow(&mut work.tx, id, -1).await?;
        work.publish(Effect::Grown(id, -1));
        Ok(())
    }
}

async fn leave_all(ctx: &Ctx, user_id: i64) -> Result<()> {
    let places = store::conversation::standings(&mut ctx.db.reader().await?, user_id).await?;
    for place in places {
        let line_id = line::request_id(ctx);
        ctx.writer.run(Depart { user_id, conversation_id: place.id, line_id }).await?;
    }
    Ok(())
}

/// Messages of one conversation that are to be erased.
struct Erase {
    user_id: i64,
    conversation_id: i64,
    ids: Vec<i64>,
}

impl Command for Erase {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        for id in &self.ids {
            let row = store::message::get_own(work.tx.read(), self.conversation_id, *id, self.user_id).await?;
            if let Some(row) = row.filter(|row| !row.deleted) {
                message::bury(work, &row).await?;
            }
        }
        Ok(())
    }
}

struct Done {
    user_id: i64,
}

impl Command for Done {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        Ok(store::deletion::delete(&mut work.tx, self.user_id).await?)
    }
}

/// Does what is still to be done for deleted accounts, from the start on and whenever one is deleted.
pub async fn go_on(ctx: Arc<Ctx>) {
    loop {
        match clear_away(&ctx).await {
            Ok(()) => ctx.deletions.0.notified().await,
            Err(error) => {
                tracing::warn!(cause = ?error, "a deleted account could not be cleared away; it is tried again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn clear_away(ctx: &Ctx) -> Result<()> {
    let mut last = 0;
    loop {
        let next = store::deletion::after(&mut ctx.db.reader().await?, last).await?;
        let Some(DeletionRow { user_id, erase }) = next else { return Ok(()) };
        last = user_id;
        leave_all(ctx, user_id).await?;
        if erase {
            erase_all(ctx, user_id).await?;
        }
        release_all(ctx, user_id).await?;
        ctx.writer.run(Done { user_id }).await?;
    }
}

async fn erase_all(ctx: &Ctx, user_id: i64) -> Result<()> {
    let written = store::message::written(&mut ctx.db.reader().await?, user_id).await?;
    for (conversation_id, _) in written {
        let ids = store::message::written_in(&mut ctx.db.reader().await?, conversation_id, user_id).await?;
        for ids in ids.chunks(BATCH as usize) {
            ctx.writer.run(Erase { user_id, conversation_id, ids: ids.to_vec() }).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Files that no message shows go.
async fn release_all(ctx: &Ctx, user_id: i64) -> Result<()> {
    let mut after = String::new();
    loop {
        let ids = store::deletion::files(&mut ctx.db.reader().await?, user_id, &after, BATCH).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after.clone_from(last);
        ctx.writer.run(media::Release { ids }).await?;
    }
}
