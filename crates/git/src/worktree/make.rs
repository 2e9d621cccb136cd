//! Making a worktree, and bringing one back.

use super::{
    Clone, Place, bring, copy, io_error,
    listing::{self, Listing, Tracked},
    remove_all,
    stamps::{fresh_index, same, vouched},
    tree::{self, Leaf, Tree},
};
use crate::{FileKind, GitError, Repo, attributes::Attributes};
use git2::{Config, Index, ObjectType, Oid, Repository, Signature};
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// A worktree that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The commit that `HEAD` is at, in hex; none before the first commit.
    pub head: Option<String>,
    /// The commit that holds what the worktree began with, in hex.
    pub base: String,
    /// What was not brought, and why, for people.
    pub notes: Vec<String>,
    /// Of that, the folders of dependencies that the file system cannot clone and that are of use read-only.
    pub uncloned: Vec<PathBuf>,
}

impl Repo {
    /// Makes a worktree that holds what this working tree holds: commits, and what is not committed. `step` is called
    /// between the steps with what comes next, for people who wait.
    ///
    /// After a failure or a kill [`Repo::unmake_worktree`] takes away what there is of it.
    ///
    /// # Errors
    /// [`GitError::NotMade`] when the place is taken; whatever the disk and the repository can do.
    pub fn make_worktree(
        &self,
        place: &Place,
        clone: Clone<'_>,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<Made, GitError> {
        place.check()?;
        let head = self.head()?.commit;
        let head_id = self.oid(head.as_deref())?;
        self.begin(place, head_id, step)?;
        let mut notes = Vec::new();
        step("bring the files");
        let repo = self.lock();
        let failed = |error| GitError::library("read the index of", &self.workdir, error);
        let mut index = repo.index().map_err(failed)?;
        index.read(true).map_err(failed)?;
        let tracked = Tracked::of(Some(&index));
        let listing = listing::list(&repo, &self.workdir, &tracked)?;
        let attributes = Attributes::of(&repo, &self.workdir, &index);
        let mut known = BTreeMap::new();
        for found in &listing.files {
            let (from, to) = (self.workdir.join(&found.path), place.path.join(&found.path));
            let brought = bring::make_parents(&place.path, &found.path)
                .and_then(|()| copy::bring(&from, &to, &found.stat));
            if let Err(error) = brought {
                if error.kind() == std::io::ErrorKind::NotFound {
                    // It went away meanwhile.
                    continue;
                }
                notes.push(format!("{} was not brought: {error}", found.path.display()));
                continue;
            }
            if let Some(id) = vouched(&repo, &tracked, &attributes, found)
                && from
                    .symlink_metadata()
                    .is_ok_and(|now| same(&now, &found.stat))
            {
                known.insert(found.path.clone(), id);
            }
        }
        for (submodule, _) in &listing.submodules {
            fs::create_dir_all(place.path.join(submodule))
                .map_err(io_error("make the folder", &place.path.join(submodule)))?;
        }
        notes.extend(left_out(&listing));
        step("bring dependencies");
        let brought = bring::bring(&self.workdir, &place.path, &listing.ignored, clone);
        notes.extend(brought.notes);
        step("write the index");
        let fresh = {
            let committed = head_id.map(|id| repo.find_commit(id)?.tree()).transpose();
            let committed = committed.map_err(failed)?;
            fresh_index(&index, committed.as_ref(), &place.path, &known)
        };
        drop(attributes);
        drop(repo);
        self.put_index(place, fresh)?;
        step("keep what it begins with");
        let mut tree = Tree::default();
        let here = self.linked(place)?;
        let copied = listing::list(&here, &place.path, &tracked)?;
        let repo = self.lock();
        let written = capture(&repo, &place.path, &copied, &known, &mut tree)?;
        for (path, id) in &listing.submodules {
            tree.put(path, Leaf::Submodule(*id));
        }
        notes.extend(written);
        let base = self.keep(
            &repo,
            &place.base(),
            &tree,
            head_id.as_slice(),
            "What a worktree of Kerf began with",
        )?;
        drop(repo);
        step("let others see it");
        self.unlock(place)?;
        Ok(Made {
            head,
            base: base.to_string(),
            notes,
            uncloned: brought.uncloned,
        })
    }

    /// Takes away what there is of a worktree that was not made to its end. Nobody has worked in it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn unmake_worktree(&self, place: &Place) -> Result<(), GitError> {
        self.clear_worktree(place)?;
        self.forget(&place.base())
    }

    /// Takes away what there is of a worktree that was not brought back to its end. Its archive stays.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn clear_worktree(&self, place: &Place) -> Result<(), GitError> {
        place.check()?;
        remove_all(&place.path)?;
        remove_all(&place.objects)?;
        remove_all(&self.admin(place))
    }

    /// Brings a removed worktree back from its archive, and to it what a new one would have of the ignored files that the
    /// archive does not hold. A kill in the middle leaves an archive that can be brought back again.
    ///
    /// # Errors
    /// [`GitError::NotMade`] when there is no archive, or the place is taken.
    pub fn restore_worktree(
        &self,
        place: &Place,
        clone: Clone<'_>,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<Made, GitError> {
        place.check()?;
        let failed = |error| GitError::library("read the archive in", &self.workdir, error);
        let (tree, head) = {
            let repo = self.lock();
            let archived = repo
                .refname_to_id(&place.archive())
                .and_then(|id| repo.find_commit(id))
                .map_err(|_| place.not_made("its archive is not in the repository"))?;
            (archived.tree_id(), archived.parent_id(0).ok())
        };
        self.begin(place, head, step)?;
        step("bring the files");
        let repo = self.lock();
        for (path, leaf) in tree::read(&repo, tree).map_err(failed)? {
            let to = place.path.join(&path);
            let io = |error| io_error("write", &to)(error);
            bring::make_parents(&place.path, &path).map_err(io)?;
            let Leaf::File(id, kind) = leaf else {
                fs::create_dir_all(&to).map_err(io)?;
                continue;
            };
            let blob = repo.find_blob(id).map_err(failed)?;
            write_file(&to, kind, blob.content()).map_err(io)?;
        }
        step("bring dependencies");
        let mut own = repo.index().map_err(failed)?;
        own.read(true).map_err(failed)?;
        let listing = listing::list(&repo, &self.workdir, &Tracked::of(Some(&own)))?;
        let brought = bring::bring(&self.workdir, &place.path, &listing.ignored, clone);
        step("write the index");
        let mut index = Index::new().map_err(failed)?;
        if let Some(head) = head {
            let tree = repo.find_commit(head).and_then(|commit| commit.tree());
            index.read_tree(&tree.map_err(failed)?).map_err(failed)?;
        }
        drop(repo);
        self.put_index(place, Ok(index))?;
        step("let others see it");
        self.unlock(place)?;
        let base = self.lock().refname_to_id(&place.base());
        Ok(Made {
            head: head.map(|id| id.to_string()),
            base: base.map_or_else(|_| String::new(), |id| id.to_string()),
            notes: brought.notes,
            uncloned: brought.uncloned,
        })
    }

    /// The folders, and git's record of them, which is locked until all is there.
    fn begin(
        &self,
        place: &Place,
        head: Option<Oid>,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<(), GitError> {
        let admin = self.admin(place);
        if place.path.symlink_metadata().is_ok() || admin.symlink_metadata().is_ok() {
            return Err(place.not_made("something of that name is there already"));
        }
        step("make the folder");
        for folder in [&place.path, &place.objects] {
            fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
        }
        step("tell git of it");
        fs::create_dir_all(&admin).map_err(io_error("make the folder", &admin))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = admin.join(name);
            fs::write(&path, bytes).map_err(io_error("write", &path))
        };
        let line = |path: &Path| {
            let mut line = path.as_os_str().as_encoded_bytes().to_vec();
            line.push(b'\n');
            line
        };
        // The lock first: what is not finished must not be tidied away by git.
        write("locked", b"Kerf is making it\n")?;
        write("commondir", b"../..\n")?;
        write("HEAD", &head_line(head))?;
        write("gitdir", &line(&place.path.join(".git")))?;
        self.bring_settings(&admin)?;
        step("join the folder to it");
        let dot_git = place.path.join(".git");
        fs::write(&dot_git, [b"gitdir: ".as_slice(), &line(&admin)].concat())
            .map_err(io_error("write", &dot_git))
    }

    /// Which files are meant to be there is a setting of the working tree, as git itself brings it along.
    fn bring_settings(&self, admin: &Path) -> Result<(), GitError> {
        let failed = |error| GitError::library("copy the settings of", &self.workdir, error);
        let sparse = self.git_dir.join("info/sparse-checkout");
        if sparse.is_file() {
            let to = admin.join("info/sparse-checkout");
            bring::make_parents(admin, Path::new("info/sparse-checkout"))
                .and_then(|()| fs::copy(&sparse, &to))
                .map_err(io_error("write", &to))?;
        }
        let settings = self.git_dir.join("config.worktree");
        let to = admin.join("config.worktree");
        if !settings.is_file() {
            // An empty one, so that no command can make it.
            fs::write(&to, "").map_err(io_error("write", &to))?;
        } else {
            fs::copy(&settings, &to).map_err(io_error("write", &to))?;
            let mut config = Config::open(&to).map_err(failed)?;
            for name in ["core.worktree", "core.bare"] {
                // Most have neither.
                if config.get_entry(name).is_ok() {
                    config.remove(name).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    fn put_index(&self, place: &Place, index: Result<Index, git2::Error>) -> Result<(), GitError> {
        let path = self.admin(place).join("index");
        let failed = |error| GitError::library("write an index in", &self.workdir, error);
        let written = index.and_then(|fresh| {
            let mut index = Index::open(&path)?;
            for entry in fresh.iter() {
                index.add(&entry)?;
            }
            index.write()
        });
        match written {
            Ok(()) => Ok(()),
            // A name that the library does not write: git itself takes the user's own, and looks at every file once.
            Err(error) if self.git_dir.join("index").is_file() => {
                tracing::debug!(%error, "the index is copied as it is");
                fs::copy(self.git_dir.join("index"), &path)
                    .map(drop)
                    .map_err(io_error("write", &path))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn unlock(&self, place: &Place) -> Result<(), GitError> {
        let locked = self.admin(place).join("locked");
        match fs::remove_file(&locked) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io_error("remove", &locked)(error))
            }
            _ => Ok(()),
        }
    }

    /// The worktree as a repository, for its ignore rules and its index.
    pub(super) fn linked(&self, place: &Place) -> Result<Repository, GitError> {
        let failed = |error| GitError::library("open the worktree of", &self.workdir, error);
        let repo = Repository::open_bare(self.admin(place)).or_else(|_| {
            // Git has forgotten it: the rules of the repository itself are what there is.
            Repository::open_bare(self.common_dir())
        });
        let repo = repo.map_err(failed)?;
        repo.set_workdir(&place.path, false).map_err(failed)?;
        Ok(repo)
    }

    /// Keeps a tree as a commit under a name of its own.
    pub(super) fn keep(
        &self,
        repo: &Repository,
        name: &str,
        tree: &Tree,
        parents: &[Oid],
        message: &str,
    ) -> Result<Oid, GitError> {
        let write = || {
            let tree = repo.find_tree(tree.write(&repo.odb()?)?)?;
            let kerf = Signature::now("Kerf", "kerf@localhost")?;
            let parents = parents
                .iter()
                .map(|id| repo.find_commit(*id))
                .collect::<Result<Vec<_>, _>>()?;
            let parents: Vec<_> = parents.iter().collect();
            let id = repo.commit(None, &kerf, &kerf, message, &tree, &parents)?;
            repo.reference(name, id, true, "kerf")?;
            Ok(id)
        };
        write().map_err(|error| GitError::library("write a commit to", &self.workdir, error))
    }

    /// Takes a name of Kerf's own away.
    pub(super) fn forget(&self, name: &str) -> Result<(), GitError> {
        let repo = self.lock();
        let gone = match repo.find_reference(name) {
            Ok(mut reference) => reference.delete(),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        gone.map_err(|error| GitError::library("forget a name in", &self.workdir, error))
    }

    pub(super) fn oid(&self, hex: Option<&str>) -> Result<Option<Oid>, GitError> {
        hex.map(Oid::from_str)
            .transpose()
            .map_err(|error| GitError::library("read `HEAD` of", &self.workdir, error))
    }
}

/// Before the first commit there is nothing to be detached at; this name is the worktree's own.
fn head_line(head: Option<Oid>) -> Vec<u8> {
    match head {
        Some(id) => format!("{id}\n").into_bytes(),
        None => format!("ref: {UNBORN}\n").into_bytes(),
    }
}

/// What `HEAD` names before the first commit: git keeps it in the worktree's own folder.
pub(super) const UNBORN: &str = "refs/worktree/kerf";

/// Adds files to a tree: `known` ones by their objects, others by reading them. Says what could not be read.
pub(super) fn capture(
    repo: &Repository,
    folder: &Path,
    listing: &Listing,
    known: &BTreeMap<PathBuf, Oid>,
    tree: &mut Tree,
) -> Result<Vec<String>, GitError> {
    let failed = |error| GitError::library("write an object to", folder, error);
    let odb = repo.odb().map_err(failed)?;
    let mut unread = Vec::new();
    for found in &listing.files {
        let path = folder.join(&found.path);
        let id = match (known.get(&found.path), found.kind) {
            (Some(id), _) => *id,
            (None, FileKind::Link) => match fs::read_link(&path) {
                Ok(target) => odb
                    .write(ObjectType::Blob, target.as_os_str().as_encoded_bytes())
                    .map_err(failed)?,
                Err(error) => {
                    unread.push(format!("{} was not read: {error}", found.path.display()));
                    continue;
                }
            },
            (None, _) => match store(&odb, &path) {
                Ok(id) => id,
                Err(error) => {
                    unread.push(format!("{} was not read: {error}", found.path.display()));
                    continue;
                }
            },
        };
        tree.put(&found.path, Leaf::File(id, found.kind));
    }
    Ok(unread)
}

/// Stores a file's bytes without having all of them in memory.
fn store(odb: &git2::Odb<'_>, path: &Path) -> Result<Oid, String> {
    let mut file = fs::File::open(path).map_err(|error| error.to_string())?;
    let len = file.metadata().map_err(|error| error.to_string())?.len();
    let len = usize::try_from(len).map_err(|error| error.to_string())?;
    let mut writer = odb
        .writer(len, ObjectType::Blob)
        .map_err(|error| error.message().to_owned())?;
    std::io::copy(&mut file, &mut writer).map_err(|error| error.to_string())?;
    writer.flush().map_err(|error| error.to_string())?;
    writer
        .finalize()
        .map_err(|error| error.message().to_owned())
}

fn write_file(to: &Path, kind: FileKind, bytes: &[u8]) -> std::io::Result<()> {
    if kind == FileKind::Link {
        let target = crate::path_from_git(bytes).unwrap_or_default();
        return copy::link(&target, to);
    }
    fs::File::create_new(to)?.write_all(bytes)?;
    #[cfg(unix)]
    if kind == FileKind::Executable {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = fs::metadata(to)?.permissions();
        // As git does: whoever may read it may run it.
        permissions.set_mode(permissions.mode() | ((permissions.mode() & 0o444) >> 2));
        fs::set_permissions(to, permissions)?;
    }
    Ok(())
}

fn left_out(listing: &Listing) -> Vec<String> {
    let nested = listing.nested.iter().map(|path| {
        format!(
            "{} was not brought: it is a repository of its own",
            path.display()
        )
    });
    let passed = listing
        .passed_over
        .iter()
        .map(|(path, why)| format!("{} was not brought: {why}", path.display()));
    nested.chain(passed).collect()
}
