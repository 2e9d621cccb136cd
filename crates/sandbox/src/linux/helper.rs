//! Linux, the helper's side: a process between Kerf and one command.
//!
//! It adopts whatever the command leaves behind (as a subreaper), so that daemons, too, are its children and can
//! be killed without naming them. It ends everything when Kerf closes the control pipe, which the kernel does
//! for a Kerf that was killed. It has one thread, so that it may fork.
//!
//! Where bubblewrap works there are two: the outer one (`bubblewrap.rs`) makes the view and clears up after it, and the
//! inner one does the work above as the first process of the view, so that the kernel ends everything with it.

use super::{
    bubblewrap, confine,
    gate::Gate,
    group::Group,
    handing,
    limits::{Limits, limit_this_process},
    signals::{self, Signals},
    syscall::{self, Forked},
    tree,
    trial::Trial,
    view::{self, Check},
    wire::{self, Inside, Refused, Request, Step, Word},
};
use crate::{network::PORT, plan::Plan};
use kerf_protocol::policy::SandboxMode;
use std::{
    convert::Infallible,
    env,
    ffi::{CString, OsString},
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::Path,
    process,
    time::{Duration, Instant},
};

/// The argument that makes a program the helper.
pub(super) const ARGUMENT: &str = "__kerf-sandbox";

/// From SIGTERM to SIGKILL.
pub(super) const GRACE: Duration = Duration::from_millis(80);

/// How often the limits are looked at.
const LIMITS_EVERY: Duration = Duration::from_millis(100);

/// How long the helper tries to kill what does not die (because the kernel holds it, or it became another user's).
const KILL_FOR: Duration = Duration::from_secs(10);

pub(crate) fn run_if_helper() {
    if env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == ARGUMENT)
    {
        process::exit(serve());
    }
}

fn serve() -> i32 {
    syscall::close_all_from(3);
    let received = handing::receive(&io::stdin());
    let (door, request) = match received.and_then(|received| {
        let request = wire::read_request(io::stdin().lock())?;
        Ok((received.file(), request))
    }) {
        Ok(received) => received,
        // Kerf went away, or somebody tried this by hand.
        Err(error) => {
            say_text(&format!(
                "the sandbox helper understood no request: {error}"
            ));
            return 2;
        }
    };
    match request {
        Request::Probe => say(&probe()),
        Request::Run(plan) => {
            run(&plan, None, None);
            remove_temp(Path::new(&plan.temp));
        }
        Request::Around(around) => bubblewrap::run(*around, door),
        Request::Inside(inside) => match verify(&inside) {
            Ok(()) => run(&inside.plan, Some(&inside), door),
            Err(reason) => say(&Word::Failed(Refused::new(Step::Confine, reason))),
        },
    }
    0
}

/// Whether the view is the one that was ordered. The command has not begun, so nothing changes it afterwards.
fn verify(inside: &Inside) -> Result<(), String> {
    if process::id() != 1 {
        return Err("the processes of the machine are still to be seen".to_owned());
    }
    inside.checks.iter().try_for_each(Check::hold)
}

/// Says `word` to Kerf. When Kerf is gone nobody listens, which the control pipe tells as well.
pub(super) fn say(word: &Word) {
    if let Ok(text) = serde_json::to_string(word) {
        say_text(&text);
    }
}

fn say_text(text: &str) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Confines this process and tries to get out: a kernel that only pretends is found here.
fn probe() -> Word {
    let failed = |reason: String| {
        Word::Failed(Refused {
            step: Step::Confine,
            reason,
        })
    };
    let abi = match confine::this_process(None, &[], None) {
        Ok(abi) => abi,
        Err(reason) => return failed(reason),
    };
    let canary = env::temp_dir().join(format!("kerf-probe-{}", process::id()));
    if OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&canary)
        .is_ok()
    {
        let _ = fs::remove_file(&canary);
        return failed("the kernel accepts Landlock rules but does not follow them".to_owned());
    }
    let kinds = [libc::SOCK_STREAM, libc::SOCK_DGRAM];
    if kinds
        .into_iter()
        .any(|kind| syscall::can_make_socket(libc::AF_INET, kind))
    {
        return failed("the kernel accepts a seccomp filter but does not follow it".to_owned());
    }
    Word::Confined { abi }
}

/// Runs the command to its end; `inside` when this process is the first of a view.
fn run(plan: &Plan, inside: Option<&Inside>, door: Option<OwnedFd>) {
    // A view is in one already.
    let group = inside.is_none().then(Group::make).flatten();
    let gate = match door.map(Gate::open).transpose() {
        Ok(gate) => gate,
        Err(error) => return say(&Word::Failed(Refused::new(Step::Confine, error))),
    };
    match start(plan, inside, group.as_ref()) {
        Ok((leader, signals)) => {
            say(&Word::Started);
            let ended = watch(leader, &signals, plan, gate);
            // The command's output ends here, unless a process escaped.
            syscall::close_output();
            say(&ended);
        }
        Err(refused) => say(&Word::Failed(refused)),
    }
}

fn start(
    plan: &Plan,
    inside: Option<&Inside>,
    group: Option<&Group>,
) -> Result<(i32, Signals), Refused> {
    let failed = |error: io::Error| Refused::new(Step::Fork, error);
    syscall::new_session();
    syscall::adopt_orphans().map_err(failed)?;
    let signals = Signals::catch().map_err(failed)?;
    let (mut report, report_end) = io::pipe().map_err(failed)?;
    let fork = || match syscall::fork() {
        Ok(Forked::Child) => {
            let Err(refused) = become_command(plan, inside);
            let _ = (&report_end).write_all(&serde_json::to_vec(&refused).unwrap_or_default());
            process::exit(127);
        }
        Ok(Forked::Parent(leader)) => Ok(leader),
        Err(error) => Err(failed(error)),
    };
    let leader = match group {
        Some(group) => group.around(fork),
        None => fork(),
    }?;
    drop(report_end);
    // Closed by the kernel when the program starts.
    let mut refused = Vec::new();
    report.read_to_end(&mut refused).map_err(failed)?;
    if refused.is_empty() {
        return Ok((leader, signals));
    }
    Err(serde_json::from_slice(&refused).unwrap_or_else(|error| Refused::new(Step::Fork, error)))
}

/// Turns this process into the command.
fn become_command(plan: &Plan, inside: Option<&Inside>) -> Result<Infallible, Refused> {
    let fork = |error: io::Error| Refused::new(Step::Fork, error);
    // A session of its own: no terminal to write into, and a group that does not hold the helper.
    syscall::new_session();
    say(&Word::Forked {
        leader: process::id().cast_signed(),
    });
    syscall::die_with_parent().map_err(fork)?;
    signals::reset();
    let null = File::open("/dev/null").map_err(fork)?;
    syscall::use_as_standard(null.as_fd(), io::stdout().as_fd()).map_err(fork)?;

    let folder = |error: io::Error| Refused::new(Step::Folder, error);
    env::set_current_dir(&plan.cwd).map_err(folder)?;
    // Between the check and now a part of the path may have become a link.
    if env::current_dir().map_err(folder)? != Path::new(&plan.cwd) {
        return Err(Refused::new(Step::Folder, "it was replaced by a link"));
    }

    let argv =
        c_strings(plan.argv.iter().cloned()).map_err(|error| Refused::new(Step::Program, error))?;
    let envp = c_strings(plan.env.iter().map(|(name, value)| {
        let mut variable = name.clone();
        variable.push("=");
        variable.push(value);
        variable
    }))
    .map_err(|error| Refused::new(Step::Program, error))?;
    limit_this_process();
    let trial = inside.and_then(|inside| inside.trial.as_ref());
    if plan.mode != SandboxMode::Off {
        let reads = Some(Path::new(&plan.workspace));
        let mut writable = plan.writable.clone();
        if inside.is_some() {
            writable.extend(view::PRIVATE.iter().map(OsString::from));
            writable.push(view::SHARED_MEMORY.into());
        }
        let confine = |port| {
            confine::this_process(reads, &writable, port)
                .map_err(|reason| Refused::new(Step::Confine, reason))
        };
        if trial.is_some() {
            // First with what a network leaves open, which can be closed afterwards but not opened.
            confine(Some(PORT))?;
            Trial::run_with_network().map_err(|reason| Refused::new(Step::Confine, reason))?;
        }
        confine(plan.port)?;
    }
    if let Some(trial) = trial {
        trial
            .run()
            .map_err(|reason| Refused::new(Step::Confine, reason))?;
    }
    Err(Refused::new(Step::Program, syscall::execute(&argv, &envp)))
}

fn c_strings(strings: impl Iterator<Item = OsString>) -> Result<Vec<CString>, std::ffi::NulError> {
    strings
        .map(|string| CString::new(string.into_vec()))
        .collect()
}

/// Waits for the command's end or the order to stop, then kills all that is left.
fn watch(leader: i32, signals: &Signals, plan: &Plan, mut gate: Option<Gate>) -> Word {
    let mut limits = Limits::new(plan);
    let mut status = None;
    let mut stopped = false;
    while status.is_none() && !stopped {
        let voice = gate.as_mut().and_then(Gate::voice);
        let news = signals.wait_and_hear(LIMITS_EVERY, Some(io::stdin().as_fd()), voice);
        if let (Some(gate), true) = (&mut gate, news.heard) {
            gate.hand_out();
        }
        status = collect(leader).1;
        stopped = status.is_none() && news.stop;
        if status.is_none()
            && !stopped
            && let Some(reason) = limits.broken()
        {
            say_to_output(&reason);
            break;
        }
    }
    if stopped {
        syscall::terminate_group(leader);
        tree::children().into_iter().for_each(syscall::terminate);
        let until = Instant::now() + GRACE;
        while Instant::now() < until {
            signals.wait(until.saturating_duration_since(Instant::now()), None);
            let (alone, ended) = collect(leader);
            status = status.or(ended);
            if alone {
                break;
            }
        }
    }
    let killed = kill_all(leader, signals);
    Word::Ended {
        status: status.or(killed).unwrap_or(syscall::KILLED),
        stopped,
    }
}

/// Kills until no descendant is left; returns the command's status if that came now.
///
/// Only children are killed at first: their numbers cannot pass to other processes before they are collected
/// here, and whatever they leave becomes a child in turn. What forks fast outruns that, so after some rounds the
/// whole tree is killed.
fn kill_all(leader: i32, signals: &Signals) -> Option<i32> {
    const GENTLE_ROUNDS: u32 = 4;
    let until = Instant::now() + KILL_FOR;
    let mut status = None;
    // The kernel does this in one step, which no fork can escape. The group's number is still its own: its leader
    // has not been collected, or was a moment ago.
    syscall::kill_group(leader);
    for round in 0_u32.. {
        let doomed = if round < GENTLE_ROUNDS {
            tree::children()
        } else {
            tree::descendants()
        };
        doomed.into_iter().for_each(syscall::kill);
        let (alone, ended) = collect(leader);
        status = status.or(ended);
        if alone || Instant::now() > until {
            break;
        }
        signals.wait(Duration::from_millis(2), None);
    }
    status
}

/// Collects the dead. Returns whether no child is left, and the command's own status if it was among them.
fn collect(leader: i32) -> (bool, Option<i32>) {
    let mut status = None;
    loop {
        match syscall::collect_one() {
            Ok(Some((pid, ended))) if pid == leader => status = Some(ended),
            Ok(Some(_)) => {}
            Ok(None) => return (false, status),
            // No children.
            Err(_) => return (true, status),
        }
    }
}

/// Tells whoever reads the output why the command was killed.
fn say_to_output(reason: &str) {
    // The pipe may be full; the kill is more important than the word about it.
    if syscall::is_writable_now(io::stdout().as_fd()) {
        let _ = io::stdout()
            .write_all(format!("\nkerf: {reason}; the command was killed\n").as_bytes());
        let _ = io::stdout().flush();
    }
}

pub(super) fn remove_temp(temp: &Path) {
    if fs::remove_dir_all(temp).is_err() {
        // A command may have taken away its own rights to a folder.
        syscall::make_removable(temp);
        let _ = fs::remove_dir_all(temp);
    }
}
