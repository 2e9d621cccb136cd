//! The commands, a file each.

pub(crate) mod app;
pub(crate) mod attempts;
pub(crate) mod checkpoints;
pub(crate) mod data;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod endpoints;
pub(crate) mod exec;
pub(crate) mod index;
pub(crate) mod ledger;
pub(crate) mod patch;
pub(crate) mod review;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod shell;
pub(crate) mod trust;
pub(crate) mod worktrees;

use kerf_engine::Engine;
use kerf_protocol::{
    Code, Failure, SessionId,
    request::{ListSessions, method},
};

pub(crate) fn usage(message: impl Into<String>, hint: &str) -> Failure {
    Failure {
        code: Code::Usage,
        message: message.into(),
        hint: hint.to_owned(),
    }
}

/// Bytes as people read them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// The session that the user means: an id, the beginning of one, or `last` for the newest of the folder.
pub(crate) async fn find_session(
    engine: &Engine,
    folder: &str,
    name: &str,
) -> Result<SessionId, Failure> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    if name == "last" {
        let list = ListSessions {
            folder: Some(folder.to_owned()),
            archived: false,
            limit: Some(1),
        };
        let newest = engine
            .call::<method::SessionList>(list)
            .await?
            .into_iter()
            .next();
        return newest.map(|session| session.id).ok_or_else(|| Failure {
            code: Code::NotFound,
            message: "there is no session in this folder".to_owned(),
            hint: "`kerf exec` begins one".to_owned(),
        });
    }
    let all = engine
        .call::<method::SessionList>(ListSessions {
            folder: None,
            archived: true,
            limit: None,
        })
        .await?;
    // The end of an id tells sessions of one day apart better than the beginning, so both are taken.
    let mut fitting = all.into_iter().map(|session| session.id).filter(|id| {
        let text = id.to_string();
        name.len() >= 4 && (text.starts_with(name) || text.ends_with(name))
    });
    match (fitting.next(), fitting.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(usage(
            format!("more than one session fits `{name}`"),
            "Give more of the id; `kerf sessions` lists them",
        )),
        (None, _) => Err(Failure {
            code: Code::NotFound,
            message: format!("there is no session `{name}`"),
            hint: "`kerf sessions` lists them; `last` is the newest of the folder".to_owned(),
        }),
    }
}
