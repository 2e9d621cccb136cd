//! A run of Kerf as a child process, bounded in time, with what the kernel says of it.

use crate::{
    Done,
    processes::{Sampler, cpu_seconds, has_ended},
    room,
};
use kerf_test_support::ModelServer;
use serde_json::Value;
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// After this a run is stuck. Below the 30 s after which the server gives up on who waits for it.
pub(crate) const RUN_LIMIT: Duration = Duration::from_secs(25);

/// What to run.
pub(crate) struct Run<'a> {
    pub(crate) kerf: &'a Path,
    pub(crate) server: &'a ModelServer,
    pub(crate) home: &'a Path,
    pub(crate) folder: &'a Path,
    pub(crate) sandbox: &'static str,
    /// Costs the machine time of its own, so the runs that are timed go without.
    pub(crate) sample_memory: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Before the process was made.
    pub(crate) begun: Instant,
    /// To its end.
    pub(crate) wall: Duration,
    /// User and system time of the process and of all children that were waited for. None off Linux.
    pub(crate) cpu_seconds: Option<f64>,
    /// Memory of the process and its descendants, in bytes (proportional set size), as time goes on.
    pub(crate) memory: Vec<(Instant, u64)>,
    /// The length of the longest agent message, in bytes.
    pub(crate) longest_message: usize,
    /// When the last delta came out.
    pub(crate) last_delta: Option<Instant>,
}

impl Ran {
    pub(crate) fn peak(&self) -> Option<u64> {
        self.memory.iter().map(|(_, bytes)| *bytes).max()
    }
}

impl Run<'_> {
    /// Runs Kerf to its end; anything but a turn that completed, every call of it included, is an error.
    pub(crate) fn run(&self) -> Done<Ran> {
        let no_file = |error: std::io::Error| format!("no temporary file: {error}");
        let mut errors = tempfile::tempfile().map_err(no_file)?;
        let mut command = self.command();
        command.stderr(errors.try_clone().map_err(no_file)?);
        let begun = Instant::now();
        let mut child = command
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.kerf.display()))?;
        let sampler = self.sample_memory.then(|| Sampler::start(child.id()));
        let events = read_events(child.stdout.take());
        let ended = wait(&mut child, &events, begun);
        let memory = sampler.map(Sampler::stop).unwrap_or_default();
        let ended = ended.map_err(|error| error + &last_words(&mut errors))?;
        Ok(Ran {
            begun,
            wall: ended.wall,
            cpu_seconds: ended.cpu_seconds,
            memory,
            longest_message: ended.events.longest_message,
            last_delta: ended.events.last_delta,
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the bench measures the program as a process"
    )]
    fn command(&self) -> Command {
        let mut command = Command::new(self.kerf);
        command
            .arg("-C")
            .arg(self.folder)
            .args([
                "exec",
                "--json",
                "--approve",
                "auto",
                "--sandbox",
                self.sandbox,
                "Carry out the script.",
            ])
            .current_dir(self.folder)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .envs(room::environment(self.home, self.server))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }
}

/// What the events on standard output say.
#[derive(Debug, Default)]
struct Events {
    completed: bool,
    failure: Option<String>,
    longest_message: usize,
    last_delta: Option<Instant>,
}

impl Events {
    fn read(&mut self, line: &[u8]) {
        // The many small ones carry nothing that is looked at here, and parsing them would cost time.
        let start = &line[..line.len().min(200)];
        if start
            .windows(14)
            .any(|window| window == b"\"item.updated\"")
        {
            self.last_delta = Some(Instant::now());
            return;
        }
        let event: Value = serde_json::from_slice(line).unwrap_or_default();
        let item = &event["item"];
        match event["type"].as_str() {
            Some("turn.completed") => self.completed = true,
            Some("turn.failed") => self.failure = Some(event.to_string()),
            Some("item.completed") if item["status"] != "completed" => {
                self.failure = Some(item.to_string())
            }
            Some("item.completed") if item["type"] == "agent_message" => {
                let text = item["text"].as_str().unwrap_or_default();
                self.longest_message = self.longest_message.max(text.len());
            }
            _ => {}
        }
    }
}

fn read_events(stdout: Option<ChildStdout>) -> Receiver<Events> {
    let (sender, events) = mpsc::channel();
    thread::spawn(move || {
        let mut seen = Events::default();
        let lines = stdout
            .into_iter()
            .flat_map(|stdout| BufReader::new(stdout).split(b'\n'));
        for line in lines.map_while(Result::ok) {
            seen.read(&line);
        }
        // Nobody listens any more when the run was given up.
        let _sent = sender.send(seen);
    });
    events
}

struct Ended {
    events: Events,
    cpu_seconds: Option<f64>,
    wall: Duration,
}

/// Waits for the end, and kills what does not come to one.
fn wait(child: &mut Child, events: &Receiver<Events>, begun: Instant) -> Done<Ended> {
    let Ok(events) = events.recv_timeout(RUN_LIMIT.saturating_sub(begun.elapsed())) else {
        return Err(kill(child));
    };
    // Its output is at an end; what is left is the way out. The kernel keeps the figures until it is reaped.
    let stat = Path::new("/proc").join(child.id().to_string()).join("stat");
    let (_never, tick) = mpsc::channel::<()>();
    while fs::read_to_string(&stat).is_ok_and(|stat| !has_ended(&stat)) {
        if begun.elapsed() > RUN_LIMIT {
            return Err(kill(child));
        }
        let _timeout = tick.recv_timeout(Duration::from_millis(1));
    }
    let wall = begun.elapsed();
    let cpu_seconds = fs::read_to_string(&stat)
        .ok()
        .and_then(|stat| cpu_seconds(&stat));
    let status = child
        .wait()
        .map_err(|error| format!("kerf was lost: {error}"))?;
    if let Some(failure) = &events.failure {
        return Err(format!("not everything went well: {failure}"));
    }
    if !status.success() || !events.completed {
        return Err(format!(
            "kerf ended with {status}, turn completed: {}",
            events.completed
        ));
    }
    Ok(Ended {
        events,
        cpu_seconds,
        wall,
    })
}

fn kill(child: &mut Child) -> String {
    // It may have ended by itself just now.
    let _killed = child.kill();
    let _reaped = child.wait();
    format!("killed: it did not end within {RUN_LIMIT:?}")
}

/// The end of what it said on standard error.
fn last_words(errors: &mut fs::File) -> String {
    let mut bytes = Vec::new();
    // What cannot be read is left out; the error itself is told all the same.
    let _read = errors
        .rewind()
        .and_then(|()| errors.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.trim().lines().collect();
    let last = &lines[lines.len().saturating_sub(3)..];
    last.iter().map(|line| format!("; {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_failed_fails_the_run() {
        let mut events = Events::default();
        events.read(br#"{"type":"item.updated","delta":"\"item.completed\""}"#);
        events.read(br#"{"type":"item.completed","item":{"type":"agent_message","status":"completed","text":"four"}}"#);
        events.read(br#"{"type":"turn.completed"}"#);
        assert!(events.completed && events.failure.is_none() && events.longest_message == 4);
        events.read(br#"{"type":"item.completed","item":{"type":"tool_call","status":"failed"}}"#);
        assert!(events.failure.is_some());
    }
}
