//! Clears away what has had its time: files that nothing refers to, invites that do not hold any more.

use std::{sync::Arc, time::Duration};

use super::{
    Ctx, Result, media,
    writer::{Command, Lane, Work},
};
use crate::store;

/// Sweeps a minute after the start, and then every hour.
pub async fn hourly(ctx: Arc<Ctx>) {
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut hours = tokio::time::interval(Duration::from_secs(60 * 60));
    loop {
        hours.tick().await;
        if let Err(error) = once(&ctx).await {
            tracing::warn!(cause = ?error, "what has had its time could not be cleared away");
        }
    }
}

/// Sweeps once.
pub async fn once(ctx: &Ctx) -> Result<()> {
    ctx.writer.run(Invites).await?;
    media::sweep(ctx).await
}

struct Invites;

impl Command for Invites {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(0)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        store::invite::delete_ended(&mut work.tx).await?;
        Ok(store::registration::delete_ended(&mut work.tx).await?)
    }
}
