//! `kerf sessions`: history.

use crate::{
    args::Sessions,
    commands::{find_session, usage},
    exit::Exit,
    output::{Output, Style, visible},
    show,
};
use jiff::{Timestamp, tz::TimeZone};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure, UnixMillis,
    request::{Archive, ListSessions, Rename, SearchSessions, SessionRef, method},
    session::{Session, SessionState, Transcript},
};

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    command: Sessions,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Sessions::List {
            all,
            archived,
            limit,
        } => {
            let folder = (!all).then(|| folder.to_owned());
            let sessions = engine
                .call::<method::SessionList>(ListSessions {
                    folder,
                    archived,
                    limit,
                })
                .await?;
            if sessions.is_empty() && !output.json() {
                output.line("no session here; `kerf exec` begins one");
            }
            for session in &sessions {
                if output.json() {
                    output.object(session)
                } else {
                    output.line(&describe(session, output))
                }
            }
        }
        Sessions::Show { session } => {
            let transcript = transcript(engine, folder, &session).await?;
            if output.json() {
                for item in transcript.turns.iter().flat_map(|turn| &turn.items) {
                    output.object(item);
                }
            } else {
                output.line(&describe(&transcript.session, output));
                for item in transcript.turns.iter().flat_map(|turn| &turn.items) {
                    show::item(item, output);
                }
            }
        }
        Sessions::Search { query, all, limit } => {
            let folder = (!all).then(|| folder.to_owned());
            let hits = engine
                .call::<method::SessionSearch>(SearchSessions {
                    query,
                    folder,
                    limit,
                })
                .await?;
            if hits.is_empty() && !output.json() {
                output.line("nothing found");
            }
            for hit in &hits {
                if output.json() {
                    output.object(hit);
                    continue;
                }
                let (on, off) = if output.color() {
                    ("\u{1b}[1m", "\u{1b}[0m")
                } else {
                    ("", "")
                };
                let snippet = visible(&hit.snippet)
                    .replace('\u{E000}', on)
                    .replace('\u{E001}', off)
                    .replace('\n', " ");
                output.line(&format!(
                    "{}  {}  {}\n    {snippet}",
                    hit.session_id,
                    time(hit.at),
                    visible(&hit.title)
                ));
            }
        }
        Sessions::Export { session } => {
            output.object(&transcript(engine, folder, &session).await?);
        }
        Sessions::Import => {
            let transcript: Transcript =
                serde_json::from_reader(std::io::stdin().lock()).map_err(|error| {
                    usage(
                        format!("this is no exported session: {error}"),
                        "`kerf sessions export` makes one",
                    )
                })?;
            let session = engine.call::<method::SessionImport>(transcript).await?;
            if output.json() {
                output.object(&session)
            } else {
                output.line(&format!("imported as {}", session.id))
            }
        }
        Sessions::Rename { session, title } => {
            let session_id = find_session(engine, folder, &session).await?;
            engine
                .call::<method::SessionRename>(Rename { session_id, title })
                .await?;
        }
        Sessions::Archive { session, undo } => {
            let session_id = find_session(engine, folder, &session).await?;
            engine
                .call::<method::SessionArchive>(Archive {
                    session_id,
                    archived: !undo,
                })
                .await?;
        }
        Sessions::Delete { session } => {
            let session_id = find_session(engine, folder, &session).await?;
            engine
                .call::<method::SessionDelete>(SessionRef { session_id })
                .await?;
        }
    }
    output.flush();
    Ok(Exit::Done)
}

async fn transcript(engine: &Engine, folder: &str, name: &str) -> Result<Transcript, Failure> {
    let session_id = find_session(engine, folder, name).await?;
    engine
        .call::<method::SessionShow>(SessionRef { session_id })
        .await
}

fn describe(session: &Session, output: &Output) -> String {
    let state = match session.state {
        SessionState::Running => "running",
        SessionState::Waiting => "needs you",
        SessionState::Idle => "done",
        SessionState::Interrupted => "interrupted",
    };
    let title = if session.title.is_empty() {
        "(no message yet)"
    } else {
        &session.title
    };
    let archived = if session.archived { "  archived" } else { "" };
    format!(
        "{}  {}  {state:<11}  {}{archived}",
        session.id,
        time(session.updated_at),
        output.styled(Style::Strong, &visible(title))
    )
}

/// The user's local time, to the minute.
pub(crate) fn time(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at)
        .map(|at| {
            at.to_zoned(TimeZone::system())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        })
        .unwrap_or_else(|_| "(no time)       ".to_owned())
}
