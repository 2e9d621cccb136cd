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
};
use kerf_review::{FileReview, Parts};
use kerf_store::Write;
use kerf_workspace::RelPath;
use std::collections::{BTreeMap, HashMap};

/// So many lines are sent at once, however short.
const MAX_LINES: u32 = 4_000;

impl Desk {
    /// The review as the files are now.
    pub(crate) fn show(&mut self) -> Result<(Review, Vec<Write>), Failure> {
        let writes = self.sync(Author::User)?;
        let reviews = self.unsettled();
        let renamed = renamed(&reviews);
        let files = reviews
            .iter()
            .enumerate()
            .map(|(at, (path, review))| {
                let mut file = review.describe(path);
                if let Some(from) = renamed.get(&at) {
                    file.status = FileStatus::Renamed;
                    file.renamed_from = Some(from.clone());
                }
                file
            })
            .collect();
        Ok((Review { files }, writes))
    }

    /// The same without the texts, and without the files whose revision is known.
    pub(crate) fn outline(
        &mut self,
        known: &BTreeMap<String, u64>,
    ) -> Result<(Outline, Vec<Write>), Failure> {
        let writes = self.sync(Author::User)?;
        let reviews = self.unsettled();
        let renamed = renamed(&reviews);
        let numbered: Vec<_> = reviews.iter().enumerate().collect();
        let files = each(&numbered, |(at, (path, review))| {
            let mut file = review.outline(path);
            if let Some(from) = renamed.get(at) {
                file.status = FileStatus::Renamed;
                file.renamed_from = Some(from.clone());
            }
            kerf_review::revise(&mut file);
            file
        });
        let is_new = |file: &FileOutline| known.get(&file.path) != Some(&file.revision);
        let files = files.into_iter().filter(is_new).collect();
        let paths = reviews.into_iter().map(|(path, _)| path).collect();
        Ok((Outline { paths, files }, writes))
    }

    /// Lines of the review as it was last found: the files are not looked at.
    pub(crate) fn lines(&self, wanted: &[WantedLines]) -> HunkParts {
        let mut answer = HunkParts::default();
        let (mut bytes, mut lines) = (MAX_LINES_BYTES, MAX_LINES);
        let mut open: HashMap<&str, Option<Parts<'_>>> = HashMap::new();
        for one in wanted {
            if !answer.parts.is_empty() && (bytes == 0 || lines == 0) {
                break;
            }
            let parts = open
                .entry(&one.path)
                .or_insert_with(|| self.parts(&one.path));
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
        answer
    }

    /// Lines of a proposed text as the review was last found, with as much of them as is sent at once.
    pub(crate) fn around(&self, wanted: &ReadAround) -> AroundLines {
        match self.parts(&wanted.path) {
            Some(parts) if parts.content() == wanted.content => AroundLines {
                lines: parts.around(wanted.first, wanted.count.min(MAX_LINES), MAX_LINES_BYTES),
                stale: false,
            },
            _ => AroundLines {
                lines: Vec::new(),
                stale: true,
            },
        }
    }

    /// A notebook as cells: as it was, against what is proposed.
    pub(crate) fn notebook(&self, path: &str) -> Result<Notebook, Failure> {
        let review = self.under_review(path)?;
        Ok(kerf_review::notebook(review.origin(), &review.proposed()))
    }

    /// A file with something to review.
    pub(super) fn under_review(&self, path: &str) -> Result<&FileReview, Failure> {
        let at: Option<RelPath> = path.parse().ok();
        at.and_then(|at| self.files.get(&at))
            .filter(|review| !review.is_settled())
            .ok_or_else(|| no_such_file(path))
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
