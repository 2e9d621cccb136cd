//! What a power cut left of saves.

use crate::{
    folder::Workspace,
    fs::{FsError, Kind, is_temp_name},
    path::RelPath,
};
use std::time::{Duration, SystemTime};

/// No save takes so long: what is older is nobody's any more.
const OLD: Duration = Duration::from_secs(600);

/// Removes the temporary files of saves that never ended from one folder, those beneath it not, and tells which.
///
/// Only files go whose names are exactly such as a save makes, that were not written to for ten minutes, and that have no
/// second name. Folders that links lead to are left alone. A folder that is not there has no leftovers.
pub fn remove_leftovers(ws: &Workspace, folder: &RelPath) -> Result<Vec<RelPath>, FsError> {
    let fs = ws.fs();
    let parents = std::iter::successors(Some(folder.clone()), RelPath::parent);
    for above in parents.filter(|above| !above.is_root()) {
        match fs.stat(&above) {
            Ok(stat) if stat.kind == Kind::Dir => {}
            Ok(_) | Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        }
    }
    let old = SystemTime::now()
        .checked_sub(OLD)
        .and_then(|old| old.duration_since(SystemTime::UNIX_EPOCH).ok())
        .and_then(|since| i128::try_from(since.as_nanos()).ok());
    let mut removed = Vec::new();
    for entry in fs.list(folder)? {
        if !is_temp_name(&entry.name) {
            continue;
        }
        let path = folder.join(&entry.name);
        // A listing does not tell of second names.
        let stat = fs.stat(&path)?;
        if stat.kind == Kind::File && stat.links == 1 && old.is_some_and(|old| stat.mtime_ns < old)
        {
            fs.remove(&path)?;
            removed.push(path);
        }
    }
    Ok(removed)
}
