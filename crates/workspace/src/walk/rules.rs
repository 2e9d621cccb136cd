//! Which files say what is ignored, and the answers they give for single paths.
//!
//! Beside the rule files in a folder there are those of git that lie elsewhere: the excludes of each repository, which
//! linked worktrees share, and the user's own for all repositories. The `ignore` crate reads most of them by itself,
//! whatever they are and wherever a `.git` file sends it; [`cannot_be_read`] tells before it does where that might not
//! end, or reach another machine.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::{IncrementalIgnore, WalkBuilder};

use crate::folder::plain;
use crate::fs::Kind;
use crate::path::RelPath;

/// Kerf's own rule file, read beside `.gitignore` and `.ignore` and stronger than both.
pub const OWN_IGNORE_FILE: &str = ".kerfignore";

/// The rule files of a folder.
pub(crate) const RULE_FILES: [&str; 3] = [".gitignore", ".ignore", OWN_IGNORE_FILE];

/// A rule file longer than this is no rule file, in bytes.
pub(super) const MAX_RULE_BYTES: u64 = 1 << 20;

/// A file of git's that names a folder is no longer than this, in bytes.
const MAX_NAME_BYTES: u64 = 64 << 10;

/// What begins a repository, or stands for it in a linked worktree and in a submodule.
pub(crate) const DOT_GIT: &str = ".git";

/// The ignore rules of a folder, as ripgrep would read them, hidden files included.
///
/// Without a repository `.gitignore` counts as well. Rule files above the folder count only when it is a part of a
/// larger repository: a stray `.gitignore` in a home folder must not hide every project in it.
///
/// [`cannot_be_read`] and [`cannot_be_walked`] come first.
pub(super) fn rules(root: &Path) -> WalkBuilder {
    let above = repository_above(root);
    let mut builder = plain_rules(root);
    builder.parents(above.is_some());
    let is_top = root.join(DOT_GIT).exists();
    if above.is_some() || is_top {
        // Then the rules of a repository do not reach into another one inside it.
        builder.require_git(true);
    }
    let top = above.unwrap_or(root);
    // The user's excludes are anchored where the repository begins.
    builder.current_dir(top);
    // The `ignore` crate takes a relative name in a `.git` file from the folder that the program runs in, and knows no
    // submodules. What is not understood in the file counts for nothing, as with git.
    if top.join(DOT_GIT).is_file()
        && let Some(excludes) = excludes_of(top).filter(|excludes| excludes.is_file())
    {
        drop(builder.add_ignore(excludes));
    }
    builder
}

pub(super) fn plain_rules(root: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .parents(false)
        .require_git(false)
        .follow_links(false);
    builder.add_custom_ignore_filename(OWN_IGNORE_FILE);
    builder.current_dir(root);
    builder
}

/// The folder above `root` in which a repository begins, unless one begins in `root`.
fn top_above(root: &Path) -> Option<&Path> {
    let begins = |folder: &&Path| folder.join(DOT_GIT).exists();
    if begins(&root) {
        return None;
    }
    root.ancestors().skip(1).find(begins)
}

/// Why it cannot be told whether the repository above ignores `root`, and the folder that it is so for.
/// [`repository_above`] reads the rules on the way.
pub(super) fn above_cannot_be_read(root: &Path) -> Option<(&Path, String)> {
    let top = top_above(root)?;
    let on_the_way = root.ancestors().skip(1);
    on_the_way
        .take_while(|folder| folder.starts_with(top))
        .find_map(|folder| Some((folder, cannot_be_read(folder)?)))
}

/// Where the repository begins that `root` is a part of: one above that does not itself ignore it.
///
/// [`above_cannot_be_read`] comes first.
pub(super) fn repository_above(root: &Path) -> Option<&Path> {
    let top = top_above(root)?;
    let inside = root.strip_prefix(top).ok()?;
    plain_rules(top)
        .build_matchers()
        .iter_mut()
        .all(|matcher| !matcher.matched(inside, true).is_ignore())
        .then_some(top)
}

/// Why no walk can begin in a folder: rule files are read in it and in all folders above.
pub(super) fn cannot_be_walked(folder: &Path) -> Option<String> {
    folder.ancestors().find_map(cannot_be_read)
}

/// Why the rules of one folder cannot be read, if it is so: to read a pipe may take for ever, and a device or an endless
/// file all of the memory.
pub(super) fn cannot_be_read(folder: &Path) -> Option<String> {
    let shown = |file: &Path| RelPath::from_listing(file.strip_prefix(folder).unwrap_or(file));
    if let Some(file) = leads_off_in(folder) {
        return Some(format!(
            "its ignore rules cannot be read: `{}` names a folder on another machine, or a device",
            shown(&file)
        ));
    }
    let dot_git = folder.join(DOT_GIT);
    let named = RULE_FILES.iter().map(|name| folder.join(name));
    // A `.git` that is no plain file is taken for a folder, and nothing is read that is not found in it.
    let names_another = dot_git.is_file();
    let of_git = || {
        let git = git_folder(folder)?;
        Some([git.join("commondir"), excludes_of(folder)?])
    };
    let files = named.chain(names_another.then_some(dot_git));
    files
        .chain(of_git().into_iter().flatten())
        .find_map(|file| {
            let meta = fs::metadata(&file).ok()?;
            // What a folder holds cannot be read, which ends at once.
            if meta.is_dir() || meta.is_file() && meta.len() <= MAX_RULE_BYTES {
                return None;
            }
            let what = if meta.is_file() {
                "too long for one".to_owned()
            } else {
                Kind::Other.describe().to_owned()
            };
            Some(format!(
                "its ignore rules cannot be read: `{}` is {what}",
                shown(&file)
            ))
        })
}

/// The file with the excludes of the repository that begins in a folder, if one does: linked worktrees share it. The
/// file need not be there.
pub(crate) fn excludes_of(folder: &Path) -> Option<PathBuf> {
    let git = git_folder(folder)?;
    let shared = match name_in(&git.join("commondir")) {
        Some(shared) if may_be_followed(&shared) => git.join(shared),
        Some(_) => return None,
        None => git,
    };
    Some(plain(shared.canonicalize().ok()?).join("info/exclude"))
}

/// The user's excludes for all repositories. The file need not be there.
pub(crate) fn users_excludes() -> Option<PathBuf> {
    ignore::gitignore::gitconfig_excludes_path().filter(|path| path.is_absolute())
}

/// What the rules say that lie in no file of the folder: the excludes of its repository, the user's own, and the rule
/// files above a part of a repository.
pub(crate) fn rules_elsewhere(root: &Path) -> Vec<u8> {
    let repository = root.ancestors().find_map(excludes_of);
    let is_part = top_above(root).is_some();
    // Some of them count from above the repository too, as they do in the walk.
    let above = root.ancestors().skip(1).filter(|_| is_part);
    let above = above.flat_map(|folder| RULE_FILES.map(|name| folder.join(name)));
    let mut all = Vec::new();
    for file in repository.into_iter().chain(users_excludes()).chain(above) {
        let meta = fs::metadata(&file);
        if meta.is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_RULE_BYTES) {
            // What cannot be read has no rules.
            all.extend(fs::read(&file).unwrap_or_default());
        }
        all.push(0);
    }
    all
}

/// Git's own folder for the repository or the worktree that begins in a folder.
fn git_folder(folder: &Path) -> Option<PathBuf> {
    let dot_git = folder.join(DOT_GIT);
    let meta = fs::metadata(&dot_git).ok()?;
    if meta.is_dir() {
        return Some(dot_git);
    }
    let named = git_folder_in(&dot_git)?;
    may_be_followed(&named).then(|| folder.join(named))
}

/// The folder that a `.git` file names.
fn git_folder_in(dot_git: &Path) -> Option<String> {
    let line = name_in(dot_git)?;
    line.strip_prefix("gitdir: ").map(str::to_owned)
}

/// The file of git's in a folder that names a place which is not followed.
fn leads_off_in(folder: &Path) -> Option<PathBuf> {
    // Elsewhere all are followed; each folder of a walk is asked about.
    if !cfg!(windows) {
        return None;
    }
    let dot_git = folder.join(DOT_GIT);
    if git_folder_in(&dot_git).is_some_and(|named| !may_be_followed(&named)) {
        return Some(dot_git);
    }
    let shared = git_folder(folder)?.join("commondir");
    name_in(&shared)
        .is_some_and(|named| !may_be_followed(&named))
        .then_some(shared)
}

/// Whether a name that a repository gives can be looked at: on Windows a look alone can sign in to another machine.
fn may_be_followed(named: &str) -> bool {
    !(cfg!(windows) && leads_off(named))
}

/// Whether Windows takes a name for a share of another machine, or for a device: `\\host\share`, `\\?\UNC\…`,
/// `\\.\pipe\…`, `\??\…`, with either slash.
fn leads_off(named: &str) -> bool {
    let named = named.replace('/', "\\");
    named.starts_with(r"\\") || named.starts_with(r"\??\")
}

/// The first line of a file that names a folder.
fn name_in(file: &Path) -> Option<String> {
    let meta = fs::metadata(file).ok()?;
    if !meta.is_file() || meta.len() > MAX_NAME_BYTES {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    Some(text.lines().next()?.trim_end().to_owned())
}

/// Tells of single paths whether they are ignored, as a walk of the folder would. The rules are those of the time at
/// which a folder is first asked about.
pub(crate) struct Rules {
    root: PathBuf,
    matchers: Vec<IncrementalIgnore>,
    /// Folders whose rules can be read.
    readable: HashSet<RelPath>,
}

impl Rules {
    pub(crate) fn of(root: &Path) -> Self {
        let can_be_walked = cannot_be_walked(root).is_none();
        Self {
            root: root.to_path_buf(),
            // Without any, everything is told, and the listener's walk says why nothing is found.
            matchers: if can_be_walked {
                rules(root).build_matchers()
            } else {
                Vec::new()
            },
            readable: HashSet::new(),
        }
    }

    /// Whether a path is ignored, or lies in a folder that no walk looks into.
    pub(crate) fn is_ignored(&mut self, path: &RelPath, is_dir: bool) -> bool {
        if self.matchers.is_empty() {
            return false;
        }
        let above = std::iter::successors(path.parent(), RelPath::parent);
        let new: Vec<RelPath> = above
            .take_while(|folder| !self.readable.contains(folder))
            .collect();
        for folder in new {
            if cannot_be_read(&self.root.join(folder.as_path())).is_some() {
                return true;
            }
            self.readable.insert(folder);
        }
        self.matchers
            .iter_mut()
            .any(|rules| rules.matched(path.as_path(), is_dir).is_ignore())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r"\\host\share\.git", true)]
    #[case("//host/share/.git", true)]
    #[case(r"/\host\share", true)]
    #[case(r"\\?\UNC\host\share", true)]
    #[case(r"\\?\C:\repository", true)]
    #[case(r"\\.\pipe\name", true)]
    #[case(r"\??\UNC\host\share", true)]
    #[case("/??/UNC/host/share", true)]
    #[case(r"C:\repository\.git\worktrees\a", false)]
    #[case("C:/repository/.git/worktrees/a", false)]
    #[case("/repository/.git", false)]
    #[case("../.git/modules//a", false)]
    #[case(r"..\..\.git", false)]
    #[case("", false)]
    fn names_that_windows_takes_for_other_machines_and_devices(
        #[case] named: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(leads_off(named), expected, "{named}");
        assert_eq!(may_be_followed(named), !(cfg!(windows) && expected));
    }
}
