//! Requests: what a front can ask of the engine, as one table.
//!
//! The table makes [`Request`] (how a request travels), [`Method`] (its parameters and its answer as types)
//! and the TypeScript map, so that no front can drift from another.

use crate::{
    Failure, QuestionId, SessionId,
    attempt::{
        Checked, Comparison, RunCheck, StartAttempts, StartedAttempts, TakeAttempts, TakePreview,
        TakenAttempts, TaskRef, TriedAttempts, TryAttempts,
    },
    checkpoint::{CheckpointRef, Checkpoints, Restore, RestorePreview, Restored},
    desk::{AroundLines, EditHunk, FileRef, Notebook, Pictures, ReadAround},
    endpoint::{AddEndpoint, AddedEndpoint, Discovered, Endpoint, EndpointRef, ModelInfo, Preset},
    event::Event,
    git::{
        BlameLines, BranchRef, ChangeDiff, ChangeRef, CommitPage, CommitStaged, DeletedBranch,
        DraftMessage, DraftedMessage, GitBranch as Branch, GitStash as Stash, GitStashed,
        LineBlame, ReadLog, SaveStash, StageChange, StagedCommitted, SwitchBranch, SwitchedBranch,
        TakeStash, WorkingChanges,
        command::{AnswerGit, GitPreview as GitPlanned, GitRun as RunningGit, PreviewGit, RunGit},
        conflict::{ConflictRef, FileConflict, ResolveConflict},
        pull_request::{DraftPull, DraftedPull, FindPullTarget, OpenPull, OpenedPull, PullTarget},
    },
    item::{Comment, Image},
    ledger::{
        LedgerBody, LedgerProof, LedgerRef, LedgerRow, LedgerTotal, ListLedger, TotalLedger,
        VerifyLedger,
    },
    policy::{Answer, Isolation, Policy},
    project::{
        CommitReview, Committed, OpenProject, OpenedProject, Project, ProjectRef, RepoStatus,
    },
    review::{Decided, Decision, HunkParts, Outline, Review, Target},
    room::Collected,
    rule::{RuleList, RuleRef, SetTrust, TestRules, TestedCommand, Trust, TrustShown},
    scope::{
        OutlineReview, PlacedComment, ReadHunks, RunAgain, ScopedReview, ShowScope, TaskCheck,
    },
    search::{
        FileLines, IndexStatus as Status, ListLeftOut, ReadLines, Search, SearchAnswer, SkippedFile,
    },
    session::{Attached, Session, SessionHit, Transcript},
    settings::{AppSettings, DataUse},
    worktree::{
        ListWorktrees, ListedWorktree, RemoveWorktree, WorkspaceKind, Worktree, WorktreeRef,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A request's name with the types that belong to it.
pub trait Method {
    /// The name on the wire.
    const NAME: &'static str;
    /// What it takes.
    type Params: Serialize + DeserializeOwned + Send + 'static;
    /// What it answers.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
}

/// The parameters of a method, on their way to become a [`Request`].
#[derive(Debug)]
pub struct Call<M: Method>(pub M::Params);

macro_rules! requests {
    ($($(#[$doc:meta])* $name:literal $variant:ident($params:ty) -> $answer:ty;)*) => {
        /// A request as it travels: `{"method": …, "params": …}`.
        #[derive(Debug, Clone, Serialize, Deserialize, ts_rs::TS)]
        #[serde(tag = "method", content = "params")]
        #[ts(export)]
        pub enum Request {
            $($(#[$doc])* #[serde(rename = $name)] $variant($params),)*
        }

        $(impl From<Call<method::$variant>> for Request {
            fn from(call: Call<method::$variant>) -> Self {
                Self::$variant(call.0)
            }
        })*

        /// The answer that belongs to each request, by name; for the generated TypeScript.
        #[derive(Debug, Serialize, Deserialize, ts_rs::TS)]
        #[ts(export)]
        pub struct Answers {
            $($(#[$doc])* #[serde(rename = $name)] pub $variant: $answer,)*
        }

        /// The methods as types.
        pub mod method {
            use super::*;
            $($(#[$doc])* #[derive(Debug)] pub struct $variant;
            impl Method for $variant {
                const NAME: &'static str = $name;
                type Params = $params;
                type Answer = $answer;
            })*
        }

        /// Every method's name, in the order of the table.
        pub const METHODS: &[&str] = &[$($name),*];
    };
}

#[expect(
    non_snake_case,
    reason = "the fields of `Answers` are named after the variants of `Request`"
)]
mod table {
    use super::*;

    requests! {
        /// Begins a session in a folder; the first message comes by `session/prompt`.
        "session/new" SessionNew(NewSession) -> Session;
        /// Sends a message: starts a turn, or joins the running one.
        "session/prompt" SessionPrompt(Prompt) -> Prompted;
        /// Stops the running turn.
        "session/cancel" SessionCancel(SessionRef) -> Nothing;
        /// Answers a question.
        "session/answer" SessionAnswer(AnswerParams) -> Nothing;
        /// The events of a session after a sequence number, as far as they are still held.
        "session/events" SessionEvents(Since) -> Vec<Event>;
        /// A session as it is now, for a window that follows its events from here on.
        "session/attach" SessionAttach(SessionRef) -> Attached;
        /// Changes endpoint, model or policy of a session, from its next turn on.
        "session/configure" SessionConfigure(ConfigureSession) -> Session;
        /// A session with its turns and items.
        "session/show" SessionShow(SessionRef) -> Transcript;
        /// Sessions, newest first.
        "session/list" SessionList(ListSessions) -> Vec<Session>;
        /// Full-text search in what was said and done, best first.
        "session/search" SessionSearch(SearchSessions) -> Vec<SessionHit>;
        /// Gives a session another title.
        "session/rename" SessionRename(Rename) -> Nothing;
        /// Puts a session aside, or takes it back.
        "session/archive" SessionArchive(Archive) -> Nothing;
        /// Deletes a session and its items. The ledger keeps its rows.
        "session/delete" SessionDelete(SessionRef) -> Nothing;
        /// Adds an exported session under a new id.
        "session/import" SessionImport(Transcript) -> Session;
        /// The review of a session, from the files as they are now.
        "review/show" ReviewShow(SessionRef) -> Review;
        /// The same without the texts, and of the files only those that are not as the asker knows them.
        "review/outline" ReviewOutline(OutlineReview) -> Outline;
        /// What differs in a scope: of the session's turn, or against a commit.
        "review/scope" ReviewScope(ShowScope) -> ScopedReview;
        /// The commands that say whether the changes are right, those that are known to check first, the newest first.
        "review/checks" ReviewChecks(SessionRef) -> Vec<TaskCheck>;
        /// Runs one of these commands again, as the user's own, in the session's workspace and under its policy.
        "review/check" ReviewCheck(RunAgain) -> Checked;
        /// The comments that wait for the next message, oldest first, where their lines are now.
        "review/comments" ReviewComments(SessionRef) -> Vec<PlacedComment>;
        /// Lines of some hunks of the review.
        "review/lines" ReviewLines(ReadHunks) -> HunkParts;
        /// Accepts or rejects.
        "review/decide" ReviewDecide(Decide) -> Decided;
        /// Accepts a hunk with the user's own lines in the place of those that it adds.
        "review/edit" ReviewEdit(EditHunk) -> Decided;
        /// Lines of the proposed text around the hunks.
        "review/around" ReviewAround(ReadAround) -> AroundLines;
        /// The picture that a file under review was and is proposed to be.
        "review/pictures" ReviewPictures(FileRef) -> Pictures;
        /// A notebook under review as cells.
        "review/notebook" ReviewNotebook(FileRef) -> Notebook;
        /// Takes the session's last decision back.
        "review/undo" ReviewUndo(SessionRef) -> Decided;
        /// Adds a comment that goes to the agent with the next message.
        "review/comment" ReviewComment(AddComment) -> Nothing;
        /// Commits the accepted changes of a session, and nothing else.
        "review/commit" ReviewCommit(CommitReview) -> Committed;
        /// The checkpoints of a session, oldest first.
        "checkpoint/list" CheckpointList(SessionRef) -> Checkpoints;
        /// What restoring a checkpoint would do. Nothing is changed.
        "checkpoint/preview" CheckpointPreview(CheckpointRef) -> RestorePreview;
        /// Brings files, the conversation or both back to a checkpoint. A checkpoint of what is there is taken first.
        "checkpoint/restore" CheckpointRestore(Restore) -> Restored;
        /// Begins several attempts of one request, each in a worktree of its own.
        "attempts/start" AttemptsStart(StartAttempts) -> StartedAttempts;
        /// The attempts of a task beside each other.
        "attempts/compare" AttemptsCompare(TaskRef) -> Comparison;
        /// What taking parts of attempts would make of the user's files, and what keeps it from being done.
        "attempts/preview" AttemptsPreview(TakeAttempts) -> TakePreview;
        /// Runs checks on what the user's folder would become, in a worktree that is there for that alone. Nothing is taken.
        "attempts/try" AttemptsTry(TryAttempts) -> TriedAttempts;
        /// Takes parts of attempts into the user's folder: all that was picked, or nothing.
        "attempts/take" AttemptsTake(TakeAttempts) -> TakenAttempts;
        /// Runs a command that an attempt ran as a check in the user's folder, in the sandbox.
        "attempts/check" AttemptsCheck(RunCheck) -> Checked;
        /// Stops the check that runs for a task, wherever it does.
        "attempts/stop_check" AttemptsStopCheck(TaskRef) -> Nothing;
        /// The worktrees that Kerf made, with what is in each and nowhere else.
        "worktree/list" WorktreeList(ListWorktrees) -> Vec<ListedWorktree>;
        /// Removes a worktree: all of it goes to the archive first.
        "worktree/remove" WorktreeRemove(RemoveWorktree) -> Worktree;
        /// Brings a removed worktree back.
        "worktree/restore" WorktreeRestore(WorktreeRef) -> Worktree;
        /// What is not committed in a folder's repository, staged and unstaged apart. Looking writes nothing.
        "git/status" GitStatus(Folder) -> WorkingChanges;
        /// How one file differs, in hunks.
        "git/diff" GitDiff(ChangeRef) -> ChangeDiff;
        /// Stages or unstages files, or hunks of one; answers what is then not committed.
        "git/stage" GitStage(StageChange) -> WorkingChanges;
        /// Commits what is staged.
        "git/commit" GitCommit(CommitStaged) -> StagedCommitted;
        /// The branches, local ones first, newest first.
        "git/branches" GitBranches(Folder) -> Vec<Branch>;
        /// Switches to a branch, or refuses with the files that would lose something.
        "git/switch" GitSwitch(SwitchBranch) -> SwitchedBranch;
        /// Deletes a branch that is merged.
        "git/delete_branch" GitDeleteBranch(BranchRef) -> DeletedBranch;
        /// The stashes, newest first.
        "git/stashes" GitStashes(Folder) -> Vec<Stash>;
        /// Puts away what is not committed.
        "git/stash" GitStash(SaveStash) -> GitStashed;
        /// Takes a stash out, or refuses and keeps it.
        "git/unstash" GitUnstash(TakeStash) -> GitStashed;
        /// Commits, newest first, page by page; of one path too.
        "git/log" GitLog(ReadLog) -> CommitPage;
        /// Who last changed lines of a file, as it is on disk.
        "git/blame" GitBlame(BlameLines) -> Vec<LineBlame>;
        /// Lets the model propose a message for what is staged. It goes to the endpoint, with secrets concealed.
        "git/draft_message" GitDraftMessage(DraftMessage) -> DraftedMessage;
        /// The command of git's that an act is, and what it would do. Nothing runs.
        "git/preview" GitPreview(PreviewGit) -> GitPlanned;
        /// Begins a command that the user saw.
        "git/run" GitRun(RunGit) -> RunningGit;
        /// The git command that runs in a folder's repository, or the last one.
        "git/running" GitRunning(Folder) -> Option<RunningGit>;
        /// Answers what a git command asks, or stops it.
        "git/answer" GitAnswer(AnswerGit) -> Nothing;
        /// The versions of a file in conflict.
        "git/conflict" GitConflict(ConflictRef) -> FileConflict;
        /// Ends a conflict in a file and stages it, or puts the conflict back.
        "git/resolve" GitResolve(ResolveConflict) -> WorkingChanges;
        /// Where a pull request of the branch would go.
        "git/pull_target" GitPullTarget(FindPullTarget) -> PullTarget;
        /// Lets the model propose title and text of a pull request. It goes to the endpoint, with secrets concealed.
        "git/draft_pull" GitDraftPull(DraftPull) -> DraftedPull;
        /// Opens a pull request as a draft at the host that is named.
        "git/open_pull" GitOpenPull(OpenPull) -> OpenedPull;
        /// The folders that were opened, the last one first.
        "project/list" ProjectList(Nothing) -> Vec<Project>;
        /// Opens a folder.
        "project/open" ProjectOpen(OpenProject) -> OpenedProject;
        /// Takes a project off the list. Its folder and its sessions stay.
        "project/remove" ProjectRemove(ProjectRef) -> Nothing;
        /// What the folder's repository says.
        "project/status" ProjectStatus(Folder) -> RepoStatus;
        /// Lines of a file of a folder.
        "project/read" ProjectRead(ReadLines) -> FileLines;
        /// Searches a folder.
        "search/run" SearchRun(Search) -> SearchAnswer;
        /// How the index of a folder stands. The folder is watched and indexed from then on.
        "index/status" IndexStatus(Folder) -> Status;
        /// Forgets the index of a folder and builds it anew.
        "index/rebuild" IndexRebuild(Folder) -> Nothing;
        /// Stops building until the folder is opened again or rebuilt. Searches read the files meanwhile.
        "index/stop" IndexStop(Folder) -> Nothing;
        /// The files that are not in the index, each with its reason, by path.
        "index/left_out" IndexLeftOut(ListLeftOut) -> Vec<SkippedFile>;
        /// The configured endpoints, and the one from the environment.
        "endpoint/list" EndpointList(Nothing) -> Vec<Endpoint>;
        /// Local servers on their default ports, loopback only.
        "endpoint/discover" EndpointDiscover(Nothing) -> Vec<Discovered>;
        /// The well-known endpoints.
        "endpoint/presets" EndpointPresets(Nothing) -> Vec<Preset>;
        /// Writes an endpoint to the configuration and its key to the keyring.
        "endpoint/add" EndpointAdd(AddEndpoint) -> AddedEndpoint;
        /// Takes an endpoint out of the configuration and its key out of the keyring.
        "endpoint/remove" EndpointRemove(EndpointRef) -> Nothing;
        /// The endpoint that a new session uses when none is named.
        "endpoint/chosen" EndpointChosen(Nothing) -> Endpoint;
        /// Makes a configured endpoint the default.
        "endpoint/default" EndpointDefault(EndpointRef) -> Nothing;
        /// Asks an endpoint for its models.
        "endpoint/models" EndpointModels(EndpointRef) -> Vec<ModelInfo>;
        /// The ledger's rows, newest first.
        "ledger/list" LedgerList(ListLedger) -> Vec<LedgerRow>;
        /// A row of the ledger with the body that was sent.
        "ledger/show" LedgerShow(LedgerRef) -> LedgerBody;
        /// The ledger added up by file, session or day, what was last sent first.
        "ledger/totals" LedgerTotals(TotalLedger) -> Vec<LedgerTotal>;
        /// Recomputes the whole chain.
        "ledger/verify" LedgerVerify(VerifyLedger) -> LedgerProof;
        /// The rules that count in a folder, and those of the project that wait for the user's trust.
        "rules/list" RulesList(Folder) -> RuleList;
        /// What the rules of a folder say about a command, or about those that its sessions ran.
        "rules/test" RulesTest(TestRules) -> Vec<TestedCommand>;
        /// Takes a rule back that was given by an answer.
        "rules/revoke" RulesRevoke(RuleRef) -> Nothing;
        /// What of a project counts only with the user's trust, whole.
        "trust/show" TrustShow(Folder) -> TrustShown;
        /// Trusts what was shown. Fails when it is another by now.
        "trust/set" TrustSet(SetTrust) -> Nothing;
        /// Takes the trust in a folder back, all of it.
        "trust/revoke" TrustRevoke(Folder) -> Nothing;
        /// What the user trusts, of all folders.
        "trust/list" TrustList(Nothing) -> Vec<Trust>;
        /// The settings.
        "settings/show" SettingsShow(Nothing) -> AppSettings;
        /// Writes the settings.
        "settings/change" SettingsChange(AppSettings) -> Nothing;
        /// Where Kerf's data is and how much there is of it.
        "data/show" DataShow(Nothing) -> DataUse;
        /// Brings checkpoints within their room: gives up the oldest, and frees what nothing needs.
        "data/collect" DataCollect(Nothing) -> Collected;
        /// What works here and what does not, and why.
        "doctor" Doctor(Examine) -> Vec<Check>;
    }
}

pub use table::{Answers, METHODS, Request, method};

/// No parameters, or no answer but success.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Nothing {}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Folder {
    /// Its path.
    pub folder: String,
}

/// A session by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SessionRef {
    /// The session.
    pub session_id: SessionId,
}

/// See `session/new`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct NewSession {
    /// The folder to work in.
    pub folder: String,
    /// The endpoint's name; none: the environment's, else the configured default, else a local server, else practice.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The model; none: the endpoint's own.
    #[serde(default)]
    pub model: Option<String>,
    /// The policy.
    #[serde(default)]
    pub policy: Policy,
    /// Where its files are.
    #[serde(default)]
    #[ts(as = "Option<WorkspaceKind>", optional)]
    pub workspace: WorkspaceKind,
}

/// See `session/prompt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Prompt {
    /// The session.
    pub session_id: SessionId,
    /// The message.
    pub text: String,
    /// Pictures that go with it.
    #[serde(default)]
    pub images: Vec<Image>,
    /// What to do when a turn is running.
    #[serde(default)]
    pub when_running: WhenRunning,
}

/// What a message does to a running turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WhenRunning {
    /// It is read after the current action.
    #[default]
    Queue,
    /// The current action is stopped and the message is read at once.
    Interrupt,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Prompted {
    /// It started a turn.
    Started,
    /// It waits for the current action to end.
    Queued,
}

/// See `session/answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct AnswerParams {
    /// The session.
    pub session_id: SessionId,
    /// The question.
    pub question_id: QuestionId,
    /// The answer.
    pub answer: Answer,
}

/// See `session/events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Since {
    /// The session.
    pub session_id: SessionId,
    /// The last sequence number that is known; 0 for all.
    #[ts(type = "number")]
    pub seq: u64,
}

/// See `session/configure`. What is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ConfigureSession {
    /// The session.
    pub session_id: SessionId,
    /// The endpoint's name.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The model.
    #[serde(default)]
    pub model: Option<String>,
    /// The policy.
    #[serde(default)]
    pub policy: Option<Policy>,
}

/// See `session/list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ListSessions {
    /// Only those of this folder.
    #[serde(default)]
    pub folder: Option<String>,
    /// Archived ones too.
    #[serde(default)]
    pub archived: bool,
    /// At most so many; none: all.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// See `session/search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SearchSessions {
    /// The words.
    pub query: String,
    /// Only in sessions of this folder.
    #[serde(default)]
    pub folder: Option<String>,
    /// At most so many hits.
    pub limit: u32,
}

/// See `session/rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Rename {
    /// The session.
    pub session_id: SessionId,
    /// The title.
    pub title: String,
}

/// See `session/archive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Archive {
    /// The session.
    pub session_id: SessionId,
    /// Whether it is put aside.
    pub archived: bool,
}

/// See `review/decide`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Decide {
    /// The session.
    pub session_id: SessionId,
    /// The decision.
    pub decision: Decision,
    /// What it is about.
    pub target: Target,
}

/// See `review/comment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct AddComment {
    /// The session.
    pub session_id: SessionId,
    /// The comment.
    pub comment: Comment,
}

/// See `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Examine {
    /// The folder that is worked in.
    pub folder: String,
    /// Whether the whole database is read to look for damage, which takes as long as its size asks for.
    #[serde(default)]
    pub deep: bool,
}

/// How a check of `doctor` came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CheckState {
    /// It works.
    Ok,
    /// It works in part, or is not needed now.
    Warning,
    /// It does not work.
    Failed,
}

/// A check of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How it came out.
    pub state: CheckState,
    /// What was found.
    pub detail: String,
    /// What the user can do, if anything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The isolation, for the check of the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
}

/// How an answer travels: the method's own answer, or a failure.
pub type Reply<T> = Result<T, Failure>;
