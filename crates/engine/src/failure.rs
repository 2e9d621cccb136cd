//! Turns the errors of the parts into what a front shows: code, message, hint.

use kerf_agent::HostError;
use kerf_checkpoint::CheckpointError;
use kerf_protocol::{Code, Failure};
use kerf_review::ReviewError;
use kerf_store::StoreError;
use kerf_workspace::FsError;

pub(crate) fn failure(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
        hint: hint.into(),
    }
}

pub(crate) fn from_store(error: StoreError) -> Failure {
    let code = match &error {
        StoreError::NotFound { .. } => Code::NotFound,
        StoreError::InUse { .. } | StoreError::DamagedInUse { .. } => Code::Conflict,
        StoreError::Newer { .. } => Code::Configuration,
        _ => Code::Storage,
    };
    let hint = match code {
        Code::Storage => {
            "Check the disk and the permissions of Kerf's data folder; `kerf doctor` names it"
        }
        Code::Conflict if matches!(error, StoreError::DamagedInUse { .. }) => {
            "The damaged file is set aside then, and the last backup serves"
        }
        Code::Conflict => "Stop the other one first, or wait until its turn ends",
        _ => "",
    };
    failure(code, error.to_string(), hint)
}

pub(crate) fn from_fs(error: FsError) -> Failure {
    let code = match &error {
        FsError::NotFound { .. } => Code::NotFound,
        FsError::Conflict { .. } => Code::Conflict,
        FsError::Escapes { .. } | FsError::NotAFile { .. } => Code::Usage,
        _ => Code::Storage,
    };
    failure(code, error.to_string(), "")
}

pub(crate) fn from_review(error: ReviewError) -> Failure {
    let code = match &error {
        ReviewError::NoHunk { .. } | ReviewError::NoLine { .. } => Code::NotFound,
        ReviewError::Superseded { .. } => Code::Conflict,
        _ => Code::Usage,
    };
    failure(code, error.to_string(), "")
}

pub(crate) fn from_checkpoint(error: CheckpointError) -> Failure {
    failure(
        Code::Storage,
        error.to_string(),
        "Check the disk and the permissions of Kerf's data folder; `kerf doctor` names it",
    )
}

/// A panic inside Kerf, caught at a task's edge: the session fails, the application lives.
pub(crate) fn from_panic(error: tokio::task::JoinError) -> Failure {
    failure(
        Code::Internal,
        format!("a part of Kerf failed: {error}"),
        "This is a defect of Kerf; what was done before it is kept",
    )
}

/// A panic inside Kerf, caught at the edge of a turn.
pub(crate) fn broken(panic: &(dyn std::any::Any + Send)) -> Failure {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("nobody knows why");
    failure(
        Code::Internal,
        format!("the turn failed inside Kerf: {said}"),
        "This is a defect of Kerf; what was done before it is kept, and the session goes on with your next message",
    )
}

pub(crate) fn to_host(failure: Failure) -> HostError {
    HostError(failure)
}
