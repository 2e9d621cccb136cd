//! The requests about a folder's repository: what is not committed, commits, branches, stashes, history.
//!
//! All of it is the user's own work, by the library: no program runs, and nothing that moves files happens while a
//! turn runs in the folder, because the agent would be told of changes that it did not make in the middle of a step.

mod askpass;
mod command;
mod conflict;
mod draft;
mod moving;
mod pull_request;

pub(crate) use askpass::run_if_asked;
pub(crate) use command::Commands;
pub(crate) use moving::{Holder, Moving};

use crate::{
    engine::{Engine, canonical_folder},
    failure::{failure, from_panic},
    projects::from_git,
};
use kerf_git::{Change, Changed, Chosen, FileDiff, GitError, LogCursor, Repo, Side};
use kerf_protocol::{
    Code, Failure,
    git::{
        BlameLines, BranchRef, ChangeDiff, ChangeHunk, ChangeRef, ChangedHow, ChangedPath,
        CommitCursor, CommitPage, CommitStaged, DeletedBranch, GitBranch, GitCommit, GitStash,
        GitStashed, LineBlame, ReadLog, SaveStash, StageChange, StageSide, StagedCommitted,
        SwitchBranch, SwitchedBranch, TakeStash, WorkingChanges,
    },
    request::Folder,
    review::{HunkLine, LineKind},
};
use std::path::{Path, PathBuf};

/// So many files are listed on each side.
const MAX_LISTED: usize = 2_000;
const MAX_LOG: u32 = 200;
const MAX_BLAMED: u32 = 2_000;

impl Engine {
    pub(crate) async fn git_status(
        &self,
        Folder { folder }: Folder,
    ) -> Result<WorkingChanges, Failure> {
        let folder = whole_folder(&folder)?;
        blocking(move || {
            Repo::discover(&folder)?
                .map_or_else(|| Ok(WorkingChanges::default()), |repo| changes(&repo))
        })
        .await
    }

    pub(crate) async fn git_diff(
        &self,
        ChangeRef {
            folder,
            path,
            from,
            side,
        }: ChangeRef,
    ) -> Result<ChangeDiff, Failure> {
        self.in_repo(&folder, move |repo| {
            let (path, side) = (Path::new(&path), side_of(side));
            match from {
                Some(from) => repo.diff_renamed(path, Path::new(&from), side),
                None => repo.diff(path, side),
            }
            .map(shown_diff)
        })
        .await
    }

    pub(crate) async fn git_stage(&self, stage: StageChange) -> Result<WorkingChanges, Failure> {
        let StageChange {
            folder,
            paths,
            from,
            hunks,
        } = stage;
        if hunks.is_some() && paths.len() != 1 {
            return Err(failure(Code::Usage, "hunks belong to one file", ""));
        }
        self.in_repo(&folder, move |repo| {
            match &hunks {
                None => drop(repo.stage_all(&paths, side_of(from))?),
                Some(some) => {
                    let wanted: Vec<usize> = some.hunks.iter().map(|hunk| *hunk as usize).collect();
                    let chosen = Chosen::Hunks {
                        token: &some.token,
                        hunks: &wanted,
                    };
                    // There is just one, as was looked at.
                    for path in paths.iter().map(Path::new) {
                        let side = side_of(from);
                        match &some.renamed_from {
                            Some(was) => {
                                repo.stage_renamed(path, Path::new(was), side, chosen)?;
                            }
                            None => drop(repo.stage(path, side, chosen)?),
                        }
                    }
                }
            }
            changes(repo)
        })
        .await
    }

    pub(crate) async fn git_commit(
        &self,
        commit: CommitStaged,
    ) -> Result<StagedCommitted, Failure> {
        let folder = commit.folder.clone();
        self.in_repo(&folder, move |repo| {
            let recorded = repo.record(kerf_git::RecordOptions {
                message: &commit.message,
                amend: commit.amend,
                without_programs: commit.without_programs,
            })?;
            Ok(StagedCommitted {
                oid: recorded.oid,
                replaced: recorded.replaced,
                not_run: recorded.not_run,
            })
        })
        .await
    }

    pub(crate) async fn git_branches(
        &self,
        Folder { folder }: Folder,
    ) -> Result<Vec<GitBranch>, Failure> {
        self.in_repo(&folder, |repo| {
            let branches = repo.branches()?.into_iter();
            let shown = branches.map(|branch| GitBranch {
                name: branch.name,
                remote: branch.remote,
                current: branch.current,
                elsewhere: branch.elsewhere,
                commit: branch.commit,
                time: branch.time,
                summary: branch.summary,
                upstream: branch.upstream,
            });
            Ok(shown.collect())
        })
        .await
    }

    pub(crate) async fn git_switch(&self, switch: SwitchBranch) -> Result<SwitchedBranch, Failure> {
        let _hold = self.hold_files(&switch.folder, Holder::Library).await?;
        let SwitchBranch {
            folder,
            name,
            create,
        } = switch;
        self.in_repo(&folder, move |repo| {
            let done = repo.switch(&name, create)?;
            Ok(SwitchedBranch {
                branch: done.branch,
                files: count(done.files),
            })
        })
        .await
    }

    pub(crate) async fn git_delete_branch(
        &self,
        BranchRef { folder, name }: BranchRef,
    ) -> Result<DeletedBranch, Failure> {
        self.in_repo(&folder, move |repo| {
            repo.delete_branch(&name)
                .map(|commit| DeletedBranch { commit })
        })
        .await
    }

    pub(crate) async fn git_stashes(
        &self,
        Folder { folder }: Folder,
    ) -> Result<Vec<GitStash>, Failure> {
        self.in_repo(&folder, |repo| {
            let stashes = repo.stashes()?.into_iter();
            let shown = stashes.map(|stash| GitStash {
                oid: stash.oid,
                message: stash.message,
                time: stash.time,
            });
            Ok(shown.collect())
        })
        .await
    }

    pub(crate) async fn git_stash(&self, save: SaveStash) -> Result<GitStashed, Failure> {
        let _hold = self.hold_files(&save.folder, Holder::Library).await?;
        self.in_repo(&save.folder.clone(), move |repo| {
            repo.stash(save.message.as_deref(), save.untracked)
                .map(stashed)
        })
        .await
    }

    pub(crate) async fn git_unstash(&self, take: TakeStash) -> Result<GitStashed, Failure> {
        let hold = self.hold_files(&take.folder, Holder::Library).await?;
        self.keep_before(&hold, "Before taking a stash out").await?;
        self.in_repo(&take.folder.clone(), move |repo| {
            repo.unstash(&take.oid, take.drop).map(stashed)
        })
        .await
    }

    pub(crate) async fn git_log(&self, read: ReadLog) -> Result<CommitPage, Failure> {
        let after = read.after.map(|cursor| LogCursor {
            from: cursor.from,
            seen: cursor.seen as usize,
            path: cursor.path.map(Into::into),
        });
        let limit = read.limit.min(MAX_LOG) as usize;
        self.in_repo(&read.folder, move |repo| {
            let page = repo.log(read.path.as_deref().map(Path::new), after.as_ref(), limit)?;
            Ok(CommitPage {
                commits: page.entries.into_iter().map(shown_commit).collect(),
                next: page.next.map(|cursor| CommitCursor {
                    from: cursor.from,
                    seen: count(cursor.seen),
                    path: cursor.path.as_deref().map(in_slashes),
                }),
            })
        })
        .await
    }

    pub(crate) async fn git_blame(&self, wanted: BlameLines) -> Result<Vec<LineBlame>, Failure> {
        let last = wanted
            .last_line
            .min(wanted.first_line.saturating_add(MAX_BLAMED - 1));
        let lines = wanted.first_line as usize..=last as usize;
        self.in_repo(&wanted.folder, move |repo| {
            let blamed = repo.blame(Path::new(&wanted.path), lines)?.into_iter();
            let shown = blamed.map(|line| LineBlame {
                line: count(line.line),
                commit: line.commit,
                author: line.author,
                time: line.time,
                summary: line.summary,
            });
            Ok(shown.collect())
        })
        .await
    }

    /// Does something with the repository that a folder is in, off the threads that must not wait.
    async fn in_repo<T: Send + 'static>(
        &self,
        folder: &str,
        work: impl FnOnce(&Repo) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, Failure> {
        let folder = whole_folder(folder)?;
        let found =
            blocking(move || Repo::discover(&folder)?.map(|repo| work(&repo)).transpose()).await?;
        found.ok_or_else(|| {
            failure(
                Code::Usage,
                "this folder is in no git repository",
                "Make one with `git init`",
            )
        })
    }
}

/// The folder that is meant, canonical. A path that begins nowhere would mean whatever repository this program was
/// started in, and what is asked for here changes repositories.
pub(crate) fn whole_folder(folder: &str) -> Result<PathBuf, Failure> {
    if Path::new(folder).is_relative() {
        return Err(failure(
            Code::Usage,
            format!("{folder:?} is no whole path of a folder"),
            "Give the path from the root on",
        ));
    }
    canonical_folder(folder)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(from_panic)?
        .map_err(from_git)
}

fn changes(repo: &Repo) -> Result<WorkingChanges, GitError> {
    let changes = repo.changes()?;
    let staged = listed(repo, changes.staged, Side::Staged)?;
    let unstaged = listed(repo, changes.unstaged, Side::Unstaged)?;
    let more = [&staged, &unstaged].map(|list| list.len().saturating_sub(MAX_LISTED));
    let few = |list: Vec<ChangedPath>| list.into_iter().take(MAX_LISTED).collect();
    Ok(WorkingChanges {
        repository: true,
        branch: changes.head.branch,
        commit: changes.head.commit,
        last_message: repo.last_message()?,
        pushed: changes.pushed,
        under_way: changes.under_way.map(str::to_owned),
        programs: changes.programs,
        staged: few(staged),
        unstaged: few(unstaged),
        more: count(more.iter().sum()),
    })
}

/// Those in conflict first: they are to be seen however many there are. What was moved is one.
fn listed(
    repo: &Repo,
    mut changed: Vec<Changed>,
    side: Side,
) -> Result<Vec<ChangedPath>, GitError> {
    let moved = repo.renames(&changed, side)?;
    changed.retain(|one| !moved.iter().any(|(from, _)| *from == one.path));
    changed.sort_by_key(|one| one.change != Change::Conflicted);
    let shown = changed.into_iter().map(|one| {
        let from = moved.iter().find(|(_, to)| *to == one.path);
        ChangedPath {
            path: in_slashes(&one.path),
            how: match one.change {
                _ if from.is_some() => ChangedHow::Renamed,
                Change::Added => ChangedHow::Added,
                Change::Modified | Change::Renamed => ChangedHow::Modified,
                Change::Deleted => ChangedHow::Deleted,
                Change::Untracked => ChangedHow::Untracked,
                Change::Conflicted => ChangedHow::Conflicted,
            },
            from: from.map(|(from, _)| in_slashes(from)),
        }
    });
    Ok(shown.collect())
}

fn shown_diff(diff: FileDiff) -> ChangeDiff {
    let hunks = diff.hunks.into_iter().map(|hunk| {
        let (mut old, mut new) = (hunk.old_start, hunk.new_start);
        let header = format!(
            "@@ -{},{} +{},{} @@",
            hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines
        );
        let lines = hunk.lines.into_iter().map(|line| {
            let kind = match line.kind {
                kerf_git::LineKind::Context => LineKind::Context,
                kerf_git::LineKind::Added => LineKind::Added,
                kerf_git::LineKind::Removed => LineKind::Removed,
            };
            let next = |number: &mut u32, has: bool| {
                has.then(|| {
                    *number += 1;
                    *number - 1
                })
            };
            HunkLine {
                kind,
                old: next(&mut old, kind != LineKind::Added),
                new: next(&mut new, kind != LineKind::Removed),
                text: line.text,
                no_newline: line.no_newline,
            }
        });
        ChangeHunk {
            header,
            lines: lines.collect(),
        }
    });
    ChangeDiff {
        path: in_slashes(&diff.path),
        token: diff.token,
        hunks: hunks.collect(),
        note: diff.note,
    }
}

fn shown_commit(entry: kerf_git::LogEntry) -> GitCommit {
    GitCommit {
        oid: entry.oid,
        parents: entry.parents,
        author: entry.author,
        email: entry.email,
        time: entry.time,
        message: entry.message,
        path: entry.path.as_deref().map(in_slashes),
    }
}

fn stashed(stashed: kerf_git::Stashed) -> GitStashed {
    GitStashed {
        oid: stashed.oid,
        files: count(stashed.files),
        kept: stashed.kept,
        conflicts: stashed
            .conflicts
            .iter()
            .map(|path| in_slashes(path))
            .collect(),
    }
}

fn side_of(side: StageSide) -> Side {
    match side {
        StageSide::Staged => Side::Staged,
        StageSide::Unstaged => Side::Unstaged,
    }
}

fn in_slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
