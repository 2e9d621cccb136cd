//! What the parent and the helper say to each other.

use super::{trial::Trial, view::Check};
use crate::{SandboxError, plan::Plan};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    io::{self, Read},
};

/// What the helper is started for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// To see whether a sandbox can be set up.
    Probe,
    /// To run a command where it is.
    Run(Box<Plan>),
    /// To run a command in a view of its own.
    Around(Box<Around>),
    /// To be the first process of such a view. Only a helper asks this of another one.
    Inside(Box<Inside>),
}

/// A command that gets a view of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Around {
    /// The absolute path of bubblewrap.
    pub(super) bubblewrap: OsString,
    pub(super) plan: Plan,
    /// What to try before the command runs.
    pub(super) trial: Option<Trial>,
}

/// A command inside its view.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Inside {
    pub(super) plan: Plan,
    pub(super) checks: Vec<Check>,
    pub(super) trial: Option<Trial>,
}

/// What the helper says, one a line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// The answer to a probe: the sandbox holds.
    Confined {
        /// The version of Landlock.
        abi: u8,
    },
    /// The command's process exists. It says so itself before it becomes the command, so that Kerf knows whom to kill
    /// even when the command's first act is to kill the helper.
    Forked {
        /// Its process id, which is its group's too.
        leader: i32,
    },
    /// The program runs.
    Started,
    /// Nothing was run.
    Failed(Refused),
    /// Nothing of the command is left.
    Ended {
        /// The wait status of the command itself.
        status: i32,
        /// Whether it was stopped before it ended by itself.
        stopped: bool,
    },
}

/// Why nothing was run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refused {
    /// At which step.
    pub(super) step: Step,
    /// What the system said.
    pub(super) reason: String,
}

/// The step of the start that failed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Step {
    /// Making the process.
    Fork,
    /// Entering the folder.
    Folder,
    /// Setting up the sandbox.
    Confine,
    /// Running the program.
    Program,
}

impl Refused {
    pub(super) fn new(step: Step, reason: impl ToString) -> Self {
        Self {
            step,
            reason: reason.to_string(),
        }
    }

    pub(super) fn into_error(self, program: String) -> SandboxError {
        let reason = self.reason;
        match self.step {
            Step::Fork => SandboxError::Io {
                action: "starting the command",
                source: io::Error::other(reason),
            },
            Step::Folder => SandboxError::Io {
                action: "entering the command's folder",
                source: io::Error::other(reason),
            },
            Step::Confine => SandboxError::Unavailable { reason },
            Step::Program => SandboxError::Program { program, reason },
        }
    }
}

/// A request with its length before it.
pub(super) fn frame(request: &Request) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; size_of::<u32>()];
    serde_json::to_writer(&mut frame, request)?;
    let len = u32::try_from(frame.len() - size_of::<u32>()).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the command is longer than 4 GB",
        )
    })?;
    frame[..size_of::<u32>()].copy_from_slice(&len.to_le_bytes());
    Ok(frame)
}

/// Reads what [`frame`] wrote.
pub(super) fn read_request(mut from: impl Read) -> io::Result<Request> {
    let mut len = [0; size_of::<u32>()];
    from.read_exact(&mut len)?;
    let mut body = Vec::new();
    from.take(u32::from_le_bytes(len).into())
        .read_to_end(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Takes the first whole line from `heard`.
pub(super) fn next_word(heard: &mut Vec<u8>) -> Option<io::Result<Word>> {
    let end = heard.iter().position(|&byte| byte == b'\n')?;
    let line: Vec<u8> = heard.drain(..=end).collect();
    Some(serde_json::from_slice(&line).map_err(|_| {
        // A panic's message, or another program that was taken for the helper.
        io::Error::other(format!(
            "it said `{}`",
            String::from_utf8_lossy(&line).trim_end()
        ))
    }))
}
