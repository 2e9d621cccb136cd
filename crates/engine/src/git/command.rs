//! Git's own programs, for what needs a network, hooks, signing or filters.
//!
//! They are the user's own command: shown whole before, begun by a click alone, run as in a terminal of the user's, not in
//! a sandbox. Nothing that a model says comes here. One runs at a time in a repository; what it says is kept in memory for
//! the window, what it asks comes through `askpass.rs`.

pub(super) mod address;
pub(super) mod plan;

use super::{
    askpass::{Answers, Asked, Askpass},
    moving::overlap,
    whole_folder,
};
use crate::{
    engine::Engine,
    failure::{failure, from_panic},
    feed::Fronts,
    projects::from_git,
    settings::Settings,
};
use kerf_git::Repo;
use kerf_protocol::{
    Code, Failure,
    git::command::{
        AnswerGit, GitAct, GitEnd, GitPreview, GitPrompt, GitPromptKind, GitRun, PreviewGit, RunGit,
    },
    policy::SandboxMode,
    request::{Folder, Nothing},
};
use kerf_sandbox::{End, Invocation, Job};
use secrecy::SecretString;
use std::{
    collections::{HashMap, VecDeque},
    env,
    ffi::OsString,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Of what a command says, so much is kept, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Variables of the user's that a git command gets besides those that every command gets: where keys and settings are.
const VARIABLES: &[&str] = &[
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GCM_CREDENTIAL_STORE",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_TEMPLATE_DIR",
    "GNUPGHOME",
    "SSH_AGENT_PID",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CONFIG_DIRS",
];

/// Those that `gh` and `glab` get besides: git itself and its hooks see no token.
const HOST_VARIABLES: &[&str] = &[
    "GH_CONFIG_DIR",
    "GH_ENTERPRISE_TOKEN",
    "GH_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "GLAB_CONFIG_DIR",
];

/// The commands of this process, by the root of the working tree: the one that runs, or the last one that did.
#[derive(Default)]
pub(crate) struct Commands {
    by_root: Mutex<HashMap<PathBuf, Arc<Command>>>,
    /// The newest id. None is given twice, also that of a command that was taken back: an answer names its command by it.
    last_id: AtomicU32,
}

struct Command {
    id: u32,
    root: PathBuf,
    act: GitAct,
    argv: Vec<String>,
    /// Ends it. A prompt without an answer does so too.
    stop: CancellationToken,
    told: Mutex<Told>,
    fronts: Arc<Fronts>,
}

#[derive(Default)]
struct Told {
    output: String,
    /// The bytes of a character whose end is still to come.
    rest: Vec<u8>,
    prompts: VecDeque<Waiting>,
    prompted: u32,
    end: Option<GitEnd>,
}

/// A prompt and who waits for its answer.
struct Waiting {
    prompt: GitPrompt,
    reply: oneshot::Sender<Option<SecretString>>,
}

impl Engine {
    /// What a command would be, and do.
    pub(crate) async fn git_preview(&self, wanted: PreviewGit) -> Result<GitPreview, Failure> {
        planned(self.settings()?, wanted.folder, wanted.act)
            .await
            .map(|(_, preview)| preview)
    }

    /// Begins a command that the user saw.
    pub(crate) async fn git_run(&self, run: RunGit) -> Result<GitRun, Failure> {
        let plan = planned(self.settings()?, run.folder.clone(), run.act.clone());
        let (root, preview) = plan.await?;
        if preview.argv != run.argv {
            return Err(failure(
                Code::Conflict,
                "the repository has changed since the command was shown",
                "Look at it again",
            ));
        }
        let askpass = Askpass::open(&self.options().helper).map_err(|error| {
            failure(
                Code::Internal,
                format!("there is no place where git could ask you something: {error}"),
                "Check that the folder for temporary files can be written",
            )
        })?;
        let (command, before) =
            self.commands()
                .begin(root, run.act, preview.argv, self.windows())?;
        // Only now, when the command can be seen: see `moving.rs`.
        if moves_files(&command.act)
            && let Err(failure) = self.refuse_work_in(&command.root)
        {
            self.commands().take_back(&command, before);
            return Err(failure);
        }
        let shown = command.shown();
        let engine = self.clone();
        tokio::spawn(async move { engine.carry_out(&command, askpass).await });
        Ok(shown)
    }

    /// The command that runs in the folder's repository, or the last one that did.
    pub(crate) async fn git_running(
        &self,
        Folder { folder }: Folder,
    ) -> Result<Option<GitRun>, Failure> {
        let root = root_of(folder).await?;
        Ok(root.and_then(|root| self.commands().of(&root).map(|command| command.shown())))
    }

    /// Answers what a command asks, or stops it.
    pub(crate) async fn git_answer(&self, answer: AnswerGit) -> Result<Nothing, Failure> {
        let root = root_of(answer.folder).await?;
        let command = root
            .and_then(|root| self.commands().of(&root))
            .filter(|command| command.id == answer.id)
            .ok_or_else(|| failure(Code::NotFound, "this command is over", ""))?;
        match answer.prompt {
            None => command.stop.cancel(),
            Some(prompt) => command.answer(prompt, answer.answer.map(SecretString::from))?,
        }
        Ok(Nothing {})
    }

    async fn carry_out(&self, command: &Arc<Command>, askpass: Askpass) {
        let job = Job {
            command: Invocation::Program(command.argv.iter().map(OsString::from).collect()),
            cwd: command.root.clone(),
            workspace: command.root.clone(),
            mode: SandboxMode::Off,
            timeout: None,
            env: variables(&command.act)
                .into_iter()
                .chain(askpass.variables())
                .collect(),
            writable: Vec::new(),
            output_cap: 0,
            network: None,
            commits: None,
            lent: Vec::new(),
            withheld: Vec::new(),
        };
        let running = self
            .sandbox()
            .run(job, command.stop.clone(), |bytes| command.say(bytes));
        let ended = tokio::select! {
            ended = running => ended,
            // Questions end with the command.
            error = askpass.serve(Arc::clone(command)) => {
                Err(kerf_sandbox::SandboxError::Io { action: "waiting for what git asks", source: error })
            }
        };
        command.finish(match ended {
            _ if command.stop.is_cancelled() => GitEnd::Stopped,
            Ok(outcome) => match outcome.end {
                End::Exited(0) => GitEnd::Done,
                End::Exited(code) => GitEnd::Failed { code: Some(code) },
                End::Signalled(_) => GitEnd::Failed { code: None },
                End::TimedOut | End::Cancelled => GitEnd::Stopped,
            },
            Err(error) => GitEnd::Broken {
                reason: error.to_string(),
            },
        });
    }
}

impl Commands {
    /// A command, and the one in whose place it is.
    fn begin(
        &self,
        root: PathBuf,
        act: GitAct,
        argv: Vec<String>,
        fronts: Arc<Fronts>,
    ) -> Result<(Arc<Command>, Option<Arc<Command>>), Failure> {
        let mut by_root = self.by_root();
        if by_root
            .get(&root)
            .is_some_and(|before| before.told().end.is_none())
        {
            return Err(failure(
                Code::Conflict,
                "a git command runs in this repository already",
                "Wait for its end, or stop it",
            ));
        }
        let command = Arc::new(Command {
            id: self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
            root: root.clone(),
            act,
            argv,
            stop: CancellationToken::new(),
            told: Mutex::default(),
            fronts,
        });
        let before = by_root.insert(root, Arc::clone(&command));
        Ok((command, before))
    }

    /// Takes back a command that was not begun after all: the one `before` is the last again.
    fn take_back(&self, command: &Command, before: Option<Arc<Command>>) {
        let mut by_root = self.by_root();
        match before {
            Some(before) => by_root.insert(command.root.clone(), before),
            None => by_root.remove(&command.root),
        };
    }

    /// Whether a command runs that may change files of the folder.
    pub(super) fn moves_in(&self, folder: &std::path::Path) -> bool {
        self.by_root().values().any(|command| {
            moves_files(&command.act)
                && overlap(folder, &command.root)
                && command.told().end.is_none()
        })
    }

    fn of(&self, root: &std::path::Path) -> Option<Arc<Command>> {
        self.by_root().get(root).cloned()
    }

    fn by_root(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Command>>> {
        self.by_root.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Command {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fronts hear that there is something new; what, they ask for.
    fn tell(&self) {
        self.fronts.show_git(&self.root.display().to_string());
    }

    fn shown(&self) -> GitRun {
        let told = self.told();
        GitRun {
            id: self.id,
            act: self.act.clone(),
            argv: self.argv.clone(),
            output: told.output.clone(),
            prompt: told.prompts.front().map(|waiting| waiting.prompt.clone()),
            end: told.end.clone(),
        }
    }

    fn say(&self, bytes: &[u8]) {
        self.told().say(bytes);
        self.tell();
    }

    fn answer(&self, prompt: u32, answer: Option<SecretString>) -> Result<(), Failure> {
        let waiting = {
            let mut told = self.told();
            let at = told
                .prompts
                .iter()
                .position(|waiting| waiting.prompt.id == prompt);
            at.and_then(|at| told.prompts.remove(at))
        };
        let waiting =
            waiting.ok_or_else(|| failure(Code::NotFound, "this is asked no longer", ""))?;
        if answer.is_none() {
            self.stop.cancel();
        }
        // Who asked may have ended just now.
        let _ = waiting.reply.send(answer);
        self.tell();
        Ok(())
    }

    fn finish(&self, end: GitEnd) {
        {
            let mut told = self.told();
            told.prompts.clear();
            let rest = std::mem::take(&mut told.rest);
            told.add(&String::from_utf8_lossy(&rest));
            told.end = Some(end);
        }
        self.tell();
    }
}

impl Answers for Command {
    async fn ask(&self, asked: Asked) -> Option<SecretString> {
        let (reply, answer) = oneshot::channel();
        let id = {
            let mut told = self.told();
            told.prompted += 1;
            let prompt = GitPrompt {
                id: told.prompted,
                kind: kind_of(&asked),
                text: asked.text,
            };
            told.prompts.push_back(Waiting { prompt, reply });
            told.prompted
        };
        self.tell();
        let _gone = Gone { command: self, id };
        answer.await.ok().flatten()
    }
}

/// Takes a prompt back whose asker went away.
struct Gone<'c> {
    command: &'c Command,
    id: u32,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let mut told = self.command.told();
        let before = told.prompts.len();
        told.prompts.retain(|waiting| waiting.prompt.id != self.id);
        let went = told.prompts.len() < before;
        drop(told);
        if went {
            self.command.tell();
        }
    }
}

impl Told {
    fn say(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        // A character may come in two pieces; it has four bytes at the most.
        let whole = match std::str::from_utf8(&all) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => all.len(),
        };
        self.rest = all.split_off(whole);
        self.add(&String::from_utf8_lossy(&all));
    }

    fn add(&mut self, text: &str) {
        self.output.push_str(text);
        if self.output.len() > MAX_OUTPUT_BYTES {
            // Half goes at once, so that what is kept is not moved with every piece.
            let mut from = self.output.len() - MAX_OUTPUT_BYTES / 2;
            while !self.output.is_char_boundary(from) {
                from += 1;
            }
            self.output = format!("…{}", &self.output[from..]);
        }
    }
}

/// Whether an act may change files of the working tree, also by a hook.
fn moves_files(act: &GitAct) -> bool {
    !matches!(
        act,
        GitAct::Fetch { .. } | GitAct::Push { .. } | GitAct::OpenPull { .. }
    )
}

/// How a prompt is answered, by what git and ssh say. In doubt nobody sees the answer.
fn kind_of(asked: &Asked) -> GitPromptKind {
    let text = asked.text.to_lowercase();
    let secret = ["password", "passphrase", "pin ", "token", "secret", "code"];
    if asked.confirm || text.contains("(yes/no") {
        GitPromptKind::Confirm
    } else if text.starts_with("username") && !secret.iter().any(|word| text.contains(word)) {
        GitPromptKind::Text
    } else {
        GitPromptKind::Secret
    }
}

/// The part of Kerf's environment that the user's git needs. Keys of Kerf's, and what would lead git to another
/// repository, are not among it.
fn variables(act: &GitAct) -> Vec<(OsString, OsString)> {
    let of_host: &[&str] = match act {
        GitAct::OpenPull { .. } => HOST_VARIABLES,
        _ => &[],
    };
    env::vars_os()
        .filter(|(name, _)| {
            name.to_str().is_some_and(|name| {
                let mut known = VARIABLES.iter().chain(of_host);
                known.any(|known| name.eq_ignore_ascii_case(known))
            })
        })
        .collect()
}

async fn planned(
    settings: Settings,
    folder: String,
    act: GitAct,
) -> Result<(PathBuf, GitPreview), Failure> {
    in_repository(folder, move |repo| {
        plan::plan(repo, &settings, &act).map(|preview| (repo.workdir().to_owned(), preview))
    })
    .await?
    .ok_or_else(|| failure(Code::Usage, "this folder is in no git repository", ""))
}

async fn root_of(folder: String) -> Result<Option<PathBuf>, Failure> {
    in_repository(folder, |repo| Ok(repo.workdir().to_owned())).await
}

pub(super) async fn in_repository<T: Send + 'static>(
    folder: String,
    work: impl FnOnce(&Repo) -> Result<T, Failure> + Send + 'static,
) -> Result<Option<T>, Failure> {
    let folder = whole_folder(&folder)?;
    tokio::task::spawn_blocking(move || {
        Repo::discover(&folder)
            .map_err(from_git)?
            .map(|repo| work(&repo))
            .transpose()
    })
    .await
    .map_err(from_panic)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prompt_is_hidden_unless_it_is_known() {
        let kind = |text: &str, confirm| {
            kind_of(&Asked {
                text: text.to_owned(),
                confirm,
            })
        };
        for (text, expected) in [
            ("Username for 'https://example.org': ", GitPromptKind::Text),
            (
                "Password for 'https://ada@example.org': ",
                GitPromptKind::Secret,
            ),
            (
                "Enter passphrase for key '/home/ada/.ssh/id_ed25519': ",
                GitPromptKind::Secret,
            ),
            ("Username and password: ", GitPromptKind::Secret),
            ("Verification: ", GitPromptKind::Secret),
            (
                "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
                GitPromptKind::Confirm,
            ),
        ] {
            assert_eq!(kind(text, false), expected, "{text}");
        }
        assert_eq!(kind("Allow use of key?", true), GitPromptKind::Confirm);
    }

    #[test]
    fn a_command_that_is_taken_back_leaves_the_one_before_and_its_id_to_nobody() {
        let commands = Commands::default();
        let root = PathBuf::from("/somewhere");
        let begin = || {
            let act = GitAct::Fetch { remote: None };
            let fronts = Arc::default();
            commands.begin(root.clone(), act, Vec::new(), fronts)
        };
        let (refused, before) = begin().unwrap();
        commands.take_back(&refused, before);
        assert!(commands.of(&root).is_none());
        let (first, before) = begin().unwrap();
        assert!(before.is_none() && first.id > refused.id);
        assert!(begin().is_err(), "it runs");
        first.finish(GitEnd::Done);
        let (refused, before) = begin().unwrap();
        commands.take_back(&refused, before);
        assert_eq!(commands.of(&root).unwrap().id, first.id);
        assert!(begin().unwrap().0.id > refused.id);
    }

    proptest! {
        #[test]
        fn text_in_pieces_is_the_text(text in "\\PC{0,40}", at in 0_usize..80) {
            let bytes = text.as_bytes();
            let (a, b) = bytes.split_at(at.min(bytes.len()));
            let mut told = Told::default();
            told.say(a);
            told.say(b);
            prop_assert_eq!(told.output, text);
        }
    }

    #[test]
    fn of_much_output_the_end_is_kept() {
        let mut told = Told::default();
        for at in 0..100_000 {
            told.say(format!("line {at} ä\n").as_bytes());
        }
        assert!(told.output.len() <= MAX_OUTPUT_BYTES + 64);
        assert!(told.output.ends_with("line 99999 ä\n"));
    }
}
