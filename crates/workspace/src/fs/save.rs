//! One atomic save: temporary file, flush, check, rename, flush of the folder.
//!
//! Where the system can swap two names, the check is repeated on what the rename took out, so that a change by somebody else
//! between the check and the rename is put back and not lost.

use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, File, OpenOptions};

use super::place::Place;
use super::real::{fail, sync};
use super::{Expect, FsError, Kind, Save, Stat, stat};
use crate::path::RelPath;

const TEMP_PREFIX: &str = ".kerf-";
const TEMP_SUFFIX: &str = ".tmp";
const TEMP_DIGITS: usize = 16;

/// The mode of a file that did not exist before.
const NEW_MODE: u32 = 0o644;

/// Whether a file of this name is a save in progress, or what a power cut left of one.
pub(crate) fn is_temp_name(name: &OsStr) -> bool {
    name.to_str()
        .and_then(|name| name.strip_prefix(TEMP_PREFIX)?.strip_suffix(TEMP_SUFFIX))
        .is_some_and(|digits| {
            digits.len() == TEMP_DIGITS
                && digits
                    .bytes()
                    .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
}

pub(super) fn save(
    place: &Place<'_>,
    path: &RelPath,
    bytes: &[u8],
    how: &Save,
) -> Result<Stat, FsError> {
    let io_fail = |error| fail(path, "save", error);
    let before = look(place, path)?;
    check(path, before.as_ref(), how.expect)?;
    let mut temp = Temp::create(&place.dir).map_err(io_fail)?;
    temp.file.write_all(bytes).map_err(io_fail)?;
    let mode = how
        .mode
        .or(before.map(|stat| stat.mode))
        .unwrap_or(NEW_MODE);
    #[cfg(unix)]
    if before.is_some() {
        super::unix::keep_attributes(&place.dir, place.name, &temp.file);
    }
    set_mode(&temp.file, mode).map_err(io_fail)?;
    temp.file.sync_all().map_err(io_fail)?;
    // Everything slow is done; what is on disk now is what the rename replaces.
    let found = look(place, path)?;
    check(path, found.as_ref(), how.expect)?;
    if how.expect == Expect::Absent {
        move_to_free_name(&place.dir, OsStr::new(&temp.name), &place.dir, place.name).map_err(
            |error| match error.kind() {
                io::ErrorKind::AlreadyExists => FsError::Conflict { path: path.clone() },
                _ => io_fail(error),
            },
        )?;
        temp.moved = true;
    } else if matches!(how.expect, Expect::Stamp(_)) && swap(place, &temp.name).map_err(io_fail)? {
        // What the file was has the temporary name now. Was it changed since it was looked at, it goes back.
        let replaced = look_at(&place.dir, OsStr::new(&temp.name), path)?;
        if let Err(conflict) = check(path, replaced.as_ref(), how.expect) {
            swap(place, &temp.name).map_err(io_fail)?;
            return Err(conflict);
        }
    } else {
        place
            .dir
            .rename(&temp.name, &place.dir, place.name)
            .map_err(io_fail)?;
        temp.moved = true;
    }
    if let Err(error) = sync(&place.dir) {
        take_back(place, &mut temp, how.expect);
        return Err(io_fail(error));
    }
    temp.file
        .metadata()
        .map(|meta| stat::of_handle(&meta))
        .map_err(io_fail)
}

/// Undoes the rename as well as it can: what is told to have failed must not be there. Only the new file is taken away,
/// never what somebody has put into its place meanwhile. A file that was replaced unseen is gone; then the new one stays.
fn take_back(place: &Place<'_>, temp: &mut Temp<'_>, expect: Expect) {
    let name = OsStr::new(&temp.name);
    let is_new = || {
        let there = place.dir.symlink_metadata(name).ok()?;
        let new = temp.file.metadata().ok()?;
        Some(stat::of_handle(&there).stamp() == stat::of_handle(&new).stamp())
    };
    match expect {
        Expect::Anything => {}
        Expect::Stamp(_) if temp.moved => {}
        Expect::Stamp(_) => {
            if matches!(swap(place, &temp.name), Ok(true)) && is_new() != Some(true) {
                // The error that the caller gets says that the disk is broken; this one would say no more.
                let _stays = swap(place, &temp.name);
            }
        }
        Expect::Absent => {
            if move_to_free_name(&place.dir, place.name, &place.dir, name).is_err() {
                return;
            }
            if is_new() == Some(true) {
                temp.moved = false;
            } else {
                let _stays = move_to_free_name(&place.dir, name, &place.dir, place.name);
            }
        }
    }
}

fn look(place: &Place<'_>, path: &RelPath) -> Result<Option<Stat>, FsError> {
    look_at(&place.dir, place.name, path)
}

fn look_at(dir: &Dir, name: &OsStr, path: &RelPath) -> Result<Option<Stat>, FsError> {
    match dir.symlink_metadata(name) {
        Ok(meta) => Ok(Some(stat::of_handle(&meta))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(path, "save", error)),
    }
}

/// Whether what is there may be replaced.
fn check(path: &RelPath, found: Option<&Stat>, expect: Expect) -> Result<(), FsError> {
    let conflict = || FsError::Conflict { path: path.clone() };
    let Some(found) = found else {
        return if matches!(expect, Expect::Stamp(_)) {
            Err(conflict())
        } else {
            Ok(())
        };
    };
    if expect == Expect::Absent {
        return Err(conflict());
    }
    match found.kind {
        Kind::File => {}
        Kind::Link => return Err(FsError::IsLink { path: path.clone() }),
        kind => {
            return Err(FsError::NotAFile {
                path: path.clone(),
                what: kind.describe(),
            });
        }
    }
    // Writing in place could change a file outside the workspace, and a rename would cut the link without a word.
    if found.links > 1 {
        return Err(FsError::HardLinked {
            path: path.clone(),
            links: found.links,
        });
    }
    match expect {
        Expect::Stamp(stamp) if stamp != found.stamp() => Err(conflict()),
        _ => Ok(()),
    }
}

/// Lets the file and the temporary one trade places in one step. False where the system cannot, or there is no file.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn swap(place: &Place<'_>, temp: &str) -> io::Result<bool> {
    use rustix::{fs::RenameFlags, io::Errno};
    let dir = &place.dir;
    match rustix::fs::renameat_with(dir, temp, dir, place.name, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn swap(_place: &Place<'_>, _temp: &str) -> io::Result<bool> {
    Ok(false)
}

/// A temporary file beside its target; removed unless it was moved there. After a swap it is what the target was.
struct Temp<'a> {
    dir: &'a Dir,
    name: String,
    file: File,
    moved: bool,
}

impl<'a> Temp<'a> {
    fn create(dir: &'a Dir) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .follow(FollowSymlinks::No);
        // Nobody else reads a half-written file; the final mode is set when the content is complete.
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        loop {
            // A fresh hasher is keyed by the system's randomness. The name need only be unlikely to collide:
            // `create_new` refuses whatever is there, and then another name is tried.
            let number = RandomState::new().build_hasher().finish();
            let name = format!(
                "{TEMP_PREFIX}{number:0width$x}{TEMP_SUFFIX}",
                width = TEMP_DIGITS
            );
            match dir.open_with(&name, &options) {
                Ok(file) => {
                    return Ok(Self {
                        dir,
                        name,
                        file,
                        moved: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if self.moved {
            return;
        }
        if let Err(error) = self.dir.remove_file(&self.name) {
            tracing::warn!(name = self.name, %error, "a temporary file could not be removed");
        }
    }
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use cap_std::fs::{Permissions, PermissionsExt};
    file.set_permissions(Permissions::from_mode(mode & 0o777))
}

#[cfg(windows)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    if permissions.readonly() != (mode & 0o200 == 0) {
        permissions.set_readonly(mode & 0o200 == 0);
        file.set_permissions(permissions)?;
    }
    Ok(())
}

/// Renames without ever replacing something; `AlreadyExists` when the name is taken.
pub(super) fn move_to_free_name(from: &Dir, old: &OsStr, to: &Dir, new: &OsStr) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    match rustix::fs::renameat_with(from, old, to, new, rustix::fs::RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(()),
        // Not every file system can do it in one step.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
        Err(error) => return Err(error.into()),
    }
    match to.symlink_metadata(new) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => from.rename(old, to, new),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_saves_are_temporary() {
        for (name, expected) in [
            (".kerf-0123456789abcdef.tmp", true),
            (".kerf-0123456789abcde.tmp", false),
            (".kerf-notes.tmp", false),
            ("kerf-0123456789abcdef.tmp", false),
            (".kerf-0123456789abcdeg.tmp", false),
            (".kerf-0123456789ABCDEF.tmp", false),
        ] {
            assert_eq!(is_temp_name(OsStr::new(name)), expected, "{name}");
        }
    }
}
