//! Whether the system tells of every change in a folder, by where the folder is.

use std::path::Path;

/// Whether this system tells of changes in the order in which they happened.
///
/// One queue of inotify does. What `FSEvents` and `ReadDirectoryChangesW` promise was not tried.
pub(super) const IN_ORDER: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Whether a folder lies in a file system that only this computer writes to, and that tells of all writes.
///
/// Those are listed that are known to: another computer writes to network file systems, and another program serves those
/// of virtual machines and FUSE. File systems that take `a` for `A` are not among them, because they tell of a name as
/// it was spelled by whoever wrote.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn tells_all(folder: &Path) -> bool {
    const LOCAL: [u64; 9] = [
        0xef53,      // ext2, ext3, ext4
        0x5846_5342, // XFS
        0x9123_683e, // Btrfs
        0xca45_1a4e, // bcachefs
        0x2fc1_2fc1, // ZFS
        0xf2f5_2010, // F2FS
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0x794c_7630, // overlayfs
    ];
    let Ok(stat) = rustix::fs::statfs(folder) else {
        return false;
    };
    // The type is of another width and sign on other processors; the numbers have 32 bits.
    #[allow(
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        clippy::allow_attributes,
        reason = "see above"
    )]
    let kind = stat.f_type as u64 & 0xffff_ffff;
    LOCAL.contains(&kind)
}

/// Nothing is known of the file systems of other systems.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn tells_all(_folder: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_another_program_serves_is_not_told() {
        assert!(!tells_all(Path::new("/proc")));
        assert!(!tells_all(Path::new("/sys")));
        assert!(!tells_all(Path::new("/no such folder")));
    }
}
