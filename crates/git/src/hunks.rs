//! One file's difference in hunks, and texts made of some of them.

use crate::{
    GitError, Repo,
    content::{Kept, is_tame},
    renames::{Bearable, similar},
    stage::{Side, differing},
};
use git2::{DiffOptions, FileMode, Oid, Patch};
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

/// A file with more bytes on either side is not shown in hunks.
pub(crate) const MAX_SHOWN_BYTES: i64 = 4 * 1024 * 1024;
/// A difference with more lines is cut off; its file can only be staged whole.
const MAX_SHOWN_LINES: usize = 20_000;

/// How a file differs, on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Where it is, relative to the working tree.
    pub path: PathBuf,
    /// Names the two texts; see [`crate::Chosen::Hunks`].
    pub token: String,
    /// In the order of the file. None for what is no text, too large, or differs in its mode alone.
    pub hunks: Vec<DiffHunk>,
    /// What the hunks do not tell, in words: another mode, no text, too large. Empty otherwise.
    pub note: String,
}

/// Lines that changed, with their neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffHunk {
    /// The first line in the older text, counted from 1; 0 when it has none.
    pub old_start: u32,
    /// How many lines of it.
    pub old_lines: u32,
    /// The first line in the newer text.
    pub new_start: u32,
    /// How many lines of it.
    pub new_lines: u32,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// Which text has it.
    pub kind: LineKind,
    /// Its text without the line end; what is not UTF-8 is replaced.
    pub text: String,
    /// Whether the text ends with it, without a line end.
    pub no_newline: bool,
}

/// Which text has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Both.
    Context,
    /// The newer.
    Added,
    /// The older.
    Removed,
}

impl Repo {
    /// How the file at `path` differs on one side. Nothing is written.
    ///
    /// Errors: [`GitError::Unknown`] when it does not differ there.
    pub fn diff(&self, path: &Path, side: Side) -> Result<FileDiff, GitError> {
        self.difference(path, None, side)
    }

    /// The same of a file that was moved: how it differs from what it was at `from`.
    ///
    /// Errors: [`GitError::Unknown`] when it was not moved from there, as far as its text tells.
    pub fn diff_renamed(&self, path: &Path, from: &Path, side: Side) -> Result<FileDiff, GitError> {
        self.difference(path, Some(from), side)
    }

    fn difference(
        &self,
        path: &Path,
        from: Option<&Path>,
        side: Side,
    ) -> Result<FileDiff, GitError> {
        let unknown = || GitError::Unknown {
            what: "change of",
            name: path.display().to_string(),
        };
        if !is_tame(path) || !from.is_none_or(is_tame) {
            return Err(unknown());
        }
        let repo = self.lock();
        let failed = |error| GitError::library("compare a file of", &self.workdir, error);
        if let Some(from) = from {
            let bearable = Bearable::of(&repo, &self.workdir, side).map_err(failed)?;
            if !bearable.was(from) || !bearable.is(path) {
                return Err(unknown());
            }
        }
        let mut options = options();
        options
            .pathspec(path)
            .disable_pathspec_match(true)
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .show_untracked_content(true)
            .include_typechange(true)
            .ignore_submodules(true)
            .update_index(false);
        if let Some(from) = from {
            options.pathspec(from);
        }
        let mut diff = differing(&repo, side, &mut options).map_err(failed)?;
        if from.is_some() {
            diff.find_similar(Some(&mut similar())).map_err(failed)?;
        }
        let wanted = crate::path_to_git(path);
        let was = from.and_then(crate::path_to_git);
        let position = diff
            .deltas()
            .position(|delta| {
                let (old, new) = (delta.old_file(), delta.new_file());
                let is = |file: &git2::DiffFile<'_>, name: &Option<Vec<u8>>| {
                    file.path_bytes() == name.as_deref()
                };
                match from {
                    Some(_) => is(&old, &was) && is(&new, &wanted),
                    None => is(&old, &wanted) || is(&new, &wanted),
                }
            })
            .ok_or_else(unknown)?;
        let mut hunks = Vec::new();
        let mut note = String::new();
        let patch = Patch::from_diff(&diff, position).map_err(failed)?;
        let delta = match &patch {
            Some(patch) => patch.delta(),
            None => diff.get_delta(position).ok_or_else(unknown)?,
        };
        let (old, new) = (delta.old_file(), delta.new_file());
        let (was, is) = (mode(old.mode()), mode(new.mode()));
        if let (Some(was), Some(is)) = (was, is)
            && was != is
        {
            note = format!("from {} to {}", in_words(was), in_words(is));
        }
        if delta.flags().is_binary() {
            note = if old.size().max(new.size()) > MAX_SHOWN_BYTES.cast_unsigned() {
                "too large to be shown".to_owned()
            } else {
                "not a text".to_owned()
            };
        } else if let Some(patch) = &patch {
            hunks = shown(patch).map_err(failed)?.unwrap_or_else(|| {
                note = "too many lines to be shown".to_owned();
                Vec::new()
            });
        }
        let kept = |mode: Option<u32>, id| mode.map(|mode| Kept { id, mode });
        let token = token_of(kept(was, old.id()), kept(is, new.id()));
        Ok(FileDiff {
            path: path.to_owned(),
            token,
            hunks,
            note,
        })
    }
}

fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .context_lines(3)
        .interhunk_lines(0)
        .max_size(MAX_SHOWN_BYTES);
    options
}

fn mode(mode: FileMode) -> Option<u32> {
    match mode {
        FileMode::Unreadable => None,
        mode => Some(i32::from(mode).cast_unsigned()),
    }
}

fn in_words(mode: u32) -> &'static str {
    match mode {
        crate::content::EXECUTABLE => "a file that can be run",
        crate::content::LINK => "a link",
        crate::content::SUBMODULE => "a submodule",
        _ => "a plain file",
    }
}

/// None when there are too many lines.
fn shown(patch: &Patch<'_>) -> Result<Option<Vec<DiffHunk>>, git2::Error> {
    let mut hunks = Vec::new();
    let mut total = 0;
    for position in 0..patch.num_hunks() {
        let (hunk, len) = patch.hunk(position)?;
        total += len;
        if total > MAX_SHOWN_LINES {
            return Ok(None);
        }
        let mut lines: Vec<DiffLine> = Vec::with_capacity(len);
        for line in 0..len {
            let line = patch.line_in_hunk(position, line)?;
            let kind = match line.origin() {
                ' ' => LineKind::Context,
                '+' => LineKind::Added,
                '-' => LineKind::Removed,
                // Marks for the line before, that the text ends there.
                _ => {
                    if let Some(last) = lines.last_mut() {
                        last.no_newline = true;
                    }
                    continue;
                }
            };
            let bytes = line.content();
            let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            lines.push(DiffLine {
                kind,
                text: String::from_utf8_lossy(bytes).into_owned(),
                no_newline: false,
            });
        }
        hunks.push(DiffHunk {
            old_start: hunk.old_start(),
            old_lines: hunk.old_lines(),
            new_start: hunk.new_start(),
            new_lines: hunk.new_lines(),
            lines,
        });
    }
    Ok(Some(hunks))
}

/// Names two contents.
pub(crate) fn token_of(base: Option<Kept>, new: Option<Kept>) -> String {
    let one = |kept: Option<Kept>| {
        let (id, mode) = kept.map_or((Oid::ZERO_SHA1, 0), |kept| (kept.id, kept.mode));
        format!("{id}:{mode:o}")
    };
    format!("{} {}", one(base), one(new))
}

/// The lines of a hunk in both texts, counted from 0.
pub(crate) struct Span {
    old: Range<usize>,
    new: Range<usize>,
}

/// The hunks between two texts, the same as those of [`Repo::diff`]; none when one is no text.
pub(crate) fn hunks_between(old: &[u8], new: &[u8]) -> Result<Option<Vec<Span>>, git2::Error> {
    let patch = Patch::from_buffers(old, None, new, None, Some(&mut options()))?;
    if patch.delta().flags().is_binary() {
        return Ok(None);
    }
    (0..patch.num_hunks())
        .map(|position| Ok(span(&patch.hunk(position)?.0)))
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}

/// A hunk without lines in a text names the line before it.
fn span(hunk: &git2::DiffHunk<'_>) -> Span {
    let range = |start: u32, lines: u32| {
        let start = if lines == 0 {
            start
        } else {
            start.saturating_sub(1)
        } as usize;
        start..start + lines as usize
    };
    Span {
        old: range(hunk.old_start(), hunk.old_lines()),
        new: range(hunk.new_start(), hunk.new_lines()),
    }
}

/// The text that has the newer lines of the hunks that are `wanted` and the older lines of all others.
pub(crate) fn choose(
    old: &[u8],
    new: &[u8],
    hunks: &[Span],
    wanted: impl Fn(usize) -> bool,
) -> Vec<u8> {
    let (old, new) = (lines(old), lines(new));
    let mut text = Vec::new();
    let mut at = 0;
    for (position, hunk) in hunks.iter().enumerate() {
        text.extend(old[at..hunk.old.start].concat());
        text.extend(if wanted(position) {
            new[hunk.new.clone()].concat()
        } else {
            old[hunk.old.clone()].concat()
        });
        at = hunk.old.end;
    }
    text.extend(old[at..].concat());
    text
}

/// For each line of the newer text the same line of the older (counted from 0); none for lines that it has not, and for
/// all lines when one is no text.
pub(crate) fn matching_lines(old: &[u8], new: &[u8]) -> Result<Vec<Option<usize>>, git2::Error> {
    let count = lines(new).len();
    let mut bare = options();
    bare.context_lines(0);
    let patch = Patch::from_buffers(old, None, new, None, Some(&mut bare))?;
    if patch.delta().flags().is_binary() {
        return Ok(vec![None; count]);
    }
    let mut matching = Vec::with_capacity(count);
    let mut next = 0;
    for position in 0..patch.num_hunks() {
        let span = span(&patch.hunk(position)?.0);
        while matching.len() < span.new.start {
            matching.push(Some(next));
            next += 1;
        }
        matching.resize(span.new.end, None);
        next = span.old.end;
    }
    while matching.len() < count {
        matching.push(Some(next));
        next += 1;
    }
    Ok(matching)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All subsets of the hunks between pairs of texts: none is the older, all is the newer text, and each subset
    /// together with its complement changes every hunk once.
    #[test]
    fn chosen_hunks_make_texts() {
        let long: Vec<String> = (0..60).map(|line| format!("line {line}\n")).collect();
        let edit = |places: &[usize], end: &str| {
            let mut text = long.clone();
            for place in places {
                text[*place] = format!("edited {place}\n");
            }
            let mut text = text.concat();
            text.push_str(end);
            text.into_bytes()
        };
        let texts = [
            Vec::new(),
            b"no newline".to_vec(),
            b"a\r\nb\r\n".to_vec(),
            edit(&[], ""),
            edit(&[0, 20, 40, 59], ""),
            edit(&[5, 30], "tail without end"),
            edit(&[], "\n\n\n"),
            b"caf\xe9\n".to_vec(),
        ];
        for old in &texts {
            for new in &texts {
                let hunks = hunks_between(old, new).unwrap().unwrap();
                assert_eq!(choose(old, new, &hunks, |_| false), *old);
                assert_eq!(choose(old, new, &hunks, |_| true), *new);
                for bits in 0..1_u32 << hunks.len().min(6) {
                    let half = choose(old, new, &hunks, |hunk| bits & (1 << hunk) != 0);
                    let rest = hunks_between(&half, new).unwrap().unwrap();
                    assert!(rest.len() <= hunks.len());
                    assert_eq!(choose(&half, new, &rest, |_| true), *new);
                }
            }
        }
    }
}
