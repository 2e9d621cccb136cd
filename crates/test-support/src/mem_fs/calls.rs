//! What each call does, and when it is refused.

use super::nodes::{Inode, What};
use super::{Failing, MemFs, State, names};
use kerf_workspace::{Entry, Expect, Fs, FsError, Kind, RelPath, Save, Stat};
use std::io;
use std::path::{Path, PathBuf};

impl State {
    /// Called first by every mutation: the planned failure, and the places that are never written.
    fn mutation(&mut self, path: &RelPath, action: &'static str) -> Result<(), FsError> {
        if let Some(plan) = &mut self.failing {
            plan.left = plan.left.saturating_sub(1);
            if plan.left == 0 {
                let source = match plan.with {
                    Failing::NoSpace => io::ErrorKind::StorageFull.into(),
                    Failing::ReadOnly => io::ErrorKind::ReadOnlyFilesystem.into(),
                    Failing::Device => io::Error::other("input/output error"),
                };
                if !plan.stays {
                    self.failing = None;
                }
                return Err(FsError::Io {
                    path: path.clone(),
                    action,
                    source,
                });
            }
        }
        if path.is_protected() {
            return Err(FsError::Protected { path: path.clone() });
        }
        Ok(())
    }

    /// Where a new name really goes: its parents followed and made, its name allowed.
    fn place(&mut self, path: &RelPath, action: &'static str) -> Result<RelPath, FsError> {
        let invalid = |why: String| {
            let source = io::Error::new(io::ErrorKind::InvalidInput, why);
            FsError::Io {
                path: path.clone(),
                action,
                source,
            }
        };
        let place = self.nodes.resolve_parent(path)?;
        if place.is_root() {
            return Err(FsError::NotAFile {
                path: path.clone(),
                what: Kind::Dir.describe(),
            });
        }
        if place.is_protected() {
            return Err(FsError::Protected { path: path.clone() });
        }
        if self.strict_names {
            for (folder, name) in names::steps(&place) {
                if let Some(why) = names::refused(name) {
                    return Err(invalid(format!("the name {name:?} {why}")));
                }
                if let Some(twin) = self.nodes.case_twin(&folder, name) {
                    return Err(invalid(format!(
                        "the name {name:?} is {twin:?} where case does not matter"
                    )));
                }
            }
        }
        Ok(place)
    }

    fn make_parent(&mut self, place: &RelPath) {
        if let Some(parent) = place.parent() {
            self.nodes.make_dirs(&parent);
        }
    }
}

impl Fs for MemFs {
    fn stat(&self, path: &RelPath) -> Result<Stat, FsError> {
        let mut state = self.state();
        state.calls.stat += 1;
        let place = state.nodes.resolve_parent(path)?;
        state
            .nodes
            .look(&place)
            .map(|inode| inode.stat())
            .ok_or_else(|| FsError::NotFound { path: path.clone() })
    }

    fn read(&self, path: &RelPath, max_bytes: u64) -> Result<Vec<u8>, FsError> {
        let mut state = self.state();
        state.calls.read += 1;
        let place = state.nodes.resolve(path)?;
        let inode = state
            .nodes
            .look(&place)
            .ok_or_else(|| FsError::NotFound { path: path.clone() })?;
        match &inode.what {
            What::File(bytes) if bytes.len() as u64 > max_bytes => Err(FsError::TooLarge {
                path: path.clone(),
                len: bytes.len() as u64,
                max: max_bytes,
            }),
            What::File(bytes) => Ok(bytes.clone()),
            _ => Err(FsError::NotAFile {
                path: path.clone(),
                what: inode.stat().kind.describe(),
            }),
        }
    }

    fn read_link(&self, path: &RelPath) -> Result<PathBuf, FsError> {
        let mut state = self.state();
        state.calls.read_link += 1;
        let place = state.nodes.resolve_parent(path)?;
        match state.nodes.look(&place).map(|inode| &inode.what) {
            Some(What::Link(target)) => Ok(target.clone()),
            Some(_) => Err(FsError::NotALink { path: path.clone() }),
            None => Err(FsError::NotFound { path: path.clone() }),
        }
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<Entry>, FsError> {
        let mut state = self.state();
        state.calls.list += 1;
        let place = state.nodes.resolve(dir)?;
        match state.nodes.look(&place).map(|inode| &inode.what) {
            Some(What::Dir) => Ok(state.nodes.list(&place)),
            Some(_) => Err(FsError::NotADir { path: dir.clone() }),
            None => Err(FsError::NotFound { path: dir.clone() }),
        }
    }

    fn save(&self, path: &RelPath, bytes: &[u8], how: &Save) -> Result<Stat, FsError> {
        let mut state = self.state();
        state.calls.save += 1;
        state.mutation(path, "save")?;
        let place = state.place(path, "save")?;
        let old = state
            .nodes
            .get(&place)
            .map(|inode| (inode.stat(), inode.seen));
        if let Some((stat, _)) = &old {
            match stat.kind {
                Kind::File if stat.links > 1 => {
                    return Err(FsError::HardLinked {
                        path: path.clone(),
                        links: stat.links,
                    });
                }
                Kind::File => {}
                Kind::Link => return Err(FsError::IsLink { path: path.clone() }),
                kind => {
                    return Err(FsError::NotAFile {
                        path: path.clone(),
                        what: kind.describe(),
                    });
                }
            }
        }
        let as_expected = match (how.expect, &old) {
            (Expect::Anything, Some((_, seen))) => {
                if !seen {
                    state.blind.push(place.clone());
                }
                true
            }
            (Expect::Anything | Expect::Absent, None) => true,
            (Expect::Stamp(stamp), Some((stat, _))) => stat.stamp() == stamp,
            (Expect::Absent, Some(_)) | (Expect::Stamp(_), None) => false,
        };
        if !as_expected {
            return Err(FsError::Conflict { path: path.clone() });
        }
        state.make_parent(&place);
        let mode = how.mode.or(old.map(|(stat, _)| stat.mode)).unwrap_or(0o644);
        let inode = state.nodes.put(place, What::File(bytes.to_vec()), mode);
        inode.seen = true;
        Ok(inode.stat())
    }

    fn remove(&self, path: &RelPath) -> Result<(), FsError> {
        let mut state = self.state();
        state.calls.remove += 1;
        state.mutation(path, "remove")?;
        let place = state.nodes.resolve_parent(path)?;
        match state.nodes.get(&place).map(Inode::stat) {
            None => Err(FsError::NotFound { path: path.clone() }),
            Some(stat) if stat.kind == Kind::Dir => Err(FsError::NotAFile {
                path: path.clone(),
                what: Kind::Dir.describe(),
            }),
            Some(_) => {
                state.nodes.remove(&place);
                Ok(())
            }
        }
    }

    fn remove_empty_dirs(&self, dir: &RelPath) -> Result<(), FsError> {
        let mut state = self.state();
        state.calls.remove_empty_dirs += 1;
        state.mutation(dir, "remove")?;
        let mut at = Some(dir.clone());
        while let Some(folder) = at.filter(|folder| !folder.is_root()) {
            match state.nodes.get(&folder).map(|inode| &inode.what) {
                Some(What::Dir) if !state.nodes.has_children(&folder) => {
                    state.nodes.remove(&folder)
                }
                None => {}
                Some(What::Dir) => break,
                Some(_) => return Err(FsError::NotADir { path: folder }),
            }
            at = folder.parent();
        }
        Ok(())
    }

    fn link(&self, path: &RelPath, target: &Path) -> Result<(), FsError> {
        let mut state = self.state();
        state.calls.link += 1;
        state.mutation(path, "link")?;
        let place = state.place(path, "link")?;
        if state.nodes.get(&place).is_some() {
            return Err(FsError::Conflict { path: path.clone() });
        }
        state.make_parent(&place);
        state
            .nodes
            .put(place, What::Link(target.to_path_buf()), 0o777);
        Ok(())
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> Result<(), FsError> {
        let mut state = self.state();
        state.calls.rename += 1;
        state.mutation(from, "rename")?;
        if to.is_protected() {
            return Err(FsError::Protected { path: to.clone() });
        }
        let source = state.nodes.resolve_parent(from)?;
        if state.nodes.get(&source).is_none() {
            return Err(FsError::NotFound { path: from.clone() });
        }
        // Taken out first: a change of case alone is no twin of itself.
        let moved = state.nodes.take(&source);
        let placed = state.place(to, "rename").and_then(|place| {
            let inside = place.starts_with(&source) && place != source;
            let taken = state.nodes.get(&place).is_some();
            if inside || taken {
                Err(FsError::Conflict { path: to.clone() })
            } else {
                Ok(place)
            }
        });
        match placed {
            Ok(place) => {
                state.make_parent(&place);
                state.nodes.give(&source, &place, moved);
                Ok(())
            }
            Err(error) => {
                state.nodes.give(&source, &source, moved);
                Err(error)
            }
        }
    }
}
