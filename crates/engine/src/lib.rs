//! The application: one function a request, and the only crate that the fronts call.
//!
//! The engine owns the sessions that are open in this process: it assembles workspace, sandbox, model and agent,
//! persists and forwards what the agent emits, keeps the review, and turns every error into a code, a message and
//! a hint. The command line, the window, editors and scripts differ only in how they carry requests and events.
//!
//! It opens no port, draws nothing and prints nothing.
//!
//! Start with [`Engine`]; [`Engine::dispatch`] is the request table, `run.rs` takes a turn, `desk.rs` keeps a review.

mod attempts;
mod awake;
mod backups;
mod checkpoints;
mod checks;
mod comments;
mod desk;
mod diagnostics;
mod dispatch;
mod doctor;
mod endpoints;
mod engine;
mod failure;
mod feed;
mod git;
mod home;
mod host;
mod indexes;
mod interrupted;
mod ledger;
mod log;
mod network;
mod open;
mod options;
mod outside;
mod picture;
mod placeholder_key;
mod preferences;
mod projects;
mod reviews;
mod room;
mod rules;
mod run;
mod searches;
mod sessions;
mod settings;
mod wake;
mod withheld;
mod worktrees;

pub use diagnostics::log_to_files;
pub use engine::{Engine, Options};
pub use feed::{Events, Feed, FeedMessage};
pub use home::Home;
pub use kerf_agent::{check_output_schema, tool_specs};
pub use kerf_sandbox::launch_own;
pub use kerf_workspace::SleepClock;
pub use open::{Opened, VIEWER, allowed_link, folders_among, is_own_page};
pub use picture::read_picture;
pub use settings::EnvironmentEndpoint;

use kerf_protocol::{Code, Failure};

/// The first line of every `main`: when this process was started as the sandbox helper, or by git to ask something, does
/// that work and never returns; otherwise returns at once.
///
/// It must come before any thread is started, because the helper forks.
pub fn run_if_helper() {
    git::run_if_asked();
    kerf_sandbox::run_if_helper();
}

/// Applies a patch in the `*** Begin Patch` format to a folder, all of it or nothing, and says what was done.
///
/// # Errors
/// A failure that names the first line of the patch that does not apply; nothing is changed then.
pub fn apply_patch(
    folder: &std::path::Path,
    patch: &str,
) -> Result<Vec<kerf_protocol::item::FileChange>, Failure> {
    use kerf_protocol::item::{ChangeKind, FileChange};
    use kerf_workspace::{Workspace, patch, write};
    let usage = |error: &dyn std::fmt::Display| Failure {
        code: Code::Usage,
        message: error.to_string(),
        hint: String::new(),
    };
    let workspace = Workspace::open(folder).map_err(|error| usage(&error))?;
    let parsed = patch::parse_patch(patch).map_err(|error| usage(&error))?;
    let writes = patch::plan_patch(&workspace, &parsed).map_err(|error| usage(&error))?;
    write::write_all(&workspace, &writes).map_err(failure::from_fs)?;
    Ok(writes
        .iter()
        .map(|write| FileChange {
            path: write.path.to_string(),
            kind: match (&write.before, &write.after) {
                (None, _) => ChangeKind::Created,
                (_, None) => ChangeKind::Deleted,
                _ => ChangeKind::Modified,
            },
        })
        .collect())
}
