//! The inodes by path, and how links lead from one to another.

use kerf_workspace::{Entry, FsError, Kind, RelPath, Stat};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// 2023-11-14: long enough ago that no file looks as if it was changed just now.
const START_NS: i128 = 1_700_000_000_000_000_000;
/// As many links as a real file system follows.
const MAX_LINKS: usize = 40;

#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) what: What,
    pub(super) mode: u32,
    pub(super) links: u64,
    /// Whether somebody looked at it since its last change.
    pub(super) seen: bool,
    ino: u64,
    mtime_ns: i128,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    File(Vec<u8>),
    Link(PathBuf),
    Dir,
    Pipe,
}

impl Inode {
    pub(super) fn stat(&self) -> Stat {
        let (kind, len) = match &self.what {
            What::File(bytes) => (Kind::File, bytes.len()),
            What::Link(target) => (Kind::Link, target.as_os_str().len()),
            What::Dir => (Kind::Dir, 0),
            What::Pipe => (Kind::Other, 0),
        };
        let Self {
            ino,
            mtime_ns,
            mode,
            links,
            ..
        } = *self;
        Stat {
            kind,
            len: len as u64,
            mtime_ns,
            ino,
            mode,
            links,
        }
    }
}

#[derive(Debug)]
pub(super) struct Nodes {
    map: BTreeMap<RelPath, Inode>,
    ticks: u64,
}

impl Default for Nodes {
    fn default() -> Self {
        let mut nodes = Self {
            map: BTreeMap::new(),
            ticks: 0,
        };
        nodes.put(RelPath::root(), What::Dir, 0o755);
        nodes
    }
}

impl Nodes {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&RelPath, &Inode)> {
        self.map.iter()
    }

    pub(super) fn get(&self, place: &RelPath) -> Option<&Inode> {
        self.map.get(place)
    }

    pub(super) fn get_mut(&mut self, place: &RelPath) -> Option<&mut Inode> {
        self.map.get_mut(place)
    }

    /// As [`Nodes::get`], and remembers that it was seen.
    pub(super) fn look(&mut self, place: &RelPath) -> Option<&Inode> {
        let inode = self.map.get_mut(place)?;
        inode.seen = true;
        Some(inode)
    }

    /// Puts a new inode there.
    pub(super) fn put(&mut self, place: RelPath, what: What, mode: u32) -> &mut Inode {
        self.ticks += 1;
        let inode = Inode {
            what,
            mode,
            links: 1,
            seen: false,
            ino: self.ticks,
            mtime_ns: self.now(),
        };
        let slot = self.map.entry(place).or_insert_with(|| inode.clone());
        *slot = inode;
        slot
    }

    /// Changes a file's content without a new inode; makes it when it is not there.
    pub(super) fn write_in_place(&mut self, place: RelPath, bytes: Vec<u8>) {
        self.ticks += 1;
        let now = self.now();
        match self.map.get_mut(&place) {
            Some(inode) => {
                (inode.what, inode.mtime_ns, inode.seen) = (What::File(bytes), now, false);
            }
            None => {
                self.put(place, What::File(bytes), 0o644);
            }
        }
    }

    fn now(&self) -> i128 {
        START_NS + i128::from(self.ticks) * 1_000_000
    }

    pub(super) fn remove(&mut self, place: &RelPath) {
        self.ticks += 1;
        self.map.remove(place);
    }

    pub(super) fn make_dirs(&mut self, folder: &RelPath) {
        if self.map.contains_key(folder) {
            return;
        }
        if let Some(parent) = folder.parent() {
            self.make_dirs(&parent);
        }
        self.put(folder.clone(), What::Dir, 0o755);
    }

    /// Takes a place and all beneath it out.
    pub(super) fn take(&mut self, place: &RelPath) -> Vec<(RelPath, Inode)> {
        self.map
            .extract_if(.., |path, _| path.starts_with(place))
            .collect()
    }

    /// Puts back what was taken from `from`, at `to`.
    pub(super) fn give(&mut self, from: &RelPath, to: &RelPath, taken: Vec<(RelPath, Inode)>) {
        for (path, inode) in taken {
            let below = path.names().skip(from.names().count());
            let place = below.fold(to.clone(), |place, name| place.join(name));
            self.map.insert(place, inode);
        }
    }

    pub(super) fn has_children(&self, folder: &RelPath) -> bool {
        self.children(folder).next().is_some()
    }

    pub(super) fn list(&mut self, folder: &RelPath) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (path, inode) in &mut self.map {
            if path.parent().as_ref() == Some(folder)
                && let Some(name) = path.file_name()
            {
                inode.seen = true;
                entries.push(Entry {
                    name: name.to_owned(),
                    stat: inode.stat(),
                });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    /// The name in `folder` that differs from `name` by case alone.
    pub(super) fn case_twin(&self, folder: &RelPath, name: &OsStr) -> Option<OsString> {
        let folded = |name: &OsStr| name.to_string_lossy().to_lowercase();
        let twin = self
            .children(folder)
            .find(|other| *other != name && folded(other) == folded(name));
        twin.map(OsStr::to_owned)
    }

    fn children<'a>(&'a self, folder: &'a RelPath) -> impl Iterator<Item = &'a OsStr> {
        let beneath = self
            .map
            .keys()
            .filter(move |path| path.parent().as_ref() == Some(folder));
        beneath.filter_map(RelPath::file_name)
    }

    /// Where `path` leads when every link is followed.
    pub(super) fn resolve(&self, path: &RelPath) -> Result<RelPath, FsError> {
        self.follow(path, true)
    }

    /// Where `path` leads when the links of its parents are followed, its last name not. Missing parents are
    /// taken as they are named.
    pub(super) fn resolve_parent(&self, path: &RelPath) -> Result<RelPath, FsError> {
        self.follow(path, false)
    }

    fn follow(&self, path: &RelPath, last: bool) -> Result<RelPath, FsError> {
        let mut todo: Vec<OsString> = path.names().rev().map(OsStr::to_owned).collect();
        let mut place = RelPath::root();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            if name == ".." {
                place = place
                    .parent()
                    .ok_or_else(|| FsError::Escapes { path: path.clone() })?;
                continue;
            }
            let next = place.join(&name);
            match self.get(&next).map(|inode| &inode.what) {
                Some(What::Link(target)) if last || !todo.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        let source = std::io::Error::other("too many levels of symbolic links");
                        return Err(FsError::Io {
                            path: path.clone(),
                            action: "open",
                            source,
                        });
                    }
                    todo.extend(
                        steps(target).ok_or_else(|| FsError::Escapes { path: path.clone() })?,
                    );
                    continue;
                }
                Some(What::File(_) | What::Pipe) if !todo.is_empty() => {
                    return Err(FsError::NotADir { path: path.clone() });
                }
                _ => {}
            }
            place = next;
        }
        Ok(place)
    }
}

/// The names of a link's target, last first; nothing when it is absolute.
fn steps(target: &Path) -> Option<Vec<OsString>> {
    let mut names = Vec::new();
    for part in target.components() {
        match part {
            Component::Normal(name) => names.push(name.to_owned()),
            Component::ParentDir => names.push("..".into()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    names.reverse();
    Some(names)
}
