//! Exit codes.

use kerf_protocol::Code;
use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// The work failed.
    Failed,
    /// Usage or configuration.
    Usage,
    /// It needs an approval that nobody can give.
    Unattended,
    /// Cancelled.
    Cancelled,
}

impl From<Code> for Exit {
    fn from(code: Code) -> Self {
        match code {
            Code::Usage | Code::Configuration | Code::NotFound => Self::Usage,
            Code::Denied => Self::Unattended,
            Code::Cancelled => Self::Cancelled,
            Code::Unauthorized
            | Code::Unreachable
            | Code::Endpoint
            | Code::RateLimited
            | Code::ContextFull
            | Code::Conflict
            | Code::Storage
            | Code::Internal => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Unattended => Self::from(3),
            Exit::Cancelled => Self::from(130),
        }
    }
}
