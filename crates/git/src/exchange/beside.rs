//! The new files of an exchange, written where nobody looks, with the line ends and modes of the working tree.

use super::{Due, Plan, plan_of};
use crate::{
    GitError,
    content::{EXECUTABLE, Files, Kept, LINK},
    path_to_git,
};
use git2::{Index, Oid, build::CheckoutBuilder};
use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

/// Writes the new files into a folder of its own, with the line ends and modes that they have in the working tree.
pub(super) fn write(
    files: &Files<'_>,
    plan: &Plan,
    due: &[Due],
    folder: &Path,
) -> Result<(), GitError> {
    let failed = |error| GitError::library("write files of", files.workdir, error);
    let mut wanted = Index::new().map_err(failed)?;
    let mut checkout = CheckoutBuilder::new();
    checkout
        .target_dir(folder)
        .force()
        .recreate_missing(true)
        .disable_pathspec_match(true)
        .update_index(false)
        .refresh(false);
    let mut written = Vec::new();
    for one in due.iter().filter(|one| one.to) {
        let Some(to) = plan_of(plan, &one.path).and_then(|step| step.to) else {
            continue;
        };
        let Some(name) = path_to_git(&one.path) else {
            continue;
        };
        wanted.add(&to.entry(name.clone())).map_err(failed)?;
        checkout.path(name.as_slice());
        written.push((one.path.as_path(), name, to));
    }
    if written.is_empty() {
        return Ok(());
    }
    let tree: Oid = wanted.write_tree_to(files.repo).map_err(failed)?;
    let tree = files.repo.find_tree(tree).map_err(failed)?;
    files
        .repo
        .checkout_tree(tree.as_object(), Some(&mut checkout))
        .map_err(failed)?;
    // The library passes over what is of another kind in the last commit: a folder or a link where a file is wanted.
    for (path, name, to) in written {
        let full = folder.join(path);
        if fs::symlink_metadata(&full).is_err() {
            write_raw(files, path, &name, to, &full)?;
        }
    }
    Ok(())
}

/// Writes a file whose bytes on disk are those of its blob.
fn write_raw(
    files: &Files<'_>,
    path: &Path,
    name: &[u8],
    to: Kept,
    full: &Path,
) -> Result<(), GitError> {
    let io = |source| GitError::Io {
        action: "write",
        path: full.to_owned(),
        source,
    };
    if to.mode != LINK && files.may_convert_lines(name) {
        return Err(GitError::Refused {
            action: "replace",
            path: path.to_owned(),
            why:
                "it becomes a file of another kind, with converted line ends; do it with git itself"
                    .to_owned(),
        });
    }
    let bytes = files.blob(to.id)?;
    if let Some(parent) = full.parent() {
        fs::create_dir_all(parent).map_err(io)?;
    }
    if to.mode == LINK {
        return link(&bytes, full).map_err(io);
    }
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if to.mode == EXECUTABLE {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
    }
    options
        .open(full)
        .and_then(|mut file| file.write_all(&bytes))
        .map_err(io)
}

fn link(target: &[u8], full: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let target = std::os::unix::ffi::OsStrExt::from_bytes(target);
        std::os::unix::fs::symlink::<&std::ffi::OsStr, _>(target, full)
    }
    #[cfg(not(unix))]
    {
        // Git for Windows does the same where it may make no links.
        fs::write(full, target)
    }
}
