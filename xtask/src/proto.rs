//! The protocol's two judges: its style, and that old clients still understand it.

use std::{fs, path::Path, process::Command};

use crate::{Outcome, child, place};

/// The protocol keeps to buf's rules of style.
pub fn lint(buf: &Path) -> Outcome {
    child::run(Command::new(buf).args(["lint", "proto"]).current_dir(place::root()?))
}

/// The protocol breaks nobody who speaks the last released one (before the first release: the one on main).
pub fn breaking(buf: &Path) -> Outcome {
    let Some(earlier) = earlier()? else {
        println!("There is no earlier protocol to compare with: no release tag and no branch main in this clone.");
        return Ok(());
    };
    println!("Comparing with {earlier}.");
    let root = place::root()?;
    let folder = place::tools()?.join(format!("earlier-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let archive = folder.join("proto.tar");
    let outcome = child::run(
        Command::new("git").args(["archive", "--output"]).arg(&archive).args([&earlier, "proto"]).current_dir(&root),
    )
    .and_then(|()| child::run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder)))
    .and_then(|()| {
        let against = folder.join("proto");
        child::run(Command::new(buf).args(["breaking", "proto", "--against"]).arg(against).current_dir(&root))
    });
    fs::remove_dir_all(&folder).map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    outcome
}

/// The commit whose protocol must be kept.
fn earlier() -> Outcome<Option<String>> {
    let root = place::root()?;
    let git = |arguments: &[&str]| child::answer(Command::new("git").args(arguments).current_dir(&root));
    if root.join(".git").exists() && git(&["rev-parse", "HEAD"]).is_none() {
        return Err("git does not read this clone; `git status` says why".to_owned());
    }
    let tag = git(&["describe", "--tags", "--abbrev=0", "--match", "v*"]);
    let branches = ["origin/main", "main"].map(str::to_owned);
    let holds_proto = |commit: &String| git(&["cat-file", "-t", &format!("{commit}:proto")]).as_deref() == Some("tree");
    Ok(tag.into_iter().chain(branches).find(holds_proto))
}
