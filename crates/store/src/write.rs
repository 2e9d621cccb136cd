//! What can be written, as data.

use crate::{
    NewCheckpoint, Owner, Restoring, checkpoint, ledger, owner, project, review, row::Failed, rule,
    session, transcript, worktree,
};
use kerf_protocol::{
    ProjectId, SessionId, TurnId, UnixMillis, WorktreeId,
    endpoint::{Endpoint, Usage},
    item::{Comment, Item},
    ledger::Traffic,
    policy::Policy,
    rule::{RuleVerdict, TrustPin},
    session::{Session, SessionState, TurnState},
    worktree::Worktree,
};
use sqlx::SqliteConnection;

/// One change of the database. A commit is a list of them: all or none.
#[derive(Debug, Clone)]
pub enum Write {
    /// A session that is new, or all of one that is there. Its project must be known.
    Session(Session),
    /// A worktree that is new, or all of one that is there.
    Worktree(Worktree),
    /// Forgets a worktree of which nothing is left.
    ForgetWorktree(WorktreeId),
    /// How far a session is. Moves it to the front of the lists.
    SessionState {
        /// The session.
        id: SessionId,
        /// How far it is.
        state: SessionState,
        /// When it was added to.
        updated_at: UnixMillis,
    },
    /// Another endpoint, model or policy.
    Configured {
        /// The session.
        id: SessionId,
        /// The endpoint and model.
        endpoint: Endpoint,
        /// The policy.
        policy: Policy,
    },
    /// Takes a project off the list. Opening its folder puts it back.
    UnlistProject(ProjectId),
    /// The map that a session begins with, in a form that is its writer's own. Nothing happens when it has one.
    SessionMap {
        /// The session.
        session_id: SessionId,
        /// The map.
        map: String,
    },
    /// A rule of the user's for a folder. Nothing happens when it is there.
    Rule {
        /// The folder, canonical.
        folder: String,
        /// What it says.
        verdict: RuleVerdict,
        /// As it is written.
        text: String,
        /// When the user gave it.
        made_at: UnixMillis,
    },
    /// Takes a rule back, by its number.
    RevokeRule(i64),
    /// The user's trust in something that a folder brings, in the place of an older one of the same name.
    Trust {
        /// The folder, canonical.
        folder: String,
        /// What was shown.
        pin: TrustPin,
        /// When.
        made_at: UnixMillis,
    },
    /// Takes all trust in a folder back.
    RevokeTrust {
        /// The folder, canonical.
        folder: String,
    },
    /// Another title.
    Title {
        /// The session.
        id: SessionId,
        /// The title.
        title: String,
    },
    /// Puts a session aside, or takes it back.
    Archived {
        /// The session.
        id: SessionId,
        /// Whether it is put aside.
        archived: bool,
    },
    /// Adds to the tokens of a session.
    AddUsage {
        /// The session.
        session_id: SessionId,
        /// What to add.
        usage: Usage,
    },
    /// A turn that is new, or all of one that is there but its items.
    Turn {
        /// The session.
        session_id: SessionId,
        /// The turn.
        turn: TurnHead,
    },
    /// An item that is new, or all of one that is there; that one keeps its place in the turn.
    Item {
        /// The session. The item's turn must be one of its turns.
        session_id: SessionId,
        /// The number of the event that told of it.
        seq: u64,
        /// The item.
        item: Item,
    },
    /// What the review knows of a file; none: nothing any more.
    ReviewFile {
        /// The session.
        session_id: SessionId,
        /// The path in the workspace.
        path: String,
        /// What is known.
        row: Option<ReviewRow>,
    },
    /// A decision of the review. See [`crate::Store::commit_decision`] for one whose number is needed.
    Decision {
        /// The session.
        session_id: SessionId,
        /// Its number, to replace one that is there; none: the next.
        id: Option<i64>,
        /// When it was made.
        created_at: UnixMillis,
        /// The engine's own record of it, JSON.
        payload: String,
    },
    /// Forgets a decision that was taken back. Its number is not given again.
    ForgetDecision {
        /// The session.
        session_id: SessionId,
        /// Its number.
        id: i64,
    },
    /// A checkpoint.
    Checkpoint {
        /// The session.
        session_id: SessionId,
        /// The checkpoint.
        new: NewCheckpoint,
    },
    /// What Kerf did to a file since the session's last checkpoint. Nothing happens when it has none.
    FileChanged {
        /// The session.
        session_id: SessionId,
        /// The file.
        path: String,
        /// The name of what it found; none: nothing was there.
        before: Option<String>,
        /// The name of what it left.
        after: Option<String>,
    },
    /// A restore begins. A session has one at a time.
    BeginRestore {
        /// The session.
        session_id: SessionId,
        /// What is to be done.
        restoring: Restoring,
    },
    /// The restore of a session has ended, and takes its conversation back if it was to.
    EndRestore {
        /// The session.
        session_id: SessionId,
    },
    /// The review of a file that is set aside; none: nothing any more.
    ReviewAside {
        /// The session.
        session_id: SessionId,
        /// The path in the workspace.
        path: String,
        /// What was known.
        row: Option<ReviewRow>,
    },
    /// The commit that the review of a session has seen checked out.
    ReviewHead {
        /// The session.
        session_id: SessionId,
        /// The commit's id in hex.
        head: String,
    },
    /// A comment that waits for the next message.
    Comment {
        /// The session.
        session_id: SessionId,
        /// The comment.
        comment: Comment,
        /// The lines around those that it is about, in a form that is its writer's own; empty: not known.
        around: String,
    },
    /// A comment that waits is now about other line numbers.
    CommentMoved {
        /// The session.
        session_id: SessionId,
        /// Its number; see [`crate::WaitingComment`].
        id: i64,
        /// As it is now.
        comment: Comment,
    },
    /// These comments are in a message now; others wait on.
    CommentsSent {
        /// The session.
        session_id: SessionId,
        /// The comments, as they were read.
        comments: Vec<Comment>,
    },
    /// Records who drives a session, whoever did before. See [`crate::Store::claim`] for the way that asks first.
    Own {
        /// The session.
        session_id: SessionId,
        /// Who.
        owner: Owner,
    },
    /// What went through a command's connection, which has ended.
    Traffic {
        /// Its row in the ledger.
        ledger_id: i64,
        /// What went through.
        traffic: Traffic,
    },
    /// This owner no longer drives the session. Nothing happens when it does not.
    Disown {
        /// The session.
        session_id: SessionId,
        /// Who.
        owner: Owner,
    },
}

/// A turn without its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnHead {
    /// The turn's id.
    pub id: TurnId,
    /// How it ended.
    pub state: TurnState,
    /// When it began.
    pub created_at: UnixMillis,
    /// Its tokens.
    pub usage: Usage,
}

/// What the review knows of a file. The store keeps the engine's own JSON and does not look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRow {
    /// The content that the user has accepted.
    pub origin: String,
    /// The content that the agent proposes.
    pub proposed: String,
    /// Decisions and authors, line by line.
    pub marks: String,
}

/// A decision of the review, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its number. Later decisions have higher numbers; no number is used twice.
    pub id: i64,
    /// When it was made.
    pub created_at: UnixMillis,
    /// The engine's own record of it, JSON.
    pub payload: String,
}

pub(crate) async fn all(conn: &mut SqliteConnection, writes: &[Write]) -> Result<(), Failed> {
    for write in writes {
        one(conn, write).await?;
    }
    Ok(())
}

async fn one(conn: &mut SqliteConnection, write: &Write) -> Result<(), Failed> {
    match write {
        Write::Session(session) => session::put(conn, session).await,
        Write::Worktree(worktree) => worktree::put(conn, worktree).await,
        Write::ForgetWorktree(id) => worktree::delete(conn, *id).await,
        Write::SessionState {
            id,
            state,
            updated_at,
        } => session::set_state(conn, *id, *state, *updated_at).await,
        Write::Configured {
            id,
            endpoint,
            policy,
        } => session::configure(conn, *id, endpoint, *policy).await,
        Write::UnlistProject(id) => project::unlist(conn, *id).await,
        Write::SessionMap { session_id, map } => session::put_map(conn, *session_id, map).await,
        Write::Rule {
            folder,
            verdict,
            text,
            made_at,
        } => rule::put(conn, folder, *verdict, text, *made_at).await,
        Write::RevokeRule(id) => rule::revoke(conn, *id).await,
        Write::Trust {
            folder,
            pin,
            made_at,
        } => rule::put_trust(conn, folder, pin, *made_at).await,
        Write::RevokeTrust { folder } => rule::forget_trust(conn, folder).await,
        Write::Title { id, title } => session::set_title(conn, *id, title).await,
        Write::Archived { id, archived } => session::set_archived(conn, *id, *archived).await,
        Write::AddUsage { session_id, usage } => session::add_usage(conn, *session_id, usage).await,
        Write::Turn { session_id, turn } => transcript::put_turn(conn, *session_id, turn).await,
        Write::Item {
            session_id,
            seq,
            item,
        } => transcript::put_item(conn, *session_id, *seq, item).await,
        Write::ReviewFile {
            session_id,
            path,
            row,
        } => review::put_file(conn, *session_id, path, row.as_ref()).await,
        Write::Decision {
            session_id,
            id: None,
            created_at,
            payload,
        } => review::decide(conn, *session_id, *created_at, payload)
            .await
            .map(drop),
        Write::Decision {
            session_id,
            id: Some(id),
            created_at,
            payload,
        } => review::replace(conn, *session_id, *id, *created_at, payload).await,
        Write::ForgetDecision { session_id, id } => review::forget(conn, *session_id, *id).await,
        Write::Checkpoint { session_id, new } => checkpoint::put(conn, *session_id, new).await,
        Write::FileChanged {
            session_id,
            path,
            before,
            after,
        } => {
            checkpoint::put_change(conn, *session_id, path, before.as_deref(), after.as_deref())
                .await
        }
        Write::BeginRestore {
            session_id,
            restoring,
        } => checkpoint::begin_restore(conn, *session_id, restoring).await,
        Write::EndRestore { session_id } => checkpoint::end_restore(conn, *session_id).await,
        Write::ReviewAside {
            session_id,
            path,
            row,
        } => review::put_aside(conn, *session_id, path, row.as_ref()).await,
        Write::ReviewHead { session_id, head } => review::put_head(conn, *session_id, head).await,
        Write::Comment {
            session_id,
            comment,
            around,
        } => review::put_comment(conn, *session_id, comment, around).await,
        Write::CommentMoved {
            session_id,
            id,
            comment,
        } => review::move_comment(conn, *session_id, *id, comment).await,
        Write::CommentsSent {
            session_id,
            comments,
        } => review::drop_comments(conn, *session_id, comments).await,
        Write::Own { session_id, owner } => owner::own(conn, *session_id, owner).await,
        Write::Traffic { ledger_id, traffic } => {
            ledger::put_traffic(conn, *ledger_id, *traffic).await
        }
        Write::Disown { session_id, owner } => owner::disown(conn, *session_id, owner).await,
    }
}
