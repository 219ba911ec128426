//! The bytes of files, in a folder. What is written is on the disk, with the folder's entry, before the call returns.

use std::{ops::Range, path::Path, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path as Place,
};

use super::{Error, Result};

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            error if is_full(&error) => Self::Full,
            error => Self::Fault(error.to_string()),
        }
    }
}

/// Whether the disk had no room, at the bottom of it all.
fn is_full(error: &object_store::Error) -> bool {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let mut kinds = causes.filter_map(|error| Some(error.downcast_ref::<std::io::Error>()?.kind()));
    kinds.any(|kind| matches!(kind, std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
}

/// A folder of files by id; a picture's thumbnail lies beside it.
#[derive(Debug)]
pub struct Blobs {
    store: LocalFileSystem,
    folder: std::path::PathBuf,
}

/// What is in the folder.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Whose bytes these are: a file's, or its thumbnail's.
    pub id: String,
    place: Place,
    /// When it was last written, in milliseconds since 1970.
    pub written_at: i64,
}

/// A file that is being received. Dropped before its end, it leaves nothing.
#[derive(Debug)]
pub struct Upload(Box<dyn MultipartUpload>);

impl Upload {
    /// Writes the next piece.
    pub async fn write(&mut self, piece: Bytes) -> Result<()> {
        Ok(self.0.put_part(PutPayload::from_bytes(piece)).await?)
    }

    /// Ends it: the file is there, and on the disk.
    pub async fn finish(mut self) -> Result<()> {
        self.0.complete().await?;
        Ok(())
    }
}

/// Copies all files of one folder of files to another, but for those that are there already; what was copied is on the disk.
/// Files never change once somebody may refer to them, so this may be done while others come and go.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let sync = |path: &Path| std::fs::File::open(path).and_then(|file| file.sync_all());
    std::fs::create_dir_all(to)?;
    let parts = match std::fs::read_dir(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        parts => parts?,
    };
    for part in parts {
        let part = part?;
        let target = to.join(part.file_name());
        std::fs::create_dir_all(&target)?;
        for file in std::fs::read_dir(part.path())? {
            let file = file?;
            let name = file.file_name();
            let (copy, unfinished) = (target.join(&name), name.to_string_lossy().contains('#'));
            if unfinished || copy.exists() {
                continue;
            }
            // Under another name until it is whole: a copy that broke off is done again.
            let begun = target.join(format!("{}#copy", name.to_string_lossy()));
            match std::fs::copy(file.path(), &begun) {
                // Gone since it was listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                copied => copied?,
            };
            sync(&begun)?;
            std::fs::rename(&begun, &copy)?;
        }
        sync(&target)?;
    }
    sync(to)
}

/// Folders of a few hundred files each are quick everywhere.
fn place(id: &str) -> Place {
    Place::from(format!("{}/{id}", id.get(..2).unwrap_or_default()))
}

fn thumbnail_place(id: &str) -> Place {
    Place::from(format!("{}/{id}.thumbnail", id.get(..2).unwrap_or_default()))
}

impl Blobs {
    /// Opens the folder, making it if need be.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        // The folder's own entry is synced here; those of what comes into it, by the store.
        let sync = |folder: &Path| std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        std::fs::create_dir_all(folder)
            .and_then(|()| folder.parent().map_or(Ok(()), sync))
            .map_err(|error| Error::Fault(format!("{}: {error}", folder.display())))?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store, folder: folder.to_owned() })
    }

    /// Begins to receive a file.
    pub async fn receive(&self, id: &str) -> Result<Upload> {
        Ok(Upload(self.store.put_multipart(&place(id)).await?))
    }

    /// Writes a file, over what is there.
    pub async fn put(&self, id: &str, bytes: Bytes) -> Result<()> {
        self.store.put(&place(id), bytes.into()).await?;
        Ok(())
    }

    /// Writes a thumbnail, over what is there.
    pub async fn put_thumbnail(&self, id: &str, bytes: Bytes) -> Result<()> {
        self.store.put(&thumbnail_place(id), bytes.into()).await?;
        Ok(())
    }

    /// A file's size.
    pub async fn size(&self, id: &str) -> Result<u64> {
        Ok(self.store.head(&place(id)).await?.size)
    }

    /// A part of a file.
    pub async fn part(&self, id: &str, range: Range<u64>) -> Result<Bytes> {
        Ok(self.store.get_range(&place(id), range).await?)
    }

    /// A part of a file, bit by bit. It is open before this returns, so that it may be removed meanwhile.
    pub async fn stream(
        &self,
        id: &str,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let options = object_store::GetOptions { range: Some(range.into()), ..Default::default() };
        Ok(self.store.get_opts(&place(id), options).await?.into_stream().map_err(Error::from))
    }

    /// A thumbnail.
    pub async fn thumbnail(&self, id: &str) -> Result<Bytes> {
        Ok(self.store.get(&thumbnail_place(id)).await?.bytes().await?)
    }

    /// Removes a file and its thumbnail. What is not there is no fault.
    pub async fn remove(&self, id: &str) -> Result<()> {
        for place in [place(id), thumbnail_place(id)] {
            self.remove_at(&place).await?;
        }
        Ok(())
    }

    async fn remove_at(&self, place: &Place) -> Result<()> {
        match self.store.delete(place).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// All that is there.
    pub fn list(&self) -> BoxStream<'static, Result<Blob>> {
        let blob = |meta: object_store::ObjectMeta| {
            let name = meta.location.filename().unwrap_or_default();
            let id = name.strip_suffix(".thumbnail").unwrap_or(name).to_owned();
            Blob { id, written_at: meta.last_modified.timestamp_millis(), place: meta.location }
        };
        self.store.list(None).map_ok(blob).map_err(Error::from).boxed()
    }

    /// Removes what `list` found, unless it was written again since.
    pub async fn remove_found(&self, blob: &Blob) -> Result<()> {
        match self.store.head(&blob.place).await {
            Ok(meta) if meta.last_modified.timestamp_millis() == blob.written_at => self.remove_at(&blob.place).await,
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what an end without warning left of files that were being received, if nothing was written there for some
    /// time. `list` does not know of these.
    pub async fn remove_unfinished(&self, age: Duration) -> Result<()> {
        let folder = self.folder.clone();
        let work = tokio::task::spawn_blocking(move || {
            let entries =
                |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok());
            for file in entries(&folder).flat_map(|part| entries(&part.path())) {
                let unfinished = file.file_name().to_string_lossy().contains('#');
                let old = || file.metadata().ok()?.modified().ok()?.elapsed().ok().map(|since| since >= age);
                if unfinished && old() == Some(true) {
                    let _ = std::fs::remove_file(file.path());
                }
            }
        });
        work.await.map_err(|error| Error::Fault(error.to_string()))
    }
}
