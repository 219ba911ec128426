//! Sends that wait together: which of them are new, repeats or refused, and storing the new ones.

use std::collections::{HashMap, hash_map::Entry};

use rookery_api::v1;

use super::{
    Error, Result, block,
    ctx::Limits,
    media,
    mention::{self, Mentioned, Written},
    message,
    writer::{Effect, Work},
};
use crate::store::{
    self,
    media::MediaRow,
    message::{NewMessage, Place, Placed},
};

/// Decides on a group of sends and stores those that are new: one text to look, one to write.
pub(super) async fn store_group(
    work: &mut Work,
    sends: &[&NewMessage],
    limits: &Limits,
) -> Result<Vec<Option<Result<v1::Message>>>> {
    let checks = store::message::check(&mut work.tx, sends).await?;
    let files = hold_files(work, sends).await?;
    let mut places: HashMap<i64, Place> = HashMap::new();
    let mut first: HashMap<(i64, i64, String), usize> = HashMap::new();
    let mut placed: Vec<(usize, Place, String)> = Vec::new();
    let mut repeats: Vec<(usize, usize)> = Vec::new();
    let mut outcomes: Vec<Option<Result<v1::Message>>> = Vec::with_capacity(sends.len());
    for (index, check) in checks.iter().enumerate() {
        let new = sends[index];
        let attachments = attachments(new, &files);
        outcomes.push(match decide(check, new, attachments.is_some()) {
            Verdict::No(error) => Some(Err(error)),
            Verdict::Stored(id) => {
                let row = store::message::get_own(work.tx.read(), new.conversation_id, id, new.author_id).await?;
                match row {
                    Some(row) => Some(Ok(message::for_reader(work.tx.read(), new.author_id, row).await?)),
                    None => Some(Err(Error::Internal("a repeated message is gone".into()))),
                }
            }
            Verdict::New(from) => match first.entry((new.conversation_id, new.author_id, new.request_id.clone())) {
                Entry::Occupied(earlier) => {
                    repeats.push((index, *earlier.get()));
                    None
                }
                Entry::Vacant(vacant) => {
                    vacant.insert(index);
                    let last = places.entry(new.conversation_id).or_insert(from);
                    let place = Place {
                        position: last.position + 1,
                        messages: last.messages + 1,
                        last_at: last.last_at.max(work.tx.now),
                    };
                    *last = place;
                    placed.push((index, place, attachments.unwrap_or_default()));
                    None
                }
            },
        });
    }
    let mentioned = find_mentions(work, placed.iter().map(|(index, ..)| sends[*index]), limits).await?;
    if !placed.is_empty() {
        let stored: Vec<String> = mentioned.iter().map(|mentioned| mention::stored(mentioned)).collect();
        let rows = placed.iter().zip(&stored).map(|((index, place, attachments), mentions)| Placed {
            new: sends[*index],
            place: *place,
            attachments,
            mentions,
        });
        let rows: Vec<Placed<'_>> = rows.collect();
        store::message::insert_group(&mut work.tx, &rows).await?;
        let shown = rows.iter().flat_map(|Placed { new, place, .. }| {
            new.media_ids.iter().map(|id| (new.conversation_id, place.position, id.as_str()))
        });
        let shown: Vec<_> = shown.collect();
        if !shown.is_empty() {
            store::media::attach(&mut work.tx, &shown).await?;
        }
        let meant = rows.iter().zip(&mentioned).flat_map(|(Placed { new, place, .. }, mentioned)| {
            mention::rows(mentioned, new.conversation_id, place.position, new.author_id)
        });
        let meant: Vec<_> = meant.collect();
        if !meant.is_empty() {
            store::mention::insert(&mut work.tx, &meant).await?;
        }
    }
    for ((index, place, attachments), mentioned) in placed.into_iter().zip(mentioned) {
        let message = message::sent(sends[index], place, &attachments, &mentioned);
        work.publish(Effect::Message(message.clone()));
        outcomes[index] = Some(Ok(message));
    }
    for (index, earlier) in repeats {
        let same = sends[index].content_hash == sends[earlier].content_hash;
        outcomes[index] = match &outcomes[earlier] {
            Some(Ok(message)) if !same => Some(Err(Error::RequestIdReused { id: message.id })),
            outcome => outcome.clone(),
        };
    }
    Ok(outcomes)
}

/// Whom each message of a group mentions.
async fn find_mentions(
    work: &mut Work,
    group: impl Iterator<Item = &NewMessage>,
    limits: &Limits,
) -> Result<Vec<Vec<Mentioned>>> {
    let written = group.map(|new| Written {
        conversation_id: new.conversation_id,
        author_id: new.author_id,
        as_admin: new.as_admin,
        text: &new.text,
    });
    mention::find(work, &written.collect::<Vec<_>>(), limits).await
}

/// The files that a group of sends names, which stay until it is stored. Most groups name none.
async fn hold_files(work: &mut Work, sends: &[&NewMessage]) -> Result<HashMap<String, MediaRow>> {
    let ids: Vec<&str> = sends.iter().flat_map(|new| new.media_ids.iter().map(String::as_str)).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = store::media::hold(&mut work.tx, &ids).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// A message's files as readers see them; none if one is not there, or is not the author's to show.
fn attachments(new: &NewMessage, files: &HashMap<String, MediaRow>) -> Option<String> {
    let own = |id: &String| files.get(id).filter(|row| row.owner_id == 0 || row.owner_id == new.author_id);
    let rows: Vec<&MediaRow> = new.media_ids.iter().map(own).collect::<Option<_>>()?;
    Some(media::summary(&rows))
}

enum Verdict {
    /// Not this one.
    No(Error),
    /// It is stored already, under this id.
    Stored(i64),
    /// It is to be stored, behind what is there.
    New(Place),
}

/// May this message be stored? A repeat is looked for before rights: also who has left gets the answer to her own send.
fn decide(check: &store::message::Check, new: &NewMessage, files_found: bool) -> Verdict {
    if let (Some(id), Some(hash)) = (check.repeat_id, check.repeat_hash) {
        return if hash == new.content_hash { Verdict::Stored(id) } else { Verdict::No(Error::RequestIdReused { id }) };
    }
    match check {
        store::message::Check {
            position: Some(position),
            messages: Some(messages),
            last_at: Some(last_at),
            visible_from: Some(_),
            ..
        } => {
            if check.blocked {
                return Verdict::No(Error::Blocked);
            }
            if check.deserted {
                return Verdict::No(block::DESERTED);
            }
            if new.reply_to != 0 && !check.reply_found {
                return Verdict::No(Error::NotFound("message"));
            }
            if !files_found {
                return Verdict::No(Error::NotFound("media"));
            }
            Verdict::New(Place { position: *position, messages: *messages, last_at: *last_at })
        }
        _ => Verdict::No(Error::NotFound("conversation")),
    }
}
