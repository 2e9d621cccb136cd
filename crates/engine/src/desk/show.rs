//! The review as it is shown: all of it at once, or its outline and then the lines that are wanted.
//!
//! An outline says of each line what it is and where it stands, so that whoever shows it can lay all of it out; the texts
//! come in parts. A part names the content that its outline told of. With another content there now, nothing is sent,
//! and the asker reads the outline again.

use super::{Desk, each::each, no_such_file};
use kerf_protocol::{
    Failure,
    desk::{AroundLines, Notebook, ReadAround},
    review::{
        Author, FileOutline, FileStatus, HunkParts, MAX_LINES_BYTES, Outline, Review, WantedLines,
    },
    scope::{Scope, ScopeBase, ScopedReview},
};
use kerf_review::{FileReview, Parts};
use kerf_store::Write;
use kerf_workspace::RelPath;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

/// So many lines are sent at once, however short.
const MAX_LINES: u32 = 4_000;

impl Desk {
    /// A scope as the files are now.
    pub(crate) fn show(&mut self, scope: &Scope) -> Result<(ScopedReview, Vec<Write>), Failure> {
        let writes = self.sync(Author::User)?;
        let mut base = self.base(scope)?;
        let against = self.all_against(&mut base)?;
        let reviews = seen(self.unsettled(), against.as_deref());
        let renamed = renamed(&reviews);
        let shown = reviews.iter().enumerate().map(|(at, (path, review))| {
            let mut file = review.describe(path);
            if let Some(from) = renamed.get(&at) {
                file.status = FileStatus::Renamed;
                file.renamed_from = Some(from.clone());
            }
            if let Some(numbers) = in_scope(review, scope) {
                file.hunks.retain(|hunk| numbers.contains(&hunk.hunk));
            }
            file
        });
        let files = shown.filter(|file| !file.hunks.is_empty()).collect();
        let review = Review { files };
        Ok((ScopedReview { review, base }, writes))
    }

    /// The same without the texts, and without the files whose revision is known.
    pub(crate) fn outline(
        &mut self,
        known: &BTreeMap<String, u64>,
        scope: &Scope,
    ) -> Result<(Outline, Vec<Write>), Failure> {
        let writes = self.sync(Author::User)?;
        let mut base = self.base(scope)?;
        let against = self.all_against(&mut base)?;
        let reviews = seen(self.unsettled(), against.as_deref());
        let renamed = renamed(&reviews);
        let numbered: Vec<_> = reviews.iter().enumerate().collect();
        let mut files = each(&numbered, |(at, (path, review))| {
            let mut file = review.outline(path);
            if let Some(from) = renamed.get(at) {
                file.status = FileStatus::Renamed;
                file.renamed_from = Some(from.clone());
            }
            if let Some(numbers) = in_scope(review, scope) {
                file.hunks.retain(|hunk| numbers.contains(&hunk.hunk));
            }
            kerf_review::revise(&mut file);
            file
        });
        files.retain(|file| !file.hunks.is_empty());
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let is_new = |file: &FileOutline| known.get(&file.path) != Some(&file.revision);
        let files = files.into_iter().filter(is_new).collect();
        Ok((Outline { paths, files, base }, writes))
    }

    /// All files that differ from the commit of a scope; none: it is none of a commit.
    fn all_against(
        &self,
        base: &mut Option<ScopeBase>,
    ) -> Result<Option<Vec<(String, FileReview)>>, Failure> {
        let Some(base) = base else { return Ok(None) };
        let (files, left_out) = self.against(base, None)?;
        base.left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
        Ok(Some(files))
    }

    /// Lines of the review as it was last found: the files are not looked at, but for those that are compared with a
    /// commit.
    pub(crate) fn lines(
        &self,
        wanted: &[WantedLines],
        scope: &Scope,
    ) -> Result<HunkParts, Failure> {
        let against: Option<HashMap<String, FileReview>> = match self.base(scope)? {
            Some(base) => {
                let mut paths: Vec<&str> = wanted.iter().map(|one| one.path.as_str()).collect();
                paths.sort_unstable();
                paths.dedup();
                let (files, _) = self.against(&base, Some(&paths))?;
                Some(files.into_iter().collect())
            }
            None => None,
        };
        let mut answer = HunkParts::default();
        let (mut bytes, mut lines) = (MAX_LINES_BYTES, MAX_LINES);
        let mut open: HashMap<&str, Option<Parts<'_>>> = HashMap::new();
        for one in wanted {
            if !answer.parts.is_empty() && (bytes == 0 || lines == 0) {
                break;
            }
            let parts = open.entry(&one.path).or_insert_with(|| match &against {
                Some(files) => files.get(&one.path).map(|review| review.parts(&one.path)),
                None => self.parts(&one.path),
            });
            let part = parts
                .as_mut()
                .filter(|parts| parts.content() == one.content)
                .and_then(|parts| parts.read(one.hunk, one.first, one.count.min(lines), bytes));
            let Some(part) = part else {
                answer.stale = true;
                continue;
            };
            let text: usize = part.lines.iter().map(|line| line.text.len()).sum();
            if text > bytes && !answer.parts.is_empty() {
                break;
            }
            bytes = bytes.saturating_sub(text);
            lines = lines.saturating_sub(u32::try_from(part.lines.len()).unwrap_or(u32::MAX));
            answer.parts.push(part);
        }
        Ok(answer)
    }

    /// Lines of a proposed text as the review was last found, with as much of them as is sent at once.
    pub(crate) fn around(&self, wanted: &ReadAround) -> Result<AroundLines, Failure> {
        let review = self.review_in(&wanted.path, &wanted.scope)?;
        let parts = review.as_ref().map(|review| review.parts(&wanted.path));
        let shown = parts.filter(|parts| parts.content() == wanted.content);
        Ok(AroundLines {
            stale: shown.is_none(),
            lines: shown.map_or_else(Vec::new, |parts| {
                parts.around(wanted.first, wanted.count.min(MAX_LINES), MAX_LINES_BYTES)
            }),
        })
    }

    /// A notebook as cells: as it was, against what is proposed.
    pub(crate) fn notebook(&self, path: &str, scope: &Scope) -> Result<Notebook, Failure> {
        let review = self.seen_in(path, scope)?;
        Ok(kerf_review::notebook(review.origin(), &review.proposed()))
    }

    /// A file of a scope that has something to show.
    pub(super) fn seen_in(
        &self,
        path: &str,
        scope: &Scope,
    ) -> Result<Cow<'_, FileReview>, Failure> {
        self.review_in(path, scope)?
            .ok_or_else(|| no_such_file(path))
    }

    /// The review of a file in a scope: the one that is kept, or how the file differs from the scope's commit. None: it
    /// has nothing to show.
    fn review_in(&self, path: &str, scope: &Scope) -> Result<Option<Cow<'_, FileReview>>, Failure> {
        if let Some(base) = self.base(scope)? {
            let (mut files, _) = self.against(&base, Some(&[path]))?;
            return Ok(files.pop().map(|(_, review)| Cow::Owned(review)));
        }
        let at: Option<RelPath> = path.parse().ok();
        let known = at.and_then(|at| self.files.get(&at));
        Ok(known
            .filter(|review| !review.is_settled())
            .map(Cow::Borrowed))
    }

    fn parts<'a>(&'a self, path: &'a str) -> Option<Parts<'a>> {
        let at: RelPath = path.parse().ok()?;
        let review = self.files.get(&at)?;
        (!review.is_settled()).then(|| review.parts(path))
    }

    /// The files under review, in the order of their paths.
    fn unsettled(&self) -> Vec<(String, &FileReview)> {
        self.files
            .iter()
            .filter(|(_, review)| !review.is_settled())
            .map(|(path, review)| (path.to_string(), review))
            .collect()
    }
}

/// The files of a scope: those that are compared with a commit, or those under review.
fn seen<'a>(
    unsettled: Vec<(String, &'a FileReview)>,
    against: Option<&'a [(String, FileReview)]>,
) -> Vec<(String, &'a FileReview)> {
    match against {
        Some(files) => files
            .iter()
            .map(|(path, review)| (path.clone(), review))
            .collect(),
        None => unsettled,
    }
}

/// The numbers of the hunks that a scope shows of a file; none: all.
fn in_scope(review: &FileReview, scope: &Scope) -> Option<Vec<u32>> {
    match scope {
        Scope::Turn { turn_id } => Some(review.hunks_of_turn(*turn_id)),
        _ => None,
    }
}

/// The names that files had, by their place among the reviews. The deletion stays a file of its own with its own
/// decision; the pair is told by the name it had.
fn renamed(reviews: &[(String, &FileReview)]) -> HashMap<usize, String> {
    let named: Vec<(&str, &FileReview)> = reviews
        .iter()
        .map(|(path, review)| (path.as_str(), *review))
        .collect();
    kerf_review::pair_renames(&named)
        .into_iter()
        .map(|(deleted, created)| (created, named[deleted].0.to_owned()))
        .collect()
}
