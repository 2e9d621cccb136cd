//! Linux, the parent's side: starts the helper, hears from it, and tells it to stop.
//!
//! The helper gets a socket and two pipes and no other file: standard input carries the plan, and the door for the
//! command's connections where it has any, and then stays open as the sign that the parent lives and wants the command;
//! standard output becomes the command's output; standard error
//! carries the helper's words ([`wire::Word`]). Its environment is empty: the command's is part of the plan.
//!
//! What the probe saw decides which helper it is: one around a view ([`bubblewrap`]), or one beside the command.

mod bubblewrap;
mod confine;
mod filter;
mod gate;
mod group;
mod handing;
mod helper;
mod limits;
mod placeholder;
mod signals;
mod syscall;
mod tree;
mod trial;
mod view;
mod wire;

use crate::{
    End, Invocation, Job, Network, SandboxError, guard::Watchman, network::Doorman, plan::Plan,
};
use kerf_protocol::policy::{Isolation, SandboxMode};
use std::{
    io::{self, PipeReader, Read},
    mem,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, net::unix::pipe};
use wire::{Around, Request, Word};

/// How long the helper may take to start a command. Far above what it needs, for a machine under load.
const START: Duration = Duration::from_secs(20);

/// The kernel that first lets Landlock keep signals inside.
const ABI_WITH_SIGNALS: u8 = 6;
/// The kernel that first lets Landlock keep device commands away.
const ABI_WITH_DEVICES: u8 = 5;
/// The kernel that first lets Landlock allow moves between folders.
const ABI_WITH_MOVES: u8 = 2;

pub(crate) use helper::run_if_helper;

/// What this machine can do.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The version of Landlock, or why there is no sandbox.
    landlock: Result<u8, String>,
    /// Where bubblewrap is, or why commands see the machine as it is.
    view: Result<PathBuf, String>,
}

/// Lets helpers confine themselves and try to get out.
pub(crate) fn probe(helper: &Path) -> Probe {
    let answer =
        HelperProcess::start(helper, &Request::Probe, None).and_then(|mut helper| helper.word());
    let landlock = match answer {
        Ok(Word::Confined { abi }) => Ok(abi),
        Ok(Word::Failed(refused)) => Err(refused.reason),
        Ok(_) => Err("the sandbox helper gave no answer".to_owned()),
        Err(error) => Err(format!(
            "the sandbox helper `{}` does not work: {error}",
            helper.display()
        )),
    };
    let view = landlock.clone().and_then(|_| {
        let bubblewrap = bubblewrap::find()?;
        try_view(helper, &bubblewrap)?;
        Ok(bubblewrap)
    });
    Probe { landlock, view }
}

/// Makes a view and tries to get out of it.
fn try_view(helper: &Path, bubblewrap: &Path) -> Result<(), String> {
    let no_room = |error: io::Error| format!("there is no place to try the sandbox in: {error}");
    let (room, trial) = trial::Room::new().map_err(no_room)?;
    let job = Job {
        command: Invocation::Shell(":".to_owned()),
        cwd: room.workspace.clone(),
        workspace: room.workspace.clone(),
        mode: SandboxMode::WorkspaceWrite,
        timeout: None,
        env: Vec::new(),
        writable: Vec::new(),
        output_cap: 0,
        network: None,
        commits: None,
        lent: Vec::new(),
        withheld: Vec::new(),
    };
    let watchman = Watchman::new(room.hidden.clone());
    let (plan, _temp, _) =
        Plan::new(&job, Vec::new(), &watchman).map_err(|error| error.to_string())?;
    let around = Around {
        bubblewrap: bubblewrap.into(),
        plan,
        trial: Some(trial),
    };
    let mut helper =
        HelperProcess::start(helper, &Request::Around(Box::new(around)), None).map_err(no_room)?;
    loop {
        match helper.word().map_err(no_room)? {
            Word::Failed(refused) => return Err(refused.reason),
            Word::Ended { .. } => return Ok(()),
            _ => {}
        }
    }
}

impl Probe {
    /// Whether commands get a view, and with it a network of their own.
    pub(crate) fn can_connect(&self) -> bool {
        self.view.is_ok()
    }

    /// Whether files can be hidden: Landlock takes nothing away below a folder that may be read.
    pub(crate) fn can_withhold(&self) -> bool {
        self.view.is_ok()
    }

    pub(crate) fn isolation(&self, mode: SandboxMode) -> Isolation {
        let abi = match &self.landlock {
            Ok(abi) => *abi,
            Err(reason) => {
                return Isolation::Unavailable {
                    reason: reason.clone(),
                };
            }
        };
        let mut missing = Vec::new();
        if let Err(reason) = &self.view {
            missing.push(format!("commands see the machine as it is: {reason}"));
            missing.push("the user's keys and passwords, and Kerf's own data, can be read".into());
            missing.push(
                "commands can read what `.kerfignore` files and rules on reading withhold".into(),
            );
            missing.push(
                "permissions, owners and times of the user's files elsewhere can be changed".into(),
            );
            if mode == SandboxMode::WorkspaceWrite {
                missing.push("the workspace's `.git` folder and the settings of editors can be written like the rest of the workspace".into());
            }
            if abi < ABI_WITH_SIGNALS {
                missing.push(
                    "the user's other programs can be sent signals (needs Linux 6.12)".into(),
                );
            }
            if abi < ABI_WITH_DEVICES {
                missing.push("open devices can be sent commands (needs Linux 6.10)".into());
            }
        }
        if abi < ABI_WITH_MOVES {
            missing.push("files cannot be moved between folders, even inside the workspace (needs Linux 5.19)".into());
        }
        if missing.is_empty() {
            Isolation::Full
        } else {
            Isolation::Reduced { missing }
        }
    }
}

/// A running command.
#[derive(Debug)]
pub(crate) struct Running {
    /// The helper's process id.
    pub(crate) id: u32,
    pub(crate) output: Output,
    pub(crate) process: Process,
}

/// Starts `plan` and waits until its program runs or cannot. Without a probe it is not confined.
pub(crate) fn spawn(
    helper: &Path,
    probe: Option<&Probe>,
    plan: Plan,
    temp: TempDir,
    network: Option<Arc<dyn Network>>,
) -> Result<Running, SandboxError> {
    let program = plan.argv[0].to_string_lossy().into_owned();
    let held: Vec<PathBuf> = plan.guard.held.iter().map(PathBuf::from).collect();
    let failed = |source| SandboxError::Io {
        action: "starting the sandbox helper",
        source,
    };
    let request = match probe.and_then(|probe| probe.view.as_ref().ok()) {
        Some(bubblewrap) => Request::Around(Box::new(Around {
            bubblewrap: bubblewrap.into(),
            plan,
            trial: None,
        })),
        None => Request::Run(Box::new(plan)),
    };
    let (door, door_end) = match &network {
        Some(_) => UnixStream::pair().map(|(ours, theirs)| (Some(ours), Some(theirs))),
        None => Ok((None, None)),
    }
    .map_err(failed)?;
    let mut helper = HelperProcess::start(helper, &request, door_end).map_err(failed)?;
    let mut leader = 0;
    loop {
        match helper.word() {
            Ok(Word::Forked { leader: forked }) => leader = forked,
            Ok(Word::Started) => break,
            Ok(Word::Failed(refused)) => return Err(refused.into_error(program)),
            answer => {
                syscall::kill_group(leader);
                let none = || io::Error::other("the sandbox helper gave no answer");
                return Err(failed(answer.err().unwrap_or_else(none)));
            }
        }
    }
    let Pipes { output, words } = helper
        .pipes
        .take()
        .ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
    let output = pipe::Receiver::from_owned_fd(OwnedFd::from(output)).map_err(failed)?;
    let words = pipe::Receiver::from_owned_fd(OwnedFd::from(words)).map_err(failed)?;
    let doorman = door
        .zip(network)
        .map(|(door, network)| gate::keep(door, network));
    let doorman = doorman.transpose().map_err(failed)?;
    let id = helper.child.as_ref().map_or(0, Child::id);
    let heard = mem::take(&mut helper.heard);
    Ok(Running {
        id,
        output: Output(output),
        process: Process {
            words,
            heard,
            leader,
            helper,
            held,
            _temp: temp,
            _doorman: doorman,
        },
    })
}

/// What the command writes.
#[derive(Debug)]
pub(crate) struct Output(pipe::Receiver);

impl Output {
    /// Reads some bytes; 0 at the end. Losing the future loses nothing.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).await
    }
}

/// The command's supervisor. Dropping it ends the command.
#[derive(Debug)]
pub(crate) struct Process {
    words: pipe::Receiver,
    heard: Vec<u8>,
    leader: i32,
    helper: HelperProcess,
    /// Where the helper may have put placeholders.
    held: Vec<PathBuf>,
    /// The helper removes it; this is for a helper that was killed.
    _temp: TempDir,
    /// Takes its connections.
    _doorman: Option<Doorman>,
}

impl Process {
    /// Asks for the end of everything. Returns at once.
    pub(crate) fn stop(&mut self) {
        self.helper.control = None;
    }

    /// Waits until nothing of the command is left. `None` when it was stopped before it ended by itself. Losing the
    /// future loses nothing.
    pub(crate) async fn ended(&mut self) -> Result<Option<End>, SandboxError> {
        let lost = |source| SandboxError::Io {
            action: "hearing from the sandbox helper",
            source,
        };
        loop {
            if let Some(word) = wire::next_word(&mut self.heard) {
                return match word.map_err(lost)? {
                    Word::Ended { stopped: true, .. } => Ok(None),
                    Word::Ended { status, .. } => {
                        let status = ExitStatus::from_raw(status);
                        Ok(Some(match status.signal() {
                            Some(signal) => End::Signalled(signal),
                            None => End::Exited(status.code().unwrap_or(0)),
                        }))
                    }
                    _ => Err(lost(io::ErrorKind::InvalidData.into())),
                };
            }
            if self.words.read_buf(&mut self.heard).await.map_err(lost)? == 0 {
                // The helper was killed. What can still be named goes with it.
                syscall::kill_group(self.leader);
                placeholder::sweep(&self.held);
                return Err(lost(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it was killed",
                )));
            }
        }
    }

    /// Waits until the helper itself is gone.
    pub(crate) async fn gone(&mut self) {
        let mut rest = [0; 64];
        while self
            .words
            .read(&mut rest)
            .await
            .is_ok_and(|count| count > 0)
        {}
    }
}

/// A helper process. Dropping it ends its command.
#[derive(Debug)]
struct HelperProcess {
    child: Option<Child>,
    /// Closed to tell the helper to stop.
    control: Option<UnixStream>,
    pipes: Option<Pipes>,
    /// Words not read yet.
    heard: Vec<u8>,
}

#[derive(Debug)]
struct Pipes {
    output: PipeReader,
    words: PipeReader,
}

impl HelperProcess {
    /// `door` is where the helper hands connections out.
    fn start(program: &Path, request: &Request, door: Option<UnixStream>) -> io::Result<Self> {
        let frame = wire::frame(request)?;
        let (control, control_end) = UnixStream::pair()?;
        let (output, output_end) = io::pipe()?;
        let (words, words_end) = io::pipe()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this crate is where processes are started"
        )]
        let child = Command::new(program)
            .arg(helper::ARGUMENT)
            .env_clear()
            .current_dir("/")
            .stdin(OwnedFd::from(control_end))
            .stdout(output_end)
            .stderr(words_end)
            .spawn()?;
        let helper = Self {
            child: Some(child),
            control: Some(control),
            pipes: Some(Pipes { output, words }),
            heard: Vec::new(),
        };
        let control = helper.control.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        handing::send(control, door.as_ref().map(AsFd::as_fd))?;
        syscall::write_all_within(control, &frame, START)?;
        Ok(helper)
    }

    /// Waits for the next word of a helper that is starting.
    fn word(&mut self) -> io::Result<Word> {
        let until = Instant::now() + START;
        loop {
            if let Some(word) = wire::next_word(&mut self.heard) {
                return word;
            }
            let words = &mut self.pipes.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.words;
            syscall::wait_readable(words, until.saturating_duration_since(Instant::now()))?;
            let mut chunk = [0; 1024];
            match words.read(&mut chunk)? {
                0 => {
                    let said = String::from_utf8_lossy(&self.heard);
                    return Err(io::Error::other(format!(
                        "it ended without an answer; {said}"
                    )));
                }
                count => self.heard.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

impl Drop for HelperProcess {
    fn drop(&mut self) {
        self.control = None;
        // The helper ends by itself once its command is gone. A thread, because that may take a moment and nobody
        // else collects it; without one it stays a zombie until Kerf ends, which hurts nobody.
        if let Some(mut child) = self.child.take()
            && !matches!(child.try_wait(), Ok(Some(_)))
        {
            let wait = move || child.wait();
            if let Err(error) = thread::Builder::new()
                .name("sandbox-reaper".to_owned())
                .spawn(wait)
            {
                tracing::debug!(%error, "a sandbox helper is left as a zombie");
            }
        }
    }
}
