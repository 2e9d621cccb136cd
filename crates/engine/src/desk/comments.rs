//! Where the lines are that comments are about.

use super::Desk;
use kerf_protocol::Failure;
use kerf_protocol::{item::Comment, review::Author, scope::PlacedComment};
use kerf_review::{Around, Commented, FileReview};
use kerf_store::{WaitingComment, Write};
use kerf_workspace::RelPath;
use std::collections::HashMap;

impl Desk {
    /// What stands around lines that are about to be commented, as it is kept with the comment.
    pub(crate) fn surroundings(
        &mut self,
        comment: &Comment,
    ) -> Result<(String, Vec<Write>), Failure> {
        let writes = self.sync(Author::User)?;
        let around = self
            .reviewed(&comment.path)
            .map(|review| review.around(commented(comment)))
            .unwrap_or_default();
        // It is lines of text: there is nothing that could not be written.
        Ok((serde_json::to_string(&around).unwrap_or_default(), writes))
    }

    /// Finds the lines of comments that wait.
    pub(crate) fn place(
        &mut self,
        waiting: &[WaitingComment],
    ) -> Result<(Vec<PlacedComment>, Vec<Write>), Failure> {
        let writes = self.sync(Author::User)?;
        let mut reviews: HashMap<&str, Option<FileReview>> = HashMap::new();
        let mut placed = Vec::with_capacity(waiting.len());
        for one in waiting {
            let comment = &one.comment;
            let review = reviews
                .entry(&comment.path)
                .or_insert_with(|| self.reviewed(&comment.path));
            let around: Around = serde_json::from_str(&one.around).unwrap_or_default();
            let found = review
                .as_ref()
                .and_then(|review| review.find_commented(commented(comment), &around));
            let mut comment = comment.clone();
            if let Some((first, last)) = found {
                (comment.first_line, comment.last_line) = (first, last);
            }
            placed.push(PlacedComment {
                comment,
                gone: found.is_none(),
            });
        }
        Ok((placed, writes))
    }

    /// A file as it is reviewed, or as it is on disk.
    fn reviewed(&self, path: &str) -> Option<FileReview> {
        let path: RelPath = path.parse().ok()?;
        if let Some(review) = self.files.get(&path) {
            return Some(review.clone());
        }
        self.content(&path).ok().map(FileReview::new)
    }
}

fn commented(comment: &Comment) -> Commented<'_> {
    Commented {
        first: comment.first_line,
        last: comment.last_line,
        excerpt: &comment.excerpt,
    }
}
