//! A run under way: its lines as they come, its standard input, signals and the end.

use crate::support::Ran;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long a program may say nothing at all before it is called stuck.
pub(crate) const STUCK: Duration = Duration::from_secs(60);

/// Waits for something that nobody tells.
#[track_caller]
pub(crate) fn wait_until(what: &str, is: impl Fn() -> bool) {
    let until = Instant::now() + STUCK;
    while !is() {
        if Instant::now() > until {
            panic!("{what}: not so after {STUCK:?}");
        }
        std::thread::yield_now();
    }
}

/// A run under way. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
    stdout: String,
    /// The events seen so far.
    pub(crate) events: Vec<Value>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let (sender, lines) = channel();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while out.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                if sender
                    .send(String::from_utf8_lossy(&line).into_owned())
                    .is_err()
                {
                    break;
                }
                line.clear();
            }
        });
        let mut err = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            // What was read before an error is what there is to show.
            let _ = err.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            child,
            stdin,
            lines,
            stderr: Some(stderr),
            stdout: String::new(),
            events: Vec::new(),
        }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input.
    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) -> std::io::Result<()> {
        let stdin = self.stdin.as_mut().expect("standard input is closed");
        stdin.write_all(text.as_ref())?;
        stdin.flush()
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has read all of its standard input.
    #[cfg(unix)]
    pub(crate) fn drained(&self) {
        let stdin = self.stdin.as_ref().expect("standard input is closed");
        let until = Instant::now() + STUCK;
        while rustix::io::ioctl_fionread(stdin).unwrap() > 0 {
            if Instant::now() > until {
                panic!("it does not read its input");
            }
            std::thread::yield_now();
        }
    }

    /// Waits for an event of which this is true, from now on.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.next_line() {
                Some(Some(event)) if wanted(&event) => return event,
                Some(_) => {}
                None => panic!("{what} never came; there is\n{}", self.stdout),
            }
        }
    }

    /// Waits for an event of this type, from now on.
    #[track_caller]
    pub(crate) fn wait_for_type(&mut self, name: &str) -> Value {
        self.wait_for(name, |event| event["type"] == name)
    }

    /// Reads a line. None: standard output ended. Some(None): the line is no JSON object.
    #[track_caller]
    fn next_line(&mut self) -> Option<Option<Value>> {
        let line = match self.lines.recv_timeout(STUCK) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => panic!("stuck after\n{}", self.stdout),
        };
        self.stdout.push_str(&line);
        let event = serde_json::from_str(&line).ok().filter(Value::is_object);
        self.events.extend(event.clone());
        Some(event)
    }

    /// Sends a signal by its number's name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) -> Ran {
        self.child.kill().unwrap();
        self.finish()
    }

    /// Reads to the end and waits for the exit.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Ran {
        while self.next_line().is_some() {}
        let status = self.child.wait().unwrap();
        self.stdin = None;
        let stderr = self.stderr.take().unwrap().join().unwrap();
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|n| 128 + n);
        #[cfg(not(unix))]
        let signal = None;
        Ran {
            code: status.code().or(signal).unwrap_or(-1),
            events: std::mem::take(&mut self.events),
            stdout: std::mem::take(&mut self.stdout),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.stderr.is_some() {
            // It may have ended by itself, which is as good.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
