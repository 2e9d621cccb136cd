//! `kerf worktrees`: the folders of Kerf's own that sessions work in.

use crate::{
    args::Worktrees,
    commands::{size, usage},
    exit::Exit,
    output::{Output, Style, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, Failure, WorktreeId,
    request::method,
    session::Session,
    worktree::{
        ListWorktrees, ListedWorktree, RemoveWorktree, Worktree, WorktreeRef, WorktreeState,
    },
};

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    command: Worktrees,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Worktrees::List { all } => {
            let folder = (!all).then(|| folder.to_owned());
            let list = ListWorktrees {
                folder,
                rows_only: false,
            };
            let listed = engine.call::<method::WorktreeList>(list).await?;
            if listed.is_empty() && !output.json() {
                output.line("no worktree here; `kerf exec --worktree` makes one");
            }
            for one in &listed {
                if output.json() {
                    output.object(one);
                } else {
                    print(one, output);
                }
            }
        }
        Worktrees::Remove { worktree, force } => {
            let worktree_id = find(engine, &worktree).await?;
            let remove = RemoveWorktree { worktree_id, force };
            let removed = engine.call::<method::WorktreeRemove>(remove).await?;
            say(&removed, "removed", output);
        }
        Worktrees::Restore { worktree } => {
            let worktree_id = find(engine, &worktree).await?;
            let restored = engine
                .call::<method::WorktreeRestore>(WorktreeRef { worktree_id })
                .await?;
            say(&restored, "brought back", output);
        }
    }
    output.flush();
    Ok(Exit::Done)
}

/// Says where a session works, and what was not brought there.
pub(crate) async fn say_where(engine: &Engine, session: &Session, output: &Output) {
    if session.worktree_of.is_none() || output.json() {
        return;
    }
    eprintln!("kerf: works in {}", visible(&session.folder));
    // It says no more than this; the work goes on without.
    let listed = engine
        .call::<method::WorktreeList>(rows())
        .await
        .unwrap_or_default();
    let own = listed
        .iter()
        .find(|one| one.worktree.session_id == session.id);
    for note in own.into_iter().flat_map(|one| &one.worktree.notes) {
        eprintln!("kerf: {}", visible(note));
    }
}

fn print(one: &ListedWorktree, output: &Output) {
    let ListedWorktree {
        worktree,
        title,
        bytes,
        work,
    } = one;
    let state = match worktree.state {
        WorktreeState::Creating => "being made",
        WorktreeState::Ready => "ready",
        WorktreeState::Removing => "being removed",
        WorktreeState::Archived => "archived",
    };
    let branch = worktree.branch.as_deref().unwrap_or("no branch");
    output.line(&output.styled(
        Style::Strong,
        &format!(
            "{}  {state}  {}  {}",
            worktree.id,
            visible(branch),
            visible(title)
        ),
    ));
    if worktree.state == WorktreeState::Ready {
        output.line(&format!("  {}  {}", visible(&worktree.path), size(*bytes)));
    }
    for words in work {
        output.line(&format!("  only here: {}", visible(words)));
    }
}

fn say(worktree: &Worktree, verb: &str, output: &Output) {
    if output.json() {
        output.object(worktree);
    } else {
        output.line(&format!("{verb}: {}", visible(&worktree.path)));
        for note in &worktree.notes {
            output.line(&format!("  {}", visible(note)));
        }
        if worktree.state == WorktreeState::Archived {
            output.line(&format!(
                "  `kerf worktrees restore {}` brings it back",
                worktree.id
            ));
        }
    }
}

/// All of them, without a look into each.
fn rows() -> ListWorktrees {
    ListWorktrees {
        folder: None,
        rows_only: true,
    }
}

/// The worktree that the user means.
async fn find(engine: &Engine, name: &str) -> Result<WorktreeId, Failure> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let all = engine.call::<method::WorktreeList>(rows()).await?;
    let mut fitting = all.into_iter().map(|one| one.worktree.id).filter(|id| {
        let text = id.to_string();
        name.len() >= 4 && (text.starts_with(name) || text.ends_with(name))
    });
    match (fitting.next(), fitting.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(usage(
            format!("more than one worktree fits `{name}`"),
            "Give more of the id; `kerf worktrees` lists them",
        )),
        (None, _) => Err(Failure {
            code: Code::NotFound,
            message: format!("there is no worktree `{name}`"),
            hint: "`kerf worktrees` lists them".to_owned(),
        }),
    }
}
