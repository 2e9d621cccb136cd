//! A listing as one file: a head, the folder's name, the files, what was skipped, and a hash of all of it.
//!
//! It only saves reading the files again: one that is damaged, of another version or of another folder is no listing.

use super::{Entry, Listing, State};
use crate::{
    content::{ContentId, Reason},
    symbols::Language,
};
use kerf_workspace::{RelPath, Stamp};
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{self, Write},
    path::Path,
    str::FromStr,
};

/// Another number here makes older files be forgotten.
const HEAD: &[u8] = b"kerf listing 2\n";

const HASH_BYTES: usize = 32;

const CONTENT: u8 = 0;
const RACY: u8 = 1;
const UNREAD: u8 = 2;
const LEFT_OUT: u8 = 3;

/// By their number in the file, from 1; 0 is none.
const REASONS: [Reason; 6] = [
    Reason::Binary,
    Reason::TooLarge,
    Reason::Minified,
    Reason::Unreadable,
    Reason::Special,
    Reason::TooDeep,
];

impl Listing {
    /// Reads the listing of the folder with this name; `None` when there is none that can be trusted.
    pub(crate) fn load(file: &Path, folder: &str) -> Option<Self> {
        let bytes = checked(fs::read(file).ok()?)?;
        let mut bytes = Bytes(&bytes);
        (bytes.take(HEAD.len())? == HEAD && bytes.text()? == folder).then_some(())?;
        let mut listing = Self::default();
        let mut files = Vec::new();
        for _ in 0..bytes.number()? {
            let (path, mut entry) = bytes.entry()?;
            if let State::Unread(mark) = &mut entry.state {
                listing.marks += 1;
                *mark = listing.marks;
            }
            files.push((path, entry));
        }
        listing.files = BTreeMap::from_iter(files);
        for _ in 0..bytes.number()? {
            let (path, reason) = (bytes.path()?, bytes.text()?.to_owned());
            listing.skipped.insert(path, reason);
        }
        bytes.0.is_empty().then_some(listing)
    }

    /// Adds the contents that a saved listing of any folder refers to. Whether it could be read.
    pub(crate) fn load_ids(file: &Path, ids: &mut HashSet<ContentId>) -> bool {
        let read = || {
            let bytes = checked(fs::read(file).ok()?)?;
            let mut bytes = Bytes(&bytes);
            (bytes.take(HEAD.len())? == HEAD).then_some(())?;
            bytes.text()?;
            let mut found = Vec::new();
            for _ in 0..bytes.number()? {
                found.extend(bytes.entry()?.1.state.id());
            }
            Some(found)
        };
        read().map(|found| ids.extend(found)).is_some()
    }

    /// The listing as bytes to be saved with [`save`].
    pub(crate) fn to_bytes(&self, folder: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.files.len() * 100);
        bytes.extend(HEAD);
        put(&mut bytes, folder);
        bytes.extend((self.files.len() as u64).to_le_bytes());
        for (path, entry) in &self.files {
            put(&mut bytes, &path.to_string());
            let Stamp { len, mtime_ns, ino } = entry.stamp;
            bytes.extend(len.to_le_bytes());
            bytes.extend(mtime_ns.to_le_bytes());
            bytes.extend(ino.to_le_bytes());
            match &entry.state {
                State::Unread(_) => bytes.push(UNREAD),
                State::Content {
                    id,
                    reason,
                    language,
                    racy,
                } => {
                    bytes.push(if *racy { RACY } else { CONTENT });
                    bytes.push(reason.map_or(0, number));
                    bytes.push(language.map_or(0, |language| language as u8 + 1));
                    bytes.extend(id.0);
                }
                State::LeftOut { reason, message } => {
                    bytes.push(LEFT_OUT);
                    bytes.push(number(*reason));
                    put(&mut bytes, message.as_deref().unwrap_or_default());
                }
            }
        }
        bytes.extend((self.skipped.len() as u64).to_le_bytes());
        for (path, reason) in &self.skipped {
            put(&mut bytes, &path.to_string());
            put(&mut bytes, reason);
        }
        let hash = blake3::hash(&bytes);
        bytes.extend(hash.as_bytes());
        bytes
    }
}

/// Puts bytes in the place of a file, whole or not at all.
pub(crate) fn save(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::Builder::new()
        .prefix(".saving-")
        .tempfile_in(folder)?;
    temp.write_all(bytes)?;
    temp.as_file().sync_data()?;
    temp.persist(file)?;
    Ok(())
}

/// The bytes without the hash, when it is theirs.
fn checked(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let len = bytes.len().checked_sub(HASH_BYTES)?;
    let hash = blake3::hash(&bytes[..len]);
    if &bytes[len..] != hash.as_bytes() {
        return None;
    }
    bytes.truncate(len);
    Some(bytes)
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn number(reason: Reason) -> u8 {
    let place = REASONS.iter().position(|known| *known == reason);
    place.map_or(0, |place| place as u8 + 1)
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.take(len)?).ok()
    }

    fn path(&mut self) -> Option<RelPath> {
        RelPath::from_str(self.text()?).ok()
    }

    fn reason(&mut self) -> Option<Option<Reason>> {
        match self.array::<1>()? {
            [0] => Some(None),
            [number] => REASONS.get(usize::from(number) - 1).copied().map(Some),
        }
    }

    fn language(&mut self) -> Option<Option<Language>> {
        match self.array::<1>()? {
            [0] => Some(None),
            [number] => Language::from_number(number - 1).map(Some),
        }
    }

    fn entry(&mut self) -> Option<(RelPath, Entry)> {
        let path = self.path()?;
        let stamp = Stamp {
            len: self.number()?,
            mtime_ns: i64::from_le_bytes(self.array()?),
            ino: self.number()?,
        };
        let state = match self.array()? {
            [UNREAD] => State::Unread(0),
            [kind @ (CONTENT | RACY)] => State::Content {
                reason: self.reason()?,
                language: self.language()?,
                racy: kind == RACY,
                id: ContentId(self.array()?),
            },
            [LEFT_OUT] => State::LeftOut {
                reason: self.reason()??,
                message: Some(self.text()?)
                    .filter(|text| !text.is_empty())
                    .map(Into::into),
            },
            _ => return None,
        };
        Some((path, Entry { stamp, state }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let stamp =
            any::<(u64, i64, u64)>().prop_map(|(len, mtime_ns, ino)| Stamp { len, mtime_ns, ino });
        let reason = || proptest::sample::select(&REASONS[..]);
        let state = prop_oneof![
            (
                any::<[u8; 16]>(),
                proptest::option::of(reason()),
                proptest::option::of(0..Language::COUNT as u8),
                any::<bool>()
            )
                .prop_map(|(id, reason, language, racy)| State::Content {
                    id: ContentId(id),
                    reason,
                    language: language.and_then(Language::from_number),
                    racy
                }),
            (reason(), proptest::option::of("\\PC{1,9}")).prop_map(|(reason, message)| {
                State::LeftOut {
                    reason,
                    message: message.map(Into::into),
                }
            }),
        ];
        (stamp, state).prop_map(|(stamp, state)| Entry { stamp, state })
    }

    fn listing() -> impl Strategy<Value = Listing> {
        let path = || {
            "[a-c\n]{1,3}(/[a-c\u{202e}]{1,3}){0,3}"
                .prop_map(|path| RelPath::new(Path::new(&path)).unwrap())
        };
        let files = proptest::collection::btree_map(path(), entry(), 0..20);
        let skipped = proptest::collection::btree_map(path(), "\\PC{0,9}", 0..3);
        (files, skipped).prop_map(|(files, skipped)| Listing {
            files,
            skipped,
            ..Listing::default()
        })
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was_or_not_at_all(listing in listing(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let temp = tempfile::tempdir().unwrap();
            let file = temp.path().join("x");
            let bytes = listing.to_bytes("folder");
            save(&file, &bytes).unwrap();
            let mut ids = HashSet::new();
            listing.add_ids(&mut ids);
            let mut loaded_ids = HashSet::new();
            prop_assert!(Listing::load_ids(&file, &mut loaded_ids));
            prop_assert_eq!(ids, loaded_ids);
            prop_assert_eq!(Listing::load(&file, "other"), None);
            prop_assert_eq!(Listing::load(&file, "folder"), Some(listing));
            let mut flipped = bytes.clone();
            flipped[at.index(bytes.len())] ^= 1u8 << bit;
            save(&file, &flipped).unwrap();
            prop_assert_eq!(Listing::load(&file, "folder"), None);
            save(&file, &bytes[..at.index(bytes.len())]).unwrap();
            prop_assert_eq!(Listing::load(&file, "folder"), None);
        }
    }
}
