//! Files brought from one folder to another, with their times: build tools look at them.

use std::{
    fs::{self, File, FileTimes, Metadata},
    io,
    path::Path,
};

/// How files that git does not keep are brought without using space twice. Fails where the file system cannot.
pub type Clone<'a> = &'a dyn Fn(&Path, &Path) -> io::Result<()>;

/// Clones a file's content by the file system: FICLONE on Linux, `clonefile` on macOS, block clones on Windows.
///
/// # Errors
/// Where the file system cannot, or the two files are on different ones. Nothing is left behind then.
pub fn clone_file(from: &Path, to: &Path) -> io::Result<()> {
    reflink_copy::reflink(from, to)
}

/// Brings a file or a link, by cloning where that works. `to` must not be there, its folder must.
pub(super) fn bring(from: &Path, to: &Path, stat: &Metadata) -> io::Result<()> {
    if stat.is_symlink() {
        return link(&fs::read_link(from)?, to);
    }
    if clone_file(from, to).is_err() {
        // A file of that name is not written over.
        let mut target = File::create_new(to)?;
        io::copy(&mut File::open(from)?, &mut target)?;
    }
    settle(to, stat)
}

/// Brings a file by cloning alone, or a link.
pub(super) fn bring_cloned(
    from: &Path,
    to: &Path,
    stat: &Metadata,
    clone: Clone<'_>,
) -> io::Result<()> {
    if stat.is_symlink() {
        return link(&fs::read_link(from)?, to);
    }
    clone(from, to)?;
    settle(to, stat)
}

/// Gives a brought file the time and the mode that it had.
fn settle(to: &Path, stat: &Metadata) -> io::Result<()> {
    let times = FileTimes::new().set_modified(stat.modified()?);
    // On Unix whoever owns a file may set its times without writing to it; elsewhere not.
    let file = File::options().read(true).write(!cfg!(unix)).open(to)?;
    file.set_times(times)?;
    fs::set_permissions(to, stat.permissions())
}

#[cfg(unix)]
pub(super) fn link(target: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, to)
}

/// Whether it leads to a folder is not known before it is there.
#[cfg(windows)]
pub(super) fn link(target: &Path, to: &Path) -> io::Result<()> {
    let seen = to.parent().unwrap_or(to).join(target);
    if seen.is_dir() {
        std::os::windows::fs::symlink_dir(target, to)
    } else {
        std::os::windows::fs::symlink_file(target, to)
    }
}
