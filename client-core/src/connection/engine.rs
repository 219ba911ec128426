//! One task that owns everything: it hears the link, the user, the answers and the clock, one after the other. It keeps
//! a state of its own, made of the very updates it gives, and decides by that.

mod answer;
mod call;
mod command;
mod keep;
mod stream;
mod upload;

use std::{collections::HashMap, sync::Arc, time::Duration};

use rookery_api::v1::SubscribeRequest;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tracing::error;

use self::{call::Answered, keep::Keeper, stream::Hold, upload::Uploads};
use super::{
    Config, Start,
    backoff::Backoff,
    here::Here,
    link::{Link, LinkEvent},
    loading::Loading,
    people::People,
    reading::Reading,
    sending::Sending,
    span,
    typing::{OthersTyping, OwnTyping},
};
use crate::{
    api::Api,
    cache::Kept,
    client::Command,
    disk::Disk,
    media::MediaStore,
    outbox::{Folder, PendingStatus},
    state::State,
    update::{Connection, Restored, Update},
};

/// With nothing to do the engine still looks at the clock now and then.
const REST: Duration = Duration::from_secs(60);

pub(super) struct Engine {
    config: Config,
    api: Api,
    media: MediaStore,
    disk: Disk,
    out: mpsc::Sender<Update>,
    state: State,
    told: Vec<Update>,
    calls: JoinSet<Answered>,
    // How many histories there were before this one: answers from there are no use here.
    world: u64,
    keeper: Keeper,
    holds: HashMap<i64, Hold>,
    // How many calls there were for them.
    tickets: u64,
    loading: Loading,
    sending: Sending,
    uploads: Uploads,
    reading: Reading,
    own_typing: OwnTyping,
    others_typing: OthersTyping,
    people: People,
    here: Here,
    // Ready has come on the present stream.
    ready: bool,
}

/// Works until nobody wants updates any more, or the session has ended.
pub(super) async fn run(start: Start) {
    let Start { config, api, media, mut inbox, out } = start;
    let disk = match Disk::open(&config) {
        Ok(disk) => disk,
        Err(error) => return error!(%error, "no thread for the disk"),
    };
    let folder = Folder::new(config.profile.folder(), config.ambient.request_id);
    let (uploads, mut ticks) = Uploads::new(folder);
    let mut engine = Engine {
        api: api.clone(),
        media,
        disk,
        out,
        state: State::default(),
        told: Vec::new(),
        calls: JoinSet::new(),
        world: 0,
        keeper: Keeper::default(),
        holds: HashMap::new(),
        tickets: 0,
        loading: Loading::default(),
        sending: Sending::default(),
        uploads,
        reading: Reading::default(),
        own_typing: OwnTyping::default(),
        others_typing: OthersTyping::default(),
        people: People::default(),
        here: Here::default(),
        ready: false,
        config,
    };
    engine.restore().await;
    let backoff = Backoff::new(engine.config.backoff.0, engine.config.backoff.1);
    let mut link = Link::start(api, backoff, engine.config.ambient.jitter);
    loop {
        engine.give().await;
        let due = engine.next_due();
        tokio::select! {
            event = link.events.recv() => match event {
                Some(LinkEvent::SignedOut) | None => break,
                Some(event) => engine.hear(event).await,
            },
            Some(command) = inbox.recv() => match command {
                Command::Reconnect => link.wake(),
                command => engine.obey(command).await,
            },
            Some(answer) = engine.calls.join_next() => match answer {
                Ok(answer) => engine.answer(answer).await,
                // An upload that was taken back.
                Err(error) if error.is_cancelled() => {}
                Err(error) => error!(%error, "a call broke down"),
            },
            Some(tick) = ticks.recv() => engine.tick(tick),
            () = sleep_until(due) => {}
            () = engine.out.closed() => return,
        }
        engine.work();
    }
    engine.emit(Update::ConnectionChanged(Connection::SignedOut));
    engine.give().await;
}

impl Engine {
    /// Everything that the reducer is to know goes through here, in order. Does not wait: between a change of the state
    /// and the note for the cache nothing may come, not even the end of the engine.
    fn emit(&mut self, update: Update) {
        self.state.apply(&update);
        self.told.push(update);
    }

    /// Gives out what was told. Waits for a program that is slow to apply it.
    async fn give(&mut self) {
        for update in std::mem::take(&mut self.told) {
            // Nobody there: the loop sees it at its next turn.
            let _ = self.out.send(update).await;
        }
    }

    /// Paints what was there last time.
    async fn restore(&mut self) {
        let shelf = self.disk.run(|shelf| (shelf.cache.restore(), shelf.outbox.list())).await;
        let (Kept { conversations, users, blocked }, pending) = shelf.unwrap_or_default();
        for waiting in pending.iter().filter(|pending| pending.status == PendingStatus::Sending) {
            self.sending.push(waiting.clone());
        }
        let session = &self.config.session;
        let (user_id, history_id) = (session.user_id, session.history_id.clone());
        let restored = Restored { user_id, history_id, conversations, users, blocked, pending };
        self.emit(Update::Restored(Arc::new(restored)));
    }

    async fn hear(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Connecting => self.emit(Update::ConnectionChanged(Connection::Connecting)),
            LinkEvent::Resume(answer) => {
                // If the link is gone, so is its question.
                let _ = answer.send(self.resume());
            }
            LinkEvent::Received(response) => self.receive(*response).await,
            LinkEvent::Down(offline) => {
                self.ready = false;
                // The next stream begins at the cursors, and what was held comes again.
                self.holds.clear();
                self.others_typing.clear();
                self.emit(Update::ConnectionChanged(Connection::Offline(offline)));
            }
            LinkEvent::SignedOut => {}
        }
    }

    fn resume(&self) -> SubscribeRequest {
        let known = self.state.conversations();
        let cursors = known.filter_map(|conversation| Some((conversation.id(), conversation.cursor()?))).collect();
        let history_id = self.state.history_id().to_owned();
        SubscribeRequest { cursors, history_id, ..SubscribeRequest::default() }
    }

    /// Does all that is due now.
    fn work(&mut self) {
        let now = Instant::now();
        for conversation_id in self.others_typing.expired(now) {
            self.emit(Update::TypingExpired(conversation_id));
        }
        self.flush_if_due(now);
        // Before what is read: that waits for it. Without a connection it fails, as the user has to know.
        for (conversation_id, unmark) in self.reading.due_unread() {
            self.call_mark_unread(conversation_id, unmark);
        }
        if !self.ready {
            return;
        }
        for pending in self.sending.due(now) {
            self.call_next(pending);
        }
        for (conversation_id, id) in self.reading.due(now) {
            self.call_mark_read(conversation_id, id);
        }
        for conversation_id in self.own_typing.paused(now) {
            self.call_typing(conversation_id, true);
        }
        if let Some(ids) = self.people.due() {
            self.call_users(ids);
        }
        let repeat = span(self.state.timings().activity_repeat, Duration::from_secs(60));
        let session_id = self.state.session_id();
        let (view, activity) =
            (self.here.due_view(session_id, now, repeat), self.here.due_activity(session_id, now, repeat));
        view.into_iter().for_each(|view| self.call_view(view));
        activity.into_iter().for_each(|activity| self.call_activity(activity));
        self.ask_for_holds(now);
    }

    /// When there is something to do again, if nothing happens before.
    fn next_due(&self) -> Instant {
        let mut due = vec![Instant::now() + REST];
        due.extend(self.others_typing.next_due());
        due.extend(self.keeper.next_due());
        if self.ready {
            due.extend(self.sending.next_due());
            due.extend(self.reading.next_due());
            due.extend(self.own_typing.next_due());
            due.extend(self.here.next_due());
            due.extend(self.holds.values().filter_map(Hold::next_due));
        }
        due.into_iter().min().unwrap_or_else(Instant::now)
    }

    fn jitter(&self) -> f64 {
        (self.config.ambient.jitter)()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.flush();
    }
}
