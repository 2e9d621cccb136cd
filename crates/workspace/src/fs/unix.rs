//! Owner and extended attributes of a file that a save replaces.
//!
//! Both are kept as far as the system lets this user: another owner can be set only by root, and some attributes
//! only by the kernel. What cannot be kept does not stop the save; the content matters more.

use std::ffi::OsStr;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, File, MetadataExt, OpenOptions};
use rustix::fs::{Gid, Uid, fchown};

/// Gives `new` the owner, group and extended attributes of the file `name` in `dir`.
pub(super) fn keep_attributes(dir: &Dir, name: &OsStr, new: &File) {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let old = match dir.open_with(name, &options) {
        Ok(old) => old,
        Err(error) => {
            tracing::debug!(%error, "owner and attributes of the old file cannot be read");
            return;
        }
    };
    if let (Ok(had), Ok(has)) = (old.metadata(), new.metadata()) {
        let owner = (had.uid() != has.uid()).then(|| Uid::from_raw(had.uid()));
        let group = (had.gid() != has.gid()).then(|| Gid::from_raw(had.gid()));
        // One by one: a user may often set the group where he may not set the owner.
        for (owner, group) in [(owner, None), (None, group)] {
            if (owner.is_some() || group.is_some())
                && let Err(error) = fchown(new, owner, group)
            {
                tracing::debug!(%error, "the owner or group of the old file cannot be kept");
            }
        }
    }
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    if let Err(error) = attributes::copy(&old, new) {
        tracing::debug!(%error, "extended attributes of the old file cannot be kept");
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod attributes {
    use std::ffi::CStr;
    use std::io;

    use cap_std::fs::File;
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
    use rustix::io::Errno;

    /// The largest list and value that Linux allows.
    const MAX_BYTES: usize = 64 * 1024;

    pub(super) fn copy(old: &File, new: &File) -> io::Result<()> {
        let mut names = vec![0; MAX_BYTES];
        let len = match flistxattr(old, &mut names[..]) {
            Ok(len) => len,
            Err(Errno::NOTSUP) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut value = Vec::new();
        for name in names[..len].split_inclusive(|byte| *byte == 0) {
            let Ok(name) = CStr::from_bytes_with_nul(name) else {
                continue;
            };
            // The kernel drops capabilities from a file that is written; a save must not bring them back.
            if name == c"security.capability" {
                continue;
            }
            value.resize(MAX_BYTES, 0);
            let copied = fgetxattr(old, name, &mut value[..])
                .and_then(|len| fsetxattr(new, name, &value[..len], XattrFlags::empty()));
            if let Err(error) = copied {
                tracing::debug!(?name, %error, "an extended attribute cannot be kept");
            }
        }
        Ok(())
    }
}
