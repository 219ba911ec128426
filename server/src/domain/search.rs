//! Search: messages by their words and by what else is known of them. `query` understands what was asked for, `gram` says
//! what messages are found by, `index` keeps that up to date.

pub mod gram;
pub mod index;
pub mod query;

use std::{sync::Arc, time::Instant};

use rookery_api::v1;

use self::{gram::Mark, query::Query};
use super::{Caller, Ctx, Error, Result, field, mention, message, name, user};
use crate::store::{
    self, Conn,
    search::{Candidate, Wanted},
};

/// Up to here hits are counted.
const COUNTED: usize = 1000;
/// How many candidates are read at a time, and in all, for one page. Most are hits; of hostile words few are.
const BATCH: usize = COUNTED + 1;
const READ: usize = 20 * BATCH;

/// What was found of what was looked for.
#[derive(Default)]
struct Found {
    hits: Vec<Candidate>,
    /// Set where it was not looked to the end: the last place that was.
    stopped_at: Option<(i64, i64)>,
}

/// Finds messages that the caller may read now, newest first.
pub async fn search(
    ctx: &Ctx,
    caller: &Caller,
    request: v1::SearchMessagesRequest,
) -> Result<v1::SearchMessagesResponse> {
    if ctx.limits.search.is_zero() {
        return Err(Error::WrongState("this server keeps nothing to search in"));
    }
    let size = field::page_size(request.page_size, 20, 100)? as usize;
    let query = Query::parse(&request.query)?;
    let first = request.page_token.is_empty();
    let place = field::pair_of(&request.page_token, (0, 0))?;
    let mut conn = ctx.db.reader().await?;
    let mut wanted = resolve(&mut conn, caller.user_id, &query, request.conversation_id).await?;
    if !first {
        let seq = store::search::seq_of(&mut conn, caller.user_id, place.0, place.1).await?;
        wanted.before = wanted.before.min(seq.ok_or_else(field::page_token)?);
    }
    drop(conn);
    let most = if first { COUNTED.max(size) } else { size };
    let found = find(ctx, Arc::new(query), wanted, most + 1).await?;
    answer(ctx, caller, found, size, first).await
}

/// Makes numbers of names. What does not exist, or is not the caller's to know of, is nothing that could be found.
async fn resolve(conn: &mut Conn, reader: i64, query: &Query, conversation_id: i64) -> Result<Wanted> {
    let mut wanted = Wanted { reader, ..Wanted::default() };
    for term in &query.terms {
        for gram in term.grams() {
            let mut token = String::new();
            gram::write(&gram, &mut token);
            wanted.all.push(token.trim_end().to_owned());
        }
    }
    wanted.all.extend(query.has.iter().map(ToString::to_string));
    for name in &query.mentions {
        let whom = if name.eq_ignore_ascii_case(mention::EVERYONE) { 0 } else { user_id(conn, reader, name).await? };
        wanted.all.push(Mark::Mentions(whom).to_string());
    }
    for name in &query.from {
        wanted.any.push(Mark::From(user_id(conn, reader, name).await?).to_string());
    }
    wanted.all.sort_unstable();
    wanted.all.dedup();
    if !query.within.is_empty() {
        let mut within = Vec::new();
        for name in &query.within {
            match name.parse() {
                Ok(id) => within.push(id),
                Err(_) => {
                    within.extend(store::search::named(conn, reader, &field::search_key(&[name.as_str()])).await?);
                }
            }
        }
        wanted.within = Some(within);
    }
    if conversation_id != 0 {
        let membership = store::membership::get(conn, reader, conversation_id).await?;
        membership.ok_or(Error::NotFound("conversation"))?;
        let within = wanted.within.get_or_insert_with(|| vec![conversation_id]);
        within.retain(|id| *id == conversation_id);
    }
    wanted.everywhere = wanted.within.is_none() && store::search::is_faster_everywhere(conn, reader).await?;
    if let Some(day) = query.before {
        (wanted.until, wanted.before) = (day * index::DAY, store::search::end_before(conn, day).await? + 1);
    }
    if let Some(day) = query.after {
        (wanted.since, wanted.from) = ((day + 1) * index::DAY, store::search::begin_after(conn, day).await?);
    }
    Ok(wanted)
}

/// The user of a name.
async fn user_id(conn: &mut Conn, reader: i64, name: &str) -> Result<i64> {
    if name.eq_ignore_ascii_case("me") {
        return Ok(reader);
    }
    Ok(store::user::id_of(conn, &name::key(name)).await?.unwrap_or(NOBODY))
}

/// No user's id; 0 means everyone in mentions.
const NOBODY: i64 = i64::MAX;

/// Reads candidates until enough of them are hits, they end, or it has taken long enough.
async fn find(ctx: &Ctx, query: Arc<Query>, mut wanted: Wanted, enough: usize) -> Result<Found> {
    let (limit, began) = (ctx.limits.search, Instant::now());
    let mut conn = ctx.db.searcher(limit).await?;
    let mut found = Found::default();
    let mut read = 0;
    let mut batch = enough.min(BATCH);
    while found.hits.len() < enough {
        if read >= READ || read > 0 && began.elapsed() > limit {
            return Ok(found);
        }
        let candidates = match store::search::find(&mut conn, &wanted, batch as i64).await {
            // What was found so far is worth more than an error.
            Err(store::Error::TooLong) if read > 0 => return Ok(found),
            candidates => candidates?,
        };
        let last = candidates.last().map(|last| (last.seq, (last.conversation_id, last.id)));
        let ended = candidates.len() < batch;
        read += candidates.len();
        let sifting = query.clone();
        let sift =
            move || candidates.into_iter().filter(|candidate| sifting.is_met(&candidate.text)).collect::<Vec<_>>();
        // A thousand long texts take a while.
        found.hits.extend(tokio::task::spawn_blocking(sift).await.map_err(|error| Error::Internal(error.to_string()))?);
        let Some((seq, place)) = last.filter(|_| !ended) else {
            found.stopped_at = None;
            return Ok(found);
        };
        (wanted.before, found.stopped_at) = (seq, Some(place));
        batch = BATCH;
    }
    Ok(found)
}

async fn answer(
    ctx: &Ctx,
    caller: &Caller,
    found: Found,
    size: usize,
    first: bool,
) -> Result<v1::SearchMessagesResponse> {
    let Found { mut hits, stopped_at } = found;
    let mut response = v1::SearchMessagesResponse::default();
    if first {
        response.total = hits.len().min(COUNTED) as i32;
        response.total_is_more = hits.len() > COUNTED || stopped_at.is_some();
    }
    let next = if hits.len() > size {
        hits.truncate(size);
        hits.last().map(|last| (last.conversation_id, last.id))
    } else {
        stopped_at
    };
    response.next_page_token = next.map_or(String::new(), |(conversation, id)| field::pair_token(conversation, id));
    if hits.is_empty() {
        return Ok(response);
    }
    let seqs: Vec<i64> = hits.iter().map(|hit| hit.seq).collect();
    let mut conn = ctx.db.reader().await?;
    let rows = store::message::list_by_seq(&mut conn, caller.user_id, &seqs).await?;
    response.messages = message::all_for_reader(&mut conn, caller.user_id, rows).await?;
    response.users = user::list_of(&mut conn, &message::named(&response.messages), ctx.clock.now()).await?;
    Ok(response)
}
