//! What became of decisions and comments after a commit, a stash, a rebase, another branch, a restart: stories with git
//! itself, in a folder under review.

use crate::kit::Bench;
use kerf_engine::Engine;
use kerf_protocol::{
    SessionId,
    item::Comment,
    request::{AddComment, Decide, SessionRef, method},
    review::{Decision, HunkState, Target},
    scope::PlacedComment,
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;
use std::process::Command;

const TREE: &str =
    "//- /a.txt\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n//- /b.txt\nb\n";

/// The agent changes two lines of `a.txt`, far from each other: hunks 1 and 2.
fn agent() -> Turn {
    let edits = json!([{"old": "two\n", "new": "TWO\n"}, {"old": "nine\n", "new": "NINE\n"}]);
    Turn::call("edit_file", json!({"path": "a.txt", "edits": edits}))
}

#[derive(Debug, Clone, Copy)]
enum Do {
    /// The user's git, its words apart by spaces.
    Git(&'static str),
    /// The user's editor: this in the place of that.
    Edit(&'static str, &'static str),
    Accept(u32),
    Reject(u32),
    /// Kerf's own commit.
    Commit,
    /// Kerf is not running.
    Close,
    /// Kerf runs again.
    Open,
}
use Do::{Accept, Close, Commit, Edit, Git, Open, Reject};

struct Story {
    bench: Bench,
    engine: Option<Engine>,
    id: SessionId,
}

impl Story {
    async fn new() -> Self {
        let bench = Bench::new(TREE, [agent()]);
        let bench = Bench {
            fixture: bench.fixture.git(),
            ..bench
        };
        let engine = bench.engine().await;
        let id = bench.talked(&engine).await;
        Self {
            bench,
            engine: Some(engine),
            id,
        }
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
    fn git(&self, words: &str) {
        let done = Command::new("git")
            .args(["-c", "core.editor=true"])
            .args(words.split(' '))
            .current_dir(self.bench.fixture.path())
            .env_remove("GIT_DIR")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {words}: {said}");
    }

    async fn decide(&self, decision: Decision, hunk: u32) {
        let target = Target::Hunk {
            path: "a.txt".to_owned(),
            hunk,
            id: None,
        };
        let decide = Decide {
            session_id: self.id,
            decision,
            target,
        };
        let done = self.engine().call::<method::ReviewDecide>(decide).await;
        assert_eq!(done.unwrap().hunks, 1);
    }

    async fn take(&mut self, step: Do) {
        match step {
            Git(words) => self.git(words),
            Edit(old, new) => {
                let text = self.bench.fixture.read("a.txt");
                assert!(text.contains(old), "{old:?} in {text:?}");
                self.bench.fixture.write("a.txt", text.replace(old, new));
            }
            Accept(hunk) => self.decide(Decision::Accept, hunk).await,
            Reject(hunk) => self.decide(Decision::Reject, hunk).await,
            Commit => {
                let commit = kerf_protocol::project::CommitReview {
                    session_id: self.id,
                    message: "by Kerf".to_owned(),
                };
                let done = self.engine().call::<method::ReviewCommit>(commit).await;
                done.unwrap();
            }
            Close => drop(self.engine.take()),
            Open => {
                let engine = self.bench.engine().await;
                crate::kit::opened(&engine, self.id).await;
                self.engine = Some(engine);
            }
        }
    }

    /// The hunks: what each took away and put in, and its state.
    async fn review(&self) -> String {
        let session_id = self.id;
        let show = SessionRef { session_id };
        let review = self
            .engine()
            .call::<method::ReviewShow>(show)
            .await
            .unwrap();
        let hunks = review.files.iter().flat_map(|file| &file.hunks);
        let words = hunks.map(|hunk| {
            let changed = hunk
                .lines
                .iter()
                .filter(|line| line.kind != kerf_protocol::review::LineKind::Context);
            let texts: Vec<&str> = changed.map(|line| line.text.as_str()).collect();
            let state = match hunk.state {
                HunkState::Pending => "?",
                HunkState::Accepted => "+",
                HunkState::Rejected => "-",
            };
            format!("{}{state}", texts.join("/"))
        });
        words.collect::<Vec<_>>().join(" ")
    }

    async fn comments(&self) -> Vec<PlacedComment> {
        let session_id = self.id;
        let found = self
            .engine()
            .call::<method::ReviewComments>(SessionRef { session_id })
            .await;
        found.unwrap()
    }
}

/// `looks`: whether the review is looked at after each step, as the window does, or only at the end.
#[rstest]
#[case::nothing_happens(&[], "two/TWO? nine/NINE?")]
#[case::git_commits_all(&[Git("commit -qam x")], "")]
#[case::git_commits_what_is_accepted_too(&[Accept(1), Git("commit -qam x")], "")]
#[case::git_commits_another_file(
    &[Git("rm -q b.txt"), Git("commit -qm x")],
    "two/TWO? nine/NINE?"
)]
#[case::rejected_before_the_commit(&[Reject(2), Git("commit -qam x")], "nine/NINE-")]
#[case::kerf_commits_what_is_accepted(&[Accept(1), Commit], "nine/NINE?")]
#[case::kerf_commits_and_git_the_rest(&[Accept(1), Commit, Git("commit -qam x")], "")]
#[case::amended(
    &[Accept(1), Commit, Git("commit -qa --amend -m x")],
    ""
)]
#[case::edited_after_the_commit(&[Git("commit -qam x"), Edit("NINE", "9")], "")]
#[case::edited_before_the_commit(&[Edit("NINE", "9"), Git("commit -qam x")], "")]
#[case::taken_back_by_the_user(&[Git("checkout -q -- a.txt")], "")]
#[case::put_away(&[Accept(1), Git("stash -q")], "")]
#[case::put_away_and_taken_out(
    &[Accept(1), Git("stash -q"), Git("stash pop -q")],
    "two/TWO+ nine/NINE?"
)]
#[case::put_away_over_a_restart(
    &[Accept(1), Git("stash -q"), Close, Open, Git("stash pop -q"), Close, Open],
    "two/TWO+ nine/NINE?"
)]
#[case::put_away_twice(
    &[Git("stash -q"), Git("stash pop -q"), Accept(2), Git("stash -q"), Git("stash pop -q")],
    "two/TWO? nine/NINE+"
)]
#[case::another_branch(&[Accept(1), Git("checkout -q -b topic")], "two/TWO+ nine/NINE?")]
#[case::another_branch_and_back(
    &[Git("branch old"), Git("checkout -q -b topic"), Git("stash -q"), Git("checkout -q old"),
        Git("checkout -q topic"), Git("stash pop -q")],
    "two/TWO? nine/NINE?"
)]
#[case::committed_on_another_branch(
    &[Git("checkout -q -b topic"), Git("commit -qam x"), Git("checkout -q main")],
    ""
)]
#[case::rebased_with_what_waits(
    &[Accept(1), Git("checkout -q -b topic"), Git("commit -q --allow-empty -m y"),
        Git("stash -q"), Git("checkout -q main"), Edit("five", "FIVE"), Git("commit -qam x"),
        Git("checkout -q topic"), Git("stash pop -q"), Git("rebase -q --autostash main")],
    "two/TWO+ nine/NINE?"
)]
#[case::rebased_after_the_commit(
    &[Git("checkout -q -b topic"), Git("commit -qam y"), Git("checkout -q main"),
        Edit("five", "FIVE"), Git("commit -qam x"), Git("checkout -q topic"),
        Git("rebase -q main")],
    ""
)]
#[case::committed_while_kerf_was_closed(&[Accept(1), Close, Git("commit -qam x"), Open], "")]
#[case::edited_while_kerf_was_closed(
    &[Accept(1), Close, Edit("five", "FIVE"), Open],
    "two/TWO+ nine/NINE?"
)]
#[tokio::test]
async fn a_decision_lasts_as_long_as_its_lines(
    #[case] steps: &'static [Do],
    #[case] left: &str,
    #[values(true, false)] looks: bool,
) {
    let mut story = Story::new().await;
    for step in steps {
        story.take(*step).await;
        if looks && story.engine.is_some() {
            story.review().await;
        }
    }
    assert_eq!(story.review().await, left);
    // Looking changes nothing, and neither does a restart.
    assert_eq!(story.review().await, left);
    story.take(Close).await;
    story.take(Open).await;
    assert_eq!(story.review().await, left);
}

#[rstest]
#[case::nothing(&[], Some((9, 9)))]
#[case::lines_above(&[Edit("one\n", "zero\none\n")], Some((10, 10)))]
#[case::committed(&[Git("commit -qam x")], Some((9, 9)))]
#[case::put_away(&[Git("stash -q")], None)]
#[case::put_away_and_taken_out(&[Git("stash -q"), Git("stash pop -q")], Some((9, 9)))]
#[case::over_a_restart(&[Close, Edit("one\n", ""), Open], Some((8, 8)))]
#[case::changed(&[Edit("NINE", "9")], None)]
#[case::the_file_is_gone(&[Git("rm -qf a.txt")], None)]
#[tokio::test]
async fn a_comment_goes_with_its_lines_and_says_when_they_are_gone(
    #[case] steps: &'static [Do],
    #[case] place: Option<(u32, u32)>,
) {
    let mut story = Story::new().await;
    let comment = Comment {
        path: "a.txt".to_owned(),
        first_line: 9,
        last_line: 9,
        excerpt: "NINE".to_owned(),
        text: "why?".to_owned(),
    };
    let add = AddComment {
        session_id: story.id,
        comment: comment.clone(),
    };
    let added = story.engine().call::<method::ReviewComment>(add).await;
    added.unwrap();
    for step in steps {
        story.take(*step).await;
        if story.engine.is_some() {
            story.comments().await;
        }
    }
    let found = story.comments().await;
    let (first_line, last_line) = place.unwrap_or((9, 9));
    let expected = PlacedComment {
        comment: Comment {
            first_line,
            last_line,
            ..comment
        },
        gone: place.is_none(),
    };
    assert_eq!(found, std::slice::from_ref(&expected));
    // It goes to the model with the numbers of now, once.
    crate::kit::prompt(story.engine(), story.id, "go on")
        .await
        .unwrap();
    story.engine().idle(story.id).await.unwrap();
    let asked = story.bench.server.requests().pop().unwrap();
    let text = asked.seen().last_user_text().unwrap().to_owned();
    assert!(text.contains("why?"), "{text}");
    assert_eq!(story.comments().await, []);
    let turns = crate::kit::show(story.engine(), story.id).await.turns;
    let sent = turns.into_iter().flat_map(|turn| turn.items);
    let sent: Vec<Comment> = sent
        .filter_map(|item| match item.body {
            kerf_protocol::item::ItemBody::UserMessage { comments, .. } => Some(comments),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(sent, [expected.comment]);
}
