//! Files on their way out: copied into the profile, then put on the server one by one, then named in the message.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use rookery_api::v1;
use tokio::{sync::mpsc, task::AbortHandle, time::Instant};

use super::{Engine, call::Answer};
use crate::{
    api::{Code, Error},
    outbox::{Folder, Packing, Pending, PendingAttachment, PendingStatus, Source, refusal},
    update::Update,
};

/// So often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// All files on their way out.
pub(super) struct Uploads {
    pub folder: Folder,
    // What the user sends is shown in her order: in each conversation the first may be at its copying.
    packing: HashMap<i64, VecDeque<Packed>>,
    running: HashMap<String, AbortHandle>,
    ticks: mpsc::UnboundedSender<Tick>,
}

/// A message in the queue of those whose files are copied.
enum Packed {
    Waits(Box<Packing>),
    /// It is at its copying, or was taken back there.
    Leaves {
        request_id: String,
        wanted: bool,
        replaces: Option<String>,
    },
}

impl Packed {
    fn names(&self, name: &str) -> bool {
        let (request_id, replaces) = match self {
            Self::Waits(packing) => (&packing.pending.request_id, &packing.replaces),
            Self::Leaves { request_id, replaces, .. } => (request_id, replaces),
        };
        request_id == name || replaces.as_deref() == Some(name)
    }
}

/// More of a file is on its way.
pub(super) struct Tick {
    pub conversation_id: i64,
    pub request_id: String,
    pub sent: u64,
    pub total: u64,
}

impl Uploads {
    pub fn new(folder: Folder) -> (Self, mpsc::UnboundedReceiver<Tick>) {
        let (ticks, told) = mpsc::unbounded_channel();
        (Self { folder, packing: HashMap::new(), running: HashMap::new(), ticks }, told)
    }

    /// Stops an upload at once.
    pub fn stop(&mut self, request_id: &str) {
        if let Some(upload) = self.running.remove(request_id) {
            upload.abort();
        }
    }

    /// Another history has begun.
    pub fn stop_all(&mut self) {
        self.running.drain().for_each(|(_, upload)| upload.abort());
        self.packing.clear();
    }

    /// Whether a message, or one that takes its place, is at its copying or waits for it.
    fn packs(&self, request_id: &str) -> bool {
        self.packing.values().flatten().any(|packed| packed.names(request_id))
    }

    /// A message that is not shown yet was taken back.
    pub fn unpack(&mut self, request_id: &str) {
        for queue in self.packing.values_mut() {
            queue
                .retain(|packed| !matches!(packed, Packed::Waits(packing) if packing.pending.request_id == request_id));
            if let Some(Packed::Leaves { request_id: leaving, wanted, .. }) = queue.front_mut() {
                *wanted &= leaving != request_id;
            }
        }
    }
}

impl Engine {
    /// Takes a message in: its files are copied, then it is kept and shown, then sent.
    pub(super) async fn pack(&mut self, packing: Packing) {
        // Tried again twice: once is enough.
        if self.uploads.packs(packing.replaces.as_ref().unwrap_or(&packing.pending.request_id)) {
            return;
        }
        let id = packing.pending.conversation_id;
        self.uploads.packing.entry(id).or_default().push_back(Packed::Waits(Box::new(packing)));
        self.pack_next(id).await;
    }

    async fn pack_next(&mut self, id: i64) {
        loop {
            let Some(queue) = self.uploads.packing.get_mut(&id) else { return };
            match queue.pop_front() {
                None => {
                    self.uploads.packing.remove(&id);
                    return;
                }
                Some(leaves @ Packed::Leaves { .. }) => return queue.push_front(leaves),
                Some(Packed::Waits(packing)) if packing.has_work(&self.uploads.folder) => {
                    let request_id = packing.pending.request_id.clone();
                    let replaces = packing.replaces.clone();
                    queue.push_front(Packed::Leaves { request_id, wanted: true, replaces });
                    return self.call_pack(*packing);
                }
                Some(Packed::Waits(packing)) => self.unpacked(packing.pending, packing.replaces).await,
            }
        }
    }

    fn call_pack(&mut self, packing: Packing) {
        let (folder, limits) = (self.uploads.folder.clone(), *self.state.limits());
        let whole = Pending { status: PendingStatus::Failed(LOST.to_owned()), ..packing.pending.clone() };
        self.call(|_| async move {
            let packed = tokio::task::spawn_blocking(move || folder.pack(packing, &limits)).await;
            Answer::Packed { pending: Box::new(packed.unwrap_or(whole)) }
        });
    }

    pub(super) async fn packed(&mut self, pending: Pending) {
        let id = pending.conversation_id;
        let front = self.uploads.packing.get_mut(&id).and_then(VecDeque::pop_front);
        match front {
            Some(Packed::Leaves { wanted: true, replaces, .. }) => self.unpacked(pending, replaces).await,
            _ => self.disk.post(move |shelf| shelf.outbox.discard(&pending)),
        }
        self.pack_next(id).await;
    }

    async fn unpacked(&mut self, pending: Pending, replaces: Option<String>) {
        // The new one is on the disk before the old one goes.
        self.put(pending).await;
        if let Some(old) = replaces {
            self.cancel(&old);
        }
    }

    /// Takes the next step with a message whose turn it is.
    pub(super) fn call_next(&mut self, pending: Arc<Pending>) {
        if let Some(why) = refusal(&pending, self.state.limits()) {
            let result = Err(Error::local(why));
            return self.call(|_| async move { Answer::Sent { pending, result } });
        }
        let Some(place) = pending.attachments.iter().position(|attachment| attachment.media.is_none()) else {
            return self.call_send(pending);
        };
        let request_id = pending.request_id.clone();
        let upload = self.call_upload(pending, place);
        self.uploads.running.insert(request_id, upload);
    }

    fn call_upload(&mut self, pending: Arc<Pending>, place: usize) -> AbortHandle {
        let attachment = pending.attachments[place].clone();
        let progress = self.progress(&pending, place);
        let media = self.media.clone();
        self.spawn(move |api| async move {
            let result = match &attachment.source {
                Source::File(path) => media.upload_file(&attachment.name, path, progress).await,
                Source::Gif(gif) => {
                    let answer = api.save_gif(v1::SaveGifRequest { gif_id: gif.id.clone() }).await;
                    answer.and_then(|answer| answer.media.ok_or_else(Error::incomplete))
                }
            };
            Answer::Uploaded { pending, place, result }
        })
    }

    /// Tells now and then how far the files of a message are.
    fn progress(&self, pending: &Pending, place: usize) -> impl FnMut(u64) + Send + 'static {
        let [before, end, total] =
            [&pending.attachments[..place], &pending.attachments[..=place], &pending.attachments].map(bytes);
        let (conversation_id, request_id) = (pending.conversation_id, pending.request_id.clone());
        let (ticks, mut last) = (self.uploads.ticks.clone(), None::<Instant>);
        move |sent| {
            let (now, sent) = (Instant::now(), (before + sent).min(end));
            if sent == end || last.is_none_or(|last| last + TICK <= now) {
                last = Some(now);
                // Nobody there: the engine has ended.
                let _ = ticks.send(Tick { conversation_id, request_id: request_id.clone(), sent, total });
            }
        }
    }

    pub(super) fn tick(&mut self, tick: Tick) {
        let Tick { conversation_id, request_id, sent, total } = tick;
        if self.uploads.running.contains_key(&request_id) {
            self.emit(Update::UploadProgressed { conversation_id, request_id, sent, total });
        }
    }

    /// A file is on the server, or is not.
    pub(super) async fn uploaded(&mut self, pending: Arc<Pending>, place: usize, result: Result<v1::Media, Error>) {
        self.uploads.running.remove(&pending.request_id);
        match result {
            Ok(media) => {
                let [sent, total] = [&pending.attachments[..=place], &pending.attachments].map(bytes);
                let (conversation_id, request_id) = (pending.conversation_id, pending.request_id.clone());
                // A GIF has no bytes here.
                if total > 0 {
                    self.emit(Update::UploadProgressed { conversation_id, request_id, sent, total });
                }
                let mut next = Pending::clone(&pending);
                next.attachments[place].media = Some(media);
                self.go_on(pending, next).await;
            }
            Err(error) => self.not_sent(pending, error).await,
        }
    }

    /// What the server had is gone from there: a day went by, or a backup was restored. Puts it there again, once.
    pub(super) async fn upload_again(&mut self, pending: Arc<Pending>, error: Error) {
        let named = pending.attachments.iter().any(|attachment| attachment.media.is_some());
        let known = self.state.conversation(pending.conversation_id).is_some();
        let gone = error.code == Code::NotFound && named && known;
        if !gone || !self.sending.may_renew(&pending) {
            return self.not_sent(pending, error).await;
        }
        let mut next = Pending::clone(&pending);
        next.attachments.iter_mut().for_each(|attachment| attachment.media = None);
        self.go_on(pending, next).await;
    }

    /// A message in the queue is not as it was. On the disk before anything is done with it: a repeat says the same.
    async fn go_on(&mut self, old: Arc<Pending>, next: Pending) {
        if !self.sending.is_on_its_way(&old) {
            return;
        }
        if let Err(why) = self.keep(&next).await {
            return self.not_sent(old, Error::local(why)).await;
        }
        let next = Arc::new(next);
        self.sending.step(next.clone());
        self.emit(Update::PendingChanged(next));
    }
}

fn bytes(attachments: &[PendingAttachment]) -> u64 {
    attachments.iter().map(|attachment| attachment.size).sum()
}

const LOST: &str = "The files could not be saved on this device.";
