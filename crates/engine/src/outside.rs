//! Programs outside of any policy: those that the user chose, and the user's login shell, which knows where programs are.

use crate::{engine::Engine, failure::failure};
use kerf_protocol::{Code, Failure, policy::SandboxMode};
use kerf_sandbox::{Invocation, Job};
use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Shells that take `-ilc` and print a quoted `$PATH` with colons.
const SHELLS: [&str; 6] = ["bash", "zsh", "fish", "dash", "ksh", "sh"];
/// A shell whose start takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const MARKS: [&str; 2] = ["<kerf>", "</kerf>"];

impl Engine {
    /// Starts a program that the user chose, such as an editor. It goes on when Kerf ends.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(
        &self,
        program: &OsStr,
        arguments: &[OsString],
        folder: &Path,
    ) -> Result<(), Failure> {
        let started = self.sandbox().launch(program, arguments, folder);
        started.map_err(|error| {
            failure(
                Code::Configuration,
                format!("{} cannot be started: {error}", program.display()),
                "Check the command in the settings",
            )
        })
    }

    /// Looks for programs where the user's login shell looks for them: a program that is started from a menu gets
    /// the system's short `PATH`. The shell runs in Kerf's data folder, so that nothing of a project takes part.
    /// On Windows, and when this process was started from a terminal, there is nothing to do.
    pub(crate) async fn use_login_path(&self) {
        if cfg!(windows) || env::var_os("TERM").is_some() {
            return;
        }
        let Some(shell) = env::var_os("SHELL").map(PathBuf::from) else {
            return;
        };
        let known = shell
            .file_name()
            .is_some_and(|name| SHELLS.iter().any(|shell| name == *shell));
        if !known || !shell.is_absolute() {
            return;
        }
        let [open, close] = MARKS;
        let folder = self.home().data().to_owned();
        let job = Job {
            command: Invocation::Program(vec![
                shell.into(),
                "-ilc".into(),
                format!("printf %s \"{open}$PATH{close}\"").into(),
            ]),
            cwd: folder.clone(),
            workspace: folder,
            mode: SandboxMode::Off,
            timeout: Some(PATIENCE),
            env: Vec::new(),
            writable: Vec::new(),
            output_cap: 1024,
            network: None,
            commits: None,
            lent: Vec::new(),
            withheld: Vec::new(),
        };
        let mut said = Vec::new();
        let run = self.sandbox().run(job, CancellationToken::new(), |bytes| {
            said.extend_from_slice(bytes);
        });
        if let Err(error) = run.await {
            tracing::warn!("the login shell was not asked for its PATH: {error}");
        }
        let own = env::var_os("PATH").unwrap_or_default();
        if let Some(path) = said_path(&String::from_utf8_lossy(&said), &own) {
            self.sandbox().use_path(path);
        }
    }
}

/// The folders that the shell named, and behind them those that only this process has.
fn said_path(said: &str, own: &OsStr) -> Option<OsString> {
    let [open, close] = MARKS;
    let path = said.rsplit_once(open)?.1.split_once(close)?.0;
    let mut folders: Vec<PathBuf> = env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .collect();
    if folders.is_empty() {
        return None;
    }
    let rest = env::split_paths(own).filter(|folder| folder.is_absolute());
    for folder in rest {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    env::join_paths(folders).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_found_between_what_else_a_shell_says() {
        for (said, path) in [
            ("<kerf>/a:/b</kerf>", Some("/a:/b:/usr/bin")),
            ("hello\n<kerf>/a:.:</kerf>bye", Some("/a:/usr/bin")),
            (
                "+ printf <kerf>$PATH</kerf>\n<kerf>/usr/bin</kerf>",
                Some("/usr/bin"),
            ),
            ("<kerf></kerf>", None),
            ("<kerf>/a", None),
            ("no such option", None),
        ] {
            let found = said_path(said, OsStr::new("/usr/bin"));
            assert_eq!(
                found.as_deref(),
                path.map(OsStr::new),
                "a shell said {said:?}"
            );
        }
    }
}
