//! The secret from which placeholders of secrets are made: 32 random bytes in Kerf's data folder, made at the first
//! need. Each session has a key of its own that comes from it, so that a placeholder tells nothing across sessions.

use crate::failure::failure;
use kerf_protocol::{Code, Failure, SessionId};
use std::{
    fs,
    io::{self, Write},
    path::Path,
};
use tempfile::NamedTempFile;

const LEN: usize = 32;

/// The key of a session: the same as long as the file is there.
pub(crate) fn of_session(file: &Path, session_id: SessionId) -> Result<[u8; LEN], Failure> {
    let secret = load_or_make(file).map_err(|error| {
        failure(
            Code::Storage,
            format!(
                "the key for placeholders, {}, cannot be read or made: {error}",
                file.display()
            ),
            "Make the folder writable; if the file is damaged, remove it and a new one is made",
        )
    })?;
    let mut hasher = blake3::Hasher::new_derive_key("kerf 2026 placeholders of a session");
    hasher
        .update(&secret)
        .update(session_id.to_string().as_bytes());
    Ok(*hasher.finalize().as_bytes())
}

fn load_or_make(file: &Path) -> io::Result<[u8; LEN]> {
    match load(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(file),
        loaded => loaded,
    }
}

fn load(file: &Path) -> io::Result<[u8; LEN]> {
    let bytes = fs::read(file)?;
    bytes
        .try_into()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not 32 bytes long"))
}

/// Two processes may come here at once: one file wins, whole, and both use it.
fn make(file: &Path) -> io::Result<[u8; LEN]> {
    let folder = file
        .parent()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    fs::create_dir_all(folder)?;
    let mut secret = [0; LEN];
    getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
    // A temporary file is the user's own to read.
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(&secret)?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok(secret),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => load(file),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_session_keeps_its_key_and_shares_it_with_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/placeholder.key");
        let (one, two) = (SessionId::new(), SessionId::new());
        let first = of_session(&file, one).unwrap();
        assert_eq!(of_session(&file, one).unwrap(), first);
        assert_ne!(of_session(&file, two).unwrap(), first);
        let other = folder.path().join("other.key");
        assert_ne!(of_session(&other, one).unwrap(), first);
    }

    #[test]
    fn processes_that_come_at_once_use_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("placeholder.key");
        let keys: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| load_or_make(&file).unwrap()))
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_damaged_key_is_told_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("placeholder.key");
        fs::write(&file, "short").unwrap();
        let failure = of_session(&file, SessionId::new()).unwrap_err();
        assert!(failure.message.contains("placeholder.key"), "{failure:?}");
        assert_eq!(fs::read(&file).unwrap(), b"short");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("placeholder.key");
        load_or_make(&file).unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
