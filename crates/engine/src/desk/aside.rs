//! Hunks that somebody took off the disk and may bring back: a stash, another branch, an undo in an editor.
//!
//! Such an edit is not the agent's, and neither is the one that brings the lines back. Without memory the second would be
//! taken for the user's own work, and the agent's change would be in the folder without ever having been reviewed. So
//! the review is set aside as it was, and taken up again once all of its hunks are on disk as they were.

use super::Desk;
use kerf_protocol::{Failure, review::Author};
use kerf_review::{Content, FileReview};
use kerf_store::Write;
use kerf_workspace::RelPath;

impl Desk {
    /// Lets `author`'s edit into the review of a file.
    pub(super) fn let_in(
        &mut self,
        path: &RelPath,
        now: Content,
        author: Author,
    ) -> Result<Vec<Write>, Failure> {
        let Some(review) = self.files.get_mut(path) else {
            return Ok(Vec::new());
        };
        if author != Author::User {
            review.observe(now, author);
            return Ok(self.drop_aside(path).into_iter().collect());
        }
        let before = (!review.is_settled()).then(|| review.clone());
        review.observe(now, author);
        if let Some(aside) = self.aside.get(path)
            && review.take_up(aside)
        {
            return Ok(self.drop_aside(path).into_iter().collect());
        }
        match before {
            Some(before) if review.has_lost(&before) => {
                let row = self.row_of(&before)?;
                self.aside.insert(path.clone(), before);
                Ok(vec![Write::ReviewAside {
                    session_id: self.session_id,
                    path: path.to_string(),
                    row: Some(row),
                }])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Forgets what is set aside of a file: somebody has decided since, or the agent went on.
    pub(super) fn drop_aside(&mut self, path: &RelPath) -> Option<Write> {
        self.aside
            .remove(path)
            .map(|_: FileReview| Write::ReviewAside {
                session_id: self.session_id,
                path: path.to_string(),
                row: None,
            })
    }
}
