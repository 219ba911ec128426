//! Sends that wait together: which of them are new, repeats or refused, and storing the new ones.

use std::collections::{HashMap, hash_map::Entry};

use rookery_api::v1;

use super::{
    Error, Result, message,
    writer::{Effect, Work},
};
use crate::store::{
    self,
    message::{NewMessage, Place, Placed},
};

/// Decides on a group of sends and stores those that are new: one text to look, one to write.
pub(super) async fn store_group(work: &mut Work, sends: &[&NewMessage]) -> Result<Vec<Option<Result<v1::Message>>>> {
    let checks = store::message::check(&mut work.tx, sends).await?;
    let mut places: HashMap<i64, Place> = HashMap::new();
    let mut first: HashMap<(i64, i64, String), usize> = HashMap::new();
    let mut placed: Vec<(usize, Place)> = Vec::new();
    let mut repeats: Vec<(usize, usize)> = Vec::new();
    let mut outcomes: Vec<Option<Result<v1::Message>>> = Vec::with_capacity(sends.len());
    for (index, check) in checks.iter().enumerate() {
        let new = sends[index];
        outcomes.push(match decide(check, new) {
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
                    placed.push((index, place));
                    None
                }
            },
        });
    }
    if !placed.is_empty() {
        let rows: Vec<Placed<'_>> =
            placed.iter().map(|(index, place)| Placed { new: sends[*index], place: *place }).collect();
        store::message::insert_group(&mut work.tx, &rows).await?;
    }
    for (index, place) in placed {
        let message = message::sent(sends[index], place);
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

enum Verdict {
    /// Not this one.
    No(Error),
    /// It is stored already, under this id.
    Stored(i64),
    /// It is to be stored, behind what is there.
    New(Place),
}

/// May this message be stored? A repeat is looked for before rights: also who has left gets the answer to her own send.
fn decide(check: &store::message::Check, new: &NewMessage) -> Verdict {
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
            if new.reply_to != 0 && !check.reply_found {
                return Verdict::No(Error::NotFound("message"));
            }
            Verdict::New(Place { position: *position, messages: *messages, last_at: *last_at })
        }
        _ => Verdict::No(Error::NotFound("conversation")),
    }
}
