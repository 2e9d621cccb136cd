//! The walk over any [`Fs`], for workspaces that are not on disk.
//!
//! It reads the same rule files with the same precedence, but no rules from outside the folder: a workspace that is
//! not on disk has no surroundings.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::disk::is_dot_git;
use super::rules::{MAX_RULE_BYTES, OWN_IGNORE_FILE};
use super::{Skipped, Walk, Walked};
use crate::fs::{Entry, Fs, FsError, Kind, is_temp_name};
use crate::path::RelPath;

pub(crate) fn through_fs(fs: &dyn Fs, options: &Walk) -> Walked {
    let mut walker = Walker {
        fs,
        options,
        levels: Vec::new(),
        walked: Walked::default(),
    };
    if let Err(error) = walker.start() {
        walker.skip(&options.under, error.to_string());
    }
    walker.walked
}

struct Walker<'a> {
    fs: &'a dyn Fs,
    options: &'a Walk,
    /// The rules of every folder from the top down to the current one.
    levels: Vec<Level>,
    walked: Walked,
}

/// The rules of one folder, strongest first.
struct Level {
    own: Gitignore,
    ignore: Gitignore,
    git: Gitignore,
    /// Whether a repository begins here.
    is_repository: bool,
}

impl Walker<'_> {
    fn start(&mut self) -> Result<(), FsError> {
        let under = &self.options.under;
        let stat = self.fs.stat(under)?;
        if stat.kind != Kind::Dir {
            self.walked.files.push((under.clone(), stat));
            return Ok(());
        }
        let mut folder = RelPath::root();
        for name in under.names() {
            let level = self.level(&folder, &self.fs.list(&folder)?);
            self.levels.push(level);
            folder = folder.join(name);
            if self.is_ignored(&folder, true) {
                // Asked for by name, so the rules that hide it do not count.
                self.levels.clear();
            }
        }
        self.visit(under, 0);
        Ok(())
    }

    fn visit(&mut self, folder: &RelPath, depth: usize) {
        if depth >= self.options.max_depth {
            self.skip(
                folder,
                format!("deeper than {} folders", self.options.max_depth),
            );
            return;
        }
        let entries = match self.fs.list(folder) {
            Ok(entries) => entries,
            Err(error) => return self.skip(folder, error.to_string()),
        };
        let level = self.level(folder, &entries);
        self.levels.push(level);
        for Entry { name, stat } in entries {
            if self.options.cancelled() {
                break;
            }
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if is_dot_git(&name) || is_temp_name(&name) || is_hidden && !self.options.hidden {
                continue;
            }
            let path = folder.join(&name);
            if self.is_ignored(&path, stat.kind == Kind::Dir) {
                continue;
            }
            match stat.kind {
                Kind::File | Kind::Link => self.walked.files.push((path, stat)),
                Kind::Dir => self.visit(&path, depth + 1),
                Kind::Other => {
                    self.skip(&path, format!("it is {}, not a file", stat.kind.describe()))
                }
            }
        }
        self.levels.pop();
    }

    fn level(&mut self, folder: &RelPath, entries: &[Entry]) -> Level {
        Level {
            own: self.rules(folder, entries, OWN_IGNORE_FILE),
            ignore: self.rules(folder, entries, ".ignore"),
            git: self.rules(folder, entries, ".gitignore"),
            is_repository: entries.iter().any(|entry| is_dot_git(&entry.name)),
        }
    }

    fn rules(&mut self, folder: &RelPath, entries: &[Entry], name: &str) -> Gitignore {
        if self.options.ignored
            || !entries
                .iter()
                .any(|entry| entry.name == name && entry.stat.kind == Kind::File)
        {
            return Gitignore::empty();
        }
        let path = folder.join(name.as_ref());
        let bytes = match self.fs.read(&path, MAX_RULE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.skip(&path, error.to_string());
                return Gitignore::empty();
            }
        };
        let mut builder = GitignoreBuilder::new(folder.as_path());
        for line in String::from_utf8_lossy(&bytes).lines() {
            if let Err(error) = builder.add_line(None, line) {
                self.skip(&path, format!("an ignore rule is not understood: {error}"));
            }
        }
        builder.build().unwrap_or_else(|error| {
            self.skip(
                &path,
                format!("the ignore rules are not understood: {error}"),
            );
            Gitignore::empty()
        })
    }

    fn is_ignored(&self, path: &RelPath, is_dir: bool) -> bool {
        // The rules of a repository do not reach into another one inside it.
        let is_in_repository = self.levels.first().is_some_and(|top| top.is_repository);
        let nearest = |rules: fn(&Level) -> &Gitignore, is_git: bool| {
            for level in self.levels.iter().rev() {
                match rules(level).matched(path.as_path(), is_dir) {
                    Match::Ignore(_) => return Some(true),
                    Match::Whitelist(_) => return Some(false),
                    Match::None if is_git && is_in_repository && level.is_repository => {
                        return None;
                    }
                    Match::None => {}
                }
            }
            None
        };
        nearest(|level| &level.own, false)
            .or_else(|| nearest(|level| &level.ignore, false))
            .or_else(|| nearest(|level| &level.git, true))
            .unwrap_or(false)
    }

    fn skip(&mut self, path: &RelPath, reason: String) {
        self.walked.skipped.push(Skipped {
            path: path.clone(),
            reason,
        });
    }
}
