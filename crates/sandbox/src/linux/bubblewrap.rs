//! Bubblewrap, which gives a command a view of the machine of its own: files, processes, network, users.
//!
//! The outer helper runs here. It holds placeholders, starts bubblewrap with the same program inside it (the inner
//! helper), hands on what that says, and clears up when everything in the view is gone. It lives outside of the view,
//! so that it can clear up after a Kerf that was killed.

use super::{
    group::Group,
    handing,
    helper::{ARGUMENT, GRACE, remove_temp, say},
    placeholder::Placeholder,
    signals::Signals,
    syscall,
    view::View,
    wire::{self, Around, Inside, Refused, Request, Step, Word},
};
use crate::plan::Plan;
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, PipeReader, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Where systems keep programs that only root can exchange. `PATH` is not asked.
const FOLDERS: &[&str] = &["/usr/bin", "/bin", "/usr/local/bin"];

/// What every view is: nothing of the machine's but what is mounted, no powers, and an end with the helper.
const ALWAYS: &[&str] = &[
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--cap-drop",
    "ALL",
    "--new-session",
    "--die-with-parent",
    "--clearenv",
    "--as-pid-1",
];

/// Users of its own, and no further ones.
const OWN_USERS: &[&str] = &["--unshare-user", "--disable-userns"];

/// From the order to stop to the end of the view, beyond the grace that a command has.
const SLACK: Duration = Duration::from_millis(60);

/// How long a view that is ending may take before it is killed.
const LAST: Duration = Duration::from_secs(1);

/// The longest word of the inner helper, in bytes.
const WORD_BYTES: usize = 256 * 1024;

/// Finds bubblewrap.
///
/// # Errors
/// Why there is none that can be used.
pub(super) fn find() -> Result<PathBuf, String> {
    let mut reason = "bubblewrap is not installed (the package is called `bubblewrap`)".to_owned();
    for folder in FOLDERS {
        let path = Path::new(folder).join("bwrap");
        // What it leads to counts, and the folder is the system's.
        let Ok(meta) = path.metadata() else { continue };
        if is_trusted(&meta) {
            return Ok(path);
        }
        reason = format!(
            "`{}` is not a program of the system's: it must belong to root, be writable by nobody else, and not be setuid",
            path.display()
        );
    }
    Err(reason)
}

fn is_trusted(meta: &fs::Metadata) -> bool {
    const SPECIAL_OR_OTHERS_WRITE: u32 = 0o6022;
    const RUNS: u32 = 0o111;
    meta.is_file()
        && meta.uid() == 0
        && meta.mode() & SPECIAL_OR_OTHERS_WRITE == 0
        && meta.mode() & RUNS != 0
}

/// Runs a command in a view of its own and clears up. `door` goes to the helper inside.
pub(super) fn run(around: Around, door: Option<OwnedFd>) {
    syscall::new_session();
    let temp = PathBuf::from(&around.plan.temp);
    let mut placeholders = Vec::new();
    let last =
        match hold(&around.plan, &mut placeholders).and_then(|held| start(around, &held, door)) {
            Ok(running) => running.see_through(),
            Err(refused) => Word::Failed(refused),
        };
    placeholders.into_iter().for_each(Placeholder::release);
    say(&last);
    remove_temp(&temp);
}

/// Holds what must not be made; returns what has to be mounted.
fn hold(plan: &Plan, placeholders: &mut Vec<Placeholder>) -> Result<Vec<PathBuf>, Refused> {
    let mut held = Vec::new();
    for path in plan.guard.held.iter().map(Path::new) {
        let placeholder = Placeholder::hold(path).map_err(|error| {
            Refused::new(
                Step::Confine,
                format!("`{}` cannot be protected: {error}", path.display()),
            )
        })?;
        let is_there = || path.symlink_metadata().is_ok_and(|meta| !meta.is_symlink());
        if placeholder.is_some() || is_there() {
            held.push(path.to_owned());
        }
        placeholders.extend(placeholder);
    }
    Ok(held)
}

/// A view and what belongs to it.
struct Running {
    signals: Signals,
    bubblewrap: Child,
    /// Closed to tell the inner helper to stop.
    control: Option<UnixStream>,
    words: PipeReader,
    /// Removed when nothing is in it any more.
    _group: Option<Group>,
}

fn start(around: Around, held: &[PathBuf], door: Option<OwnedFd>) -> Result<Running, Refused> {
    let failed = |error: io::Error| Refused::new(Step::Confine, error);
    let signals = Signals::catch().map_err(failed)?;
    let view = View::new(&around.plan, held);
    let checks = view.checks().map_err(failed)?;
    let (control_end, control) = UnixStream::pair().map_err(failed)?;
    let (words, words_end) = io::pipe().map_err(failed)?;

    // Kept open until bubblewrap has them.
    let mut empty_files = Vec::new();
    let program = File::open("/proc/self/exe").map_err(failed)?;
    let program_fd = syscall::hand_down(&program).map_err(failed)?;
    let mut arguments: Vec<OsString> = ALWAYS.iter().map(OsString::from).collect();
    if super::confine::works_for_another_user(Path::new(&around.plan.workspace)) {
        // In a user namespace the files of other users are out of reach, also for root.
        arguments.extend(["--cap-add", "CAP_DAC_OVERRIDE"].map(OsString::from));
    } else {
        arguments.extend(OWN_USERS.iter().map(OsString::from));
    }
    let mounts = view.arguments(|| {
        let file = File::open("/dev/null")?;
        let fd = syscall::hand_down(&file)?;
        empty_files.push(file);
        Ok(fd)
    });
    arguments.extend(mounts.map_err(failed)?);
    arguments.extend(["--chdir", "/", "--"].map(OsString::from));
    arguments.push(format!("/proc/self/fd/{program_fd}").into());
    arguments.push(ARGUMENT.into());

    let inside = Inside {
        plan: around.plan,
        checks,
        trial: around.trial,
    };
    let frame = wire::frame(&Request::Inside(Box::new(inside))).map_err(failed)?;

    #[expect(
        clippy::disallowed_methods,
        reason = "this crate is where processes are started"
    )]
    let mut command = Command::new(&around.bubblewrap);
    command
        .args(&arguments)
        .env_clear()
        .current_dir("/")
        .stdin(OwnedFd::from(control_end))
        .stdout(Stdio::inherit())
        .stderr(words_end)
        .process_group(0);
    let group = Group::make();
    let spawned = match &group {
        Some(group) => group.around(|| command.spawn()),
        None => command.spawn(),
    };
    // Its ends of the pipes would hide the end of bubblewrap.
    drop(command);
    let bubblewrap = spawned.map_err(|error| {
        Refused::new(Step::Confine, format!("bubblewrap cannot be run: {error}"))
    })?;
    say(&Word::Forked {
        leader: bubblewrap.id().cast_signed(),
    });
    // The output is the command's alone.
    syscall::close_output();
    // When bubblewrap does not take it, its own words say why.
    let _ = handing::send(&control, door.as_ref().map(AsFd::as_fd));
    let _ = syscall::write_all_within(&control, &frame, super::START);
    Ok(Running {
        signals,
        bubblewrap,
        control: Some(control),
        words,
        _group: group,
    })
}

impl Running {
    /// Hands words on until the view is gone. Returns the last one.
    fn see_through(mut self) -> Word {
        const KILLS: u32 = 10;
        let mut heard = Vec::new();
        let mut last = None;
        let mut said = None;
        let mut stopped = false;
        let mut kill_at: Option<Instant> = None;
        let mut kills = 0;
        let input = io::stdin();
        while kills < KILLS {
            let wait = kill_at.map_or(LAST, |at| at.saturating_duration_since(Instant::now()));
            let control = (!stopped && last.is_none()).then(|| input.as_fd());
            let voice = Some(self.words.as_fd());
            let news = self.signals.wait_and_hear(wait, control, voice);
            if news.stop && !stopped {
                stopped = true;
                self.control = None;
                kill_at = Some(Instant::now() + GRACE + SLACK);
            }
            if kill_at.is_some_and(|at| Instant::now() >= at) {
                self.kill();
                kills += 1;
                kill_at = Some(Instant::now() + LAST);
            }
            if !news.heard {
                continue;
            }
            let mut chunk = [0; 4096];
            match self.words.read(&mut chunk) {
                Ok(count) if count > 0 => heard.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                _ => break,
            }
            while let Some(word) = wire::next_word(&mut heard) {
                match word {
                    Ok(Word::Started) => say(&Word::Started),
                    Ok(word @ (Word::Failed(_) | Word::Ended { .. })) if last.is_none() => {
                        last = Some(word);
                        kill_at = Some(Instant::now() + LAST);
                    }
                    Ok(_) => {}
                    Err(line) => {
                        said.get_or_insert(line);
                    }
                }
            }
            if heard.len() > WORD_BYTES {
                self.kill();
                heard.clear();
            }
        }
        self.kill();
        if kills < KILLS {
            // Its words have ended, and it was killed, so this is short.
            let _ = self.bubblewrap.wait();
        }
        match (last, said) {
            (Some(word), _) => word,
            (None, Some(line)) => Word::Failed(Refused::new(
                Step::Confine,
                format!("bubblewrap did not make the view: {line}"),
            )),
            // The kernel ended it, for want of memory for example.
            (None, None) => Word::Ended {
                status: syscall::KILLED,
                stopped,
            },
        }
    }

    /// Ends the view and everything in it: its first process dies with bubblewrap.
    fn kill(&self) {
        syscall::kill_group(self.bubblewrap.id().cast_signed());
    }
}
