//! Which paths have attributes under which a file's bytes differ from its blob's.
//!
//! Asking the library for each of 100,000 paths costs seconds, so the attribute files are searched for the few words
//! that matter first; most repositories do not have them, and then nothing is asked.

use crate::path_from_git;
use git2::{AttrCheckFlags, AttrValue, Config, Index, Repository};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// The attributes whose effect need not show in the size of the file. `ident` and the line-end attributes only add
/// bytes on the way out and only remove bytes on the way in, so equal sizes mean equal bytes; `ident` is asked for
/// nevertheless because it is rare and costs nothing to leave out.
const CONTENT_ATTRIBUTES: [&str; 3] = ["filter", "working-tree-encoding", "ident"];

/// Larger attribute files are not searched; every path they apply to is left out.
const MAX_ATTRIBUTES_BYTES: u64 = 4 * 1024 * 1024;

/// What an attribute file says of the attributes that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    /// It may set one: ask.
    Something,
    /// It cannot be read (a pipe, no permission, too large), so the library is not asked to read it either.
    Unreadable,
}

/// The attribute files of a repository that matter, as they are on disk now.
pub(crate) struct Attributes<'repo> {
    repo: &'repo Repository,
    everywhere: Option<Says>,
    /// By folder, as git writes it; the working tree's root is empty.
    by_folder: BTreeMap<Vec<u8>, Says>,
}

impl<'repo> Attributes<'repo> {
    /// Looks for attribute files where git does: the user's, the system's, the repository's, and in every folder that
    /// has an entry in `index`.
    pub(crate) fn of(repo: &'repo Repository, workdir: &Path, index: &Index) -> Self {
        let everywhere = shared_sources(repo)
            .iter()
            .filter_map(|path| search(path))
            .max();
        let mut folders = BTreeSet::from([Vec::new()]);
        for entry in index.iter() {
            let mut path = entry.path.as_slice();
            while let Some(end) = path.iter().rposition(|byte| *byte == b'/') {
                path = &path[..end];
                if !folders.insert(path.to_vec()) {
                    break;
                }
            }
        }
        let by_folder = folders
            .into_iter()
            .filter_map(|folder| {
                let path = workdir.join(path_from_git(&folder)?).join(".gitattributes");
                search(&path).map(|says| (folder, says))
            })
            .collect();
        Self {
            repo,
            everywhere,
            by_folder,
        }
    }

    /// Whether the content of the file at `path` (as git writes it) may differ from its blob's by an attribute.
    /// In doubt, it may.
    pub(crate) fn change_content(&self, path: &[u8]) -> bool {
        let mut says = self.everywhere;
        if !self.by_folder.is_empty() {
            let mut folder = path;
            while let Some(end) = folder.iter().rposition(|byte| *byte == b'/') {
                folder = &folder[..end];
                says = says.max(self.by_folder.get(folder).copied());
            }
            says = says.max(self.by_folder.get(&[][..]).copied());
        }
        match says {
            None => false,
            Some(Says::Unreadable) => true,
            Some(Says::Something) => CONTENT_ATTRIBUTES
                .iter()
                .any(|name| self.is_set(path, name)),
        }
    }

    fn is_set(&self, path: &[u8], name: &str) -> bool {
        let Some(path) = path_from_git(path) else {
            return true;
        };
        match self
            .repo
            .get_attr_bytes(&path, name, AttrCheckFlags::FILE_THEN_INDEX)
        {
            Ok(value) => !matches!(
                AttrValue::from_bytes(value),
                AttrValue::Unspecified | AttrValue::False
            ),
            Err(_) => true,
        }
    }
}

/// The attribute files that apply to every path.
fn shared_sources(repo: &Repository) -> Vec<PathBuf> {
    let mut sources = vec![repo.commondir().join("info").join("attributes")];
    if let Ok(path) = repo
        .config()
        .and_then(|config| config.get_path("core.attributesFile"))
    {
        sources.push(path);
    }
    // Beside the configuration files that the library found; a filter does nothing without one of these.
    let beside = |config: Result<PathBuf, git2::Error>, name: &str| {
        let path = config.ok()?;
        Some(path.parent()?.join(name))
    };
    sources.extend(beside(Config::find_system(), "gitattributes"));
    sources.extend(beside(Config::find_xdg(), "attributes"));
    sources.extend(beside(Config::find_global(), ".config/git/attributes"));
    sources
}

/// None when the file is absent or names no attribute that matters.
fn search(path: &Path) -> Option<Says> {
    let metadata = fs::metadata(path).ok()?;
    if metadata.is_dir() {
        return None;
    }
    if !metadata.is_file() || metadata.len() > MAX_ATTRIBUTES_BYTES {
        return Some(Says::Unreadable);
    }
    let mut text = Vec::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(MAX_ATTRIBUTES_BYTES).read_to_end(&mut text));
    if read.is_err() {
        return Some(Says::Unreadable);
    }
    let mentions = |word: &str| {
        text.windows(word.len())
            .any(|window| window == word.as_bytes())
    };
    CONTENT_ATTRIBUTES
        .iter()
        .any(|name| mentions(name))
        .then_some(Says::Something)
}
