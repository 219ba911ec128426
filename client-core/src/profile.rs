//! A profile: the folder that keeps one signed-in user's session, cache and outbox apart from all others.

use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

/// A profile, taken for this process for as long as this value or a clone of it lives.
#[derive(Clone, Debug)]
pub struct Profile {
    name: String,
    folder: PathBuf,
    // The lock is held by the open file.
    _lock: Arc<File>,
}

/// Who is signed in, and where. Not secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The server's address, as [`crate::Api::url`] gives it.
    pub server: String,
    /// The server's history (GetServerInfo or Ready).
    pub history_id: String,
    /// The user's id.
    pub user_id: i64,
    /// The user's login name.
    pub user_name: String,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Another process has it open.
    #[error("The profile \"{0}\" is in use by another window.")]
    InUse(String),
    /// A name is 1 to 64 letters, digits, '-' or '_'.
    #[error("\"{0}\" cannot be the name of a profile: use letters, digits, '-' and '_'.")]
    BadName(String),
    /// The folder cannot be made, read or written.
    #[error("The folder {0} cannot be used: {1}")]
    Folder(PathBuf, #[source] io::Error),
}

impl Profile {
    /// Opens the profile of this name in the user's folder for application state (`$XDG_STATE_HOME/rookery`, else
    /// `~/.local/state/rookery`; `%LOCALAPPDATA%\rookery` on Windows).
    pub fn open(name: &str) -> Result<Self, ProfileError> {
        Self::open_in(&default_folder(), name)
    }

    /// Opens the profile of this name in another folder.
    pub fn open_in(folder: &Path, name: &str) -> Result<Self, ProfileError> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
            return Err(ProfileError::BadName(name.to_owned()));
        }
        let folder = folder.join(name);
        let failed = |error| ProfileError::Folder(folder.clone(), error);
        create_private_folder(&folder).map_err(failed)?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { name: name.to_owned(), folder, _lock: Arc::new(lock) }),
            Err(TryLockError::WouldBlock) => Err(ProfileError::InUse(name.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where fetched files are kept.
    pub(crate) fn media_folder(&self) -> PathBuf {
        self.folder.join("media")
    }

    /// Who is signed in; none if nobody is (or the record cannot be read).
    pub fn session(&self) -> Option<Session> {
        let text = fs::read(self.folder.join("session.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps who is signed in.
    pub fn save_session(&self, session: &Session) -> io::Result<()> {
        write_private(&self.folder.join("session.json"), &serde_json::to_vec_pretty(session)?)
    }

    /// The token in the profile's file, where no keyring keeps it.
    pub fn token(&self) -> Option<String> {
        let token = fs::read_to_string(self.folder.join("token")).ok()?;
        Some(token.trim().to_owned()).filter(|token| !token.is_empty())
    }

    /// Keeps the token in a file that only its owner can read (mode 0600). A keyring is better where there is one.
    pub fn save_token(&self, token: &str) -> io::Result<()> {
        write_private(&self.folder.join("token"), token.as_bytes())
    }

    /// Forgets the token in the file. Succeeds if there is none.
    pub fn remove_token(&self) -> io::Result<()> {
        remove(&self.folder.join("token"))
    }

    /// Forgets who is signed in, the token, the cache and the files that were fetched. Messages that wait to be sent stay: they are the user's.
    pub fn sign_out(&self) -> io::Result<()> {
        self.remove_token()?;
        remove(&self.folder.join("session.json"))?;
        for name in ["cache.sqlite", "cache.sqlite-wal", "cache.sqlite-shm"] {
            remove(&self.folder.join(name))?;
        }
        match fs::remove_dir_all(self.media_folder()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn default_folder() -> PathBuf {
    let var = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) { var("LOCALAPPDATA") } else { var("XDG_STATE_HOME") };
    base.or_else(|| env::home_dir().map(|home| home.join(".local").join("state")))
        .unwrap_or_else(env::temp_dir)
        .join("rookery")
}

pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file whole or not at all, readable by its owner alone from its first byte on.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    remove(&draft)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Profile, ProfileError, Session};

    #[test]
    fn a_profile_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Profile::open_in(folder.path(), "one").unwrap();
        assert!(matches!(Profile::open_in(folder.path(), "one"), Err(ProfileError::InUse(_))));
        Profile::open_in(folder.path(), "two").unwrap();
        drop(first);
        Profile::open_in(folder.path(), "one").unwrap();
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "a b", "é"] {
            assert!(matches!(Profile::open_in(folder.path(), name), Err(ProfileError::BadName(_))), "{name}");
        }
    }

    #[test]
    fn session_and_token_are_kept_until_signing_out() {
        let folder = tempfile::tempdir().unwrap();
        let session =
            Session { server: "http://x".into(), history_id: "h".into(), user_id: 7, user_name: "ada".into() };
        let profile = Profile::open_in(folder.path(), "one").unwrap();
        assert_eq!((profile.session(), profile.token()), (None, None));
        profile.save_session(&session).unwrap();
        profile.save_token("first").unwrap();
        profile.save_token("secret").unwrap();
        assert_eq!((profile.session(), profile.token()), (Some(session), Some("secret".to_owned())));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(profile.folder().join("token")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::create_dir(profile.media_folder()).unwrap();
        std::fs::write(profile.media_folder().join("x.1"), "x").unwrap();
        profile.sign_out().unwrap();
        assert_eq!((profile.session(), profile.token()), (None, None));
        assert!(!profile.media_folder().exists());
    }
}
