//! From the system's metadata to [`Stat`], the same from a handle as from a walk, so that stamps can be compared.

use cap_std::fs::Metadata;

use super::{Kind, Stat};

#[cfg(unix)]
macro_rules! unix_stat {
    ($meta:expr) => {{
        let meta = $meta;
        let kind = meta.file_type();
        Stat {
            kind: if kind.is_file() {
                Kind::File
            } else if kind.is_dir() {
                Kind::Dir
            } else if kind.is_symlink() {
                Kind::Link
            } else {
                Kind::Other
            },
            len: meta.len(),
            mtime_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
            ino: meta.ino(),
            mode: meta.mode() & 0o777,
            links: meta.nlink(),
        }
    }};
}

/// From a handle, or from a path looked up beneath one.
#[cfg(unix)]
pub(super) fn of_handle(meta: &Metadata) -> Stat {
    use cap_std::fs::MetadataExt;
    unix_stat!(meta)
}

/// An entry of a listing.
#[cfg(unix)]
pub(super) fn of_entry(meta: &Metadata) -> Stat {
    of_handle(meta)
}

/// From a walk, which goes by names.
#[cfg(unix)]
pub(crate) fn of_walk(meta: &std::fs::Metadata) -> Stat {
    use std::os::unix::fs::MetadataExt;
    unix_stat!(meta)
}

#[cfg(windows)]
macro_rules! windows_stat {
    ($meta:expr, $mtime:expr, $links:expr) => {{
        let meta = $meta;
        let kind = meta.file_type();
        let kind = if kind.is_file() {
            Kind::File
        } else if kind.is_dir() {
            Kind::Dir
        } else if kind.is_symlink() {
            Kind::Link
        } else {
            Kind::Other
        };
        let mode = match (kind, meta.permissions().readonly()) {
            (Kind::Dir, _) => 0o755,
            (_, true) => 0o444,
            (_, false) => 0o644,
        };
        let mtime: std::io::Result<std::time::SystemTime> = $mtime;
        Stat {
            kind,
            len: meta.len(),
            mtime_ns: mtime.map_or(0, since_epoch),
            ino: 0,
            mode,
            links: $links,
        }
    }};
}

#[cfg(windows)]
fn since_epoch(time: std::time::SystemTime) -> i128 {
    let ns =
        |duration: std::time::Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => ns(after),
        Err(before) => -ns(before.duration()),
    }
}

/// From a handle, or from a path looked up beneath one.
#[cfg(windows)]
pub(super) fn of_handle(meta: &Metadata) -> Stat {
    windows_stat!(
        meta,
        meta.modified().map(|time| time.into_std()),
        cap_fs_ext::MetadataExt::nlink(meta)
    )
}

/// An entry of a listing, which does not count links.
#[cfg(windows)]
pub(super) fn of_entry(meta: &Metadata) -> Stat {
    windows_stat!(meta, meta.modified().map(|time| time.into_std()), 1)
}

/// From a walk, which goes by names and does not count links.
#[cfg(windows)]
pub(crate) fn of_walk(meta: &std::fs::Metadata) -> Stat {
    windows_stat!(meta, meta.modified(), 1)
}
