//! Files that wait to be sent: copied into the profile before the message shows, so that it needs nobody's originals.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use rookery_api::v1;
use uuid::Uuid;

use super::{Pending, PendingStatus};

/// Something to send with a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Attachment {
    /// A file on this device.
    File(PathBuf),
    /// Bytes that are in no file, as from the clipboard.
    Bytes {
        /// What to call them.
        name: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A GIF that the server knows.
    Gif(v1::Gif),
}

/// One attachment of a message that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingAttachment {
    /// The file's name; a GIF's title.
    pub name: String,
    /// In bytes; 0 for a GIF.
    pub size: u64,
    /// What is sent.
    pub source: Source,
    /// What the server made of it, once it has it.
    pub media: Option<v1::Media>,
}

/// Where an attachment comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A file: the copy in the profile, or the original where it could not be copied (the message has failed then).
    File(PathBuf),
    /// A GIF that the server knows.
    Gif(v1::Gif),
}

/// A message whose files are still to be copied.
#[derive(Debug)]
pub(crate) struct Packing {
    pub pending: Pending,
    /// What comes after those that `pending` has already.
    pub new: Vec<Attachment>,
    /// The failed message that it takes the place of.
    pub replaces: Option<String>,
}

/// The folder of the copies.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    new_name: fn() -> Uuid,
}

impl Packing {
    /// Whether there is something to copy.
    pub fn has_work(&self, folder: &Folder) -> bool {
        let outside = |attachment: &PendingAttachment| match &attachment.source {
            Source::File(path) => !folder.holds(path),
            Source::Gif(_) => false,
        };
        !self.new.is_empty() || self.pending.attachments.iter().any(outside)
    }
}

impl Folder {
    pub fn new(profile: &Path, new_name: fn() -> Uuid) -> Self {
        Self { path: profile.join("outbox"), new_name }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies what is to be sent. A message that cannot be sent like this has failed, and says why. Blocks.
    pub fn pack(&self, packing: Packing, limits: &v1::ServerLimits) -> Pending {
        let Packing { mut pending, new, .. } = packing;
        let mut trouble = None;
        for attachment in new {
            match self.begin(attachment) {
                // The server keeps a GIF once, and a message has a file once.
                Ok(begun) if matches!(begun.source, Source::Gif(_)) && pending.attachments.contains(&begun) => {}
                Ok(begun) => pending.attachments.push(begun),
                Err(why) => trouble = Some(why),
            }
        }
        let trouble = trouble.or_else(|| refusal(&pending, limits)).or_else(|| {
            let mut each = pending.attachments.iter_mut();
            each.find_map(|attachment| self.keep(attachment).err())
        });
        if let Some(why) = trouble {
            pending.status = PendingStatus::Failed(why);
        }
        pending
    }

    fn begin(&self, attachment: Attachment) -> Result<PendingAttachment, String> {
        Ok(match attachment {
            Attachment::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let about = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
                let size = about.map_or(0, |file| file.len());
                PendingAttachment { name, size, source: Source::File(path), media: None }
            }
            Attachment::Bytes { name, bytes } => {
                let path = self.write(&mut &bytes[..]).map_err(|error| not_kept(&name, &error))?;
                PendingAttachment { name, size: bytes.len() as u64, source: Source::File(path), media: None }
            }
            Attachment::Gif(gif) => {
                PendingAttachment { name: gif.title.clone(), size: 0, source: Source::Gif(gif), media: None }
            }
        })
    }

    /// Makes sure that an attachment needs nothing from outside of the profile.
    fn keep(&self, attachment: &mut PendingAttachment) -> Result<(), String> {
        let Source::File(original) = &attachment.source else { return Ok(()) };
        let name = &attachment.name;
        if !self.holds(original) {
            let opened = File::open(original).and_then(|file| Ok((file.metadata()?, file)));
            let (about, file) = opened.map_err(|error| format!("{name} cannot be read: {error}"))?;
            if !about.is_file() {
                return Err(format!("{name} is not a file."));
            }
            // No more than was looked at: it may be growing.
            let copy = self.write(&mut file.take(about.len())).map_err(|error| not_kept(name, &error))?;
            attachment.size = fs::metadata(&copy).map_err(|error| not_kept(name, &error))?.len();
            attachment.source = Source::File(copy);
        }
        if attachment.size == 0 { Err(format!("{} is empty.", attachment.name)) } else { Ok(()) }
    }

    /// Writes a file under a name of its own. It is on the disk when this returns.
    fn write(&self, content: &mut impl Read) -> io::Result<PathBuf> {
        let path = self.path.join((self.new_name)().to_string());
        self.write_to(&path, content).inspect_err(|_| self.remove(&path))?;
        Ok(path)
    }

    fn write_to(&self, path: &Path, content: &mut impl Read) -> io::Result<()> {
        crate::profile::create_private_folder(&self.path)?;
        let mut file = File::create_new(path)?;
        io::copy(content, &mut file)?;
        file.sync_all()?;
        // The name too has to survive a power cut.
        #[cfg(unix)]
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }

    /// Removes a copy, and nothing else.
    pub fn remove(&self, path: &Path) {
        if self.holds(path) {
            // What stays is swept after the next start.
            let _ = fs::remove_file(path);
        }
    }

    /// Whether a file is one of the copies.
    fn holds(&self, path: &Path) -> bool {
        path.parent() == Some(&self.path)
    }

    /// Removes what no message names: a crash came between the copy and its message, or after it.
    pub fn sweep(&self, named: &HashSet<PathBuf>) {
        let files = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for file in files.filter(|file| !named.contains(&file.path())) {
            // It is tried again after the next start.
            let _ = fs::remove_file(file.path());
        }
    }
}

fn not_kept(name: &str, error: &io::Error) -> String {
    format!("{name} could not be saved on this device: {error}")
}

/// Why the server would not take a message with these files; none if it may. Limits that are not known yet are 0.
pub(crate) fn refusal(pending: &Pending, limits: &v1::ServerLimits) -> Option<String> {
    let most = usize::try_from(limits.attachments).unwrap_or(0);
    if most > 0 && pending.attachments.len() > most {
        return Some(format!("A message can have at most {most} files."));
    }
    let largest = u64::try_from(limits.file_bytes).unwrap_or(0);
    let mut waiting = pending.attachments.iter().filter(|attachment| attachment.media.is_none());
    let over = waiting.find(|attachment| largest > 0 && attachment.size > largest)?;
    Some(format!("{} is too large: a file can have at most {}.", over.name, in_words(largest)))
}

fn in_words(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB { format!("{} MB", bytes / MIB) } else { format!("{} kB", bytes.div_ceil(1 << 10)) }
}
