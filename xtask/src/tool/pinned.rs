//! Tools from PyPI and npm at exact versions with checksums, as the files in `xtask/tools/` fix them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, child, place};

/// A folder in `.tools/` that was filled as one file in `xtask/tools/` says.
pub struct Pinned {
    /// The file that names versions and checksums.
    pub list: PathBuf,
    pub folder: PathBuf,
}

impl Pinned {
    /// The tool `name`, fixed by the file `list`.
    pub fn new(name: &str, list: &str) -> Outcome<Self> {
        Ok(Pinned { list: place::root()?.join("xtask/tools").join(list), folder: place::tools()?.join(name) })
    }

    /// Whether the folder holds what the list names today.
    pub fn is_current(&self) -> bool {
        let (wanted, installed) = (fs::read(&self.list), fs::read(self.mark()));
        matches!((wanted, installed), (Ok(wanted), Ok(installed)) if wanted == installed)
    }

    /// Empties the folder, fills it, and marks it as filled only then: a stopped installation is begun again.
    pub fn fill(&self, fill: impl FnOnce(&Path) -> Outcome) -> Outcome {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(|error| self.says("empty", error))?;
        }
        fs::create_dir_all(&self.folder).map_err(|error| self.says("make", error))?;
        fill(&self.folder)?;
        fs::copy(&self.list, self.mark()).map(|_| ()).map_err(|error| self.says("write to", error))
    }

    fn mark(&self) -> PathBuf {
        self.folder.join("installed")
    }

    fn says(&self, what: &str, error: std::io::Error) -> String {
        format!("cannot {what} {}: {error}", self.folder.display())
    }
}

/// pip of the Python on the search path.
pub fn pip() -> Command {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).env("PIP_ROOT_USER_ACTION", "ignore");
    command
}

/// Whether PyPI can be asked at all.
pub fn has_pip() -> bool {
    child::succeeds(pip().arg("--version"))
}

/// Fails with the exact line where pip is missing.
pub fn need_pip(tool: &str) -> Outcome {
    if has_pip() {
        return Ok(());
    }
    Err(format!(
        "{tool} comes from PyPI, but pip is missing. Run:\n\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends python3-pip\n"
    ))
}
