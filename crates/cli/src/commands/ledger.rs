//! `kerf ledger`: what left this machine.

use crate::{
    args::{Ledger, LedgerBy},
    commands::{find_session, sessions::time},
    exit::Exit,
    output::{Output, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure, SessionId,
    ledger::{
        LedgerRef, LedgerRow, LedgerTotal, ListLedger, Purpose, TotalBy, TotalLedger, VerifyLedger,
    },
    request::method,
};
use std::io::{IsTerminal, stdout};

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    command: Ledger,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    match command {
        Ledger::List {
            session,
            file,
            day,
            text,
            limit,
        } => {
            let list = ListLedger {
                session_id: session_id(engine, folder, session).await?,
                // A path alone names no file.
                folder: file.as_ref().map(|_| folder.to_owned()),
                file,
                day,
                text,
                before: None,
                limit,
            };
            let restricted = list
                != ListLedger {
                    limit,
                    ..ListLedger::default()
                };
            let rows = engine.call::<method::LedgerList>(list).await?;
            if rows.is_empty() && !output.json() {
                output.line(if restricted {
                    "nothing like that has left this machine"
                } else {
                    "nothing has left this machine"
                });
            }
            rows.iter().for_each(|row| print_row(row, output));
        }
        Ledger::Show { id } => {
            let shown = engine.call::<method::LedgerShow>(LedgerRef { id }).await?;
            if output.json() {
                output.object(&shown);
            } else if stdout().is_terminal() {
                output.line(&visible(&shown.body));
            } else {
                // Into a file or a pipe goes what was sent, to the byte: its hash is the row's.
                output.bytes(shown.body.as_bytes());
            }
        }
        Ledger::Totals { by, all } => {
            let total = TotalLedger {
                by: match by {
                    LedgerBy::File => TotalBy::File,
                    LedgerBy::Session => TotalBy::Session,
                    LedgerBy::Day => TotalBy::Day,
                },
                folder: (!all).then(|| folder.to_owned()),
            };
            let totals = engine.call::<method::LedgerTotals>(total).await?;
            if totals.is_empty() && !output.json() {
                output.line(match by {
                    LedgerBy::File => "no part of a file has left this machine",
                    LedgerBy::Session | LedgerBy::Day => "nothing has left this machine",
                });
            }
            totals.iter().for_each(|total| print_total(total, output));
        }
        Ledger::Export { session } => {
            let list = ListLedger {
                session_id: session_id(engine, folder, session).await?,
                ..ListLedger::default()
            };
            let rows = engine.call::<method::LedgerList>(list).await?;
            for row in rows.iter().rev() {
                let shown = engine
                    .call::<method::LedgerShow>(LedgerRef { id: row.id })
                    .await?;
                output.object(&shown);
            }
        }
        Ledger::Verify { seal } => {
            let proof = engine
                .call::<method::LedgerVerify>(VerifyLedger { seal })
                .await?;
            if output.json() {
                output.object(&proof);
            } else {
                match (proof.broken, &proof.seal) {
                    (Some(id), _) => output.line(&format!(
                        "row {id} is missing or was changed; the rows before it are as they were written"
                    )),
                    (None, None) => output.line("nothing has left this machine"),
                    (None, Some(seal)) => {
                        let rows = if proof.rows == 1 { "row" } else { "rows" };
                        output.line(&format!("{} {rows}, none changed or missing", proof.rows));
                        output.line(&format!("seal {seal}"));
                    }
                }
            }
            if proof.broken.is_some() {
                exit = Exit::Failed;
            }
        }
    }
    output.flush();
    Ok(exit)
}

async fn session_id(
    engine: &Engine,
    folder: &str,
    name: Option<String>,
) -> Result<Option<SessionId>, Failure> {
    match name {
        Some(name) => find_session(engine, folder, &name).await.map(Some),
        None => Ok(None),
    }
}

fn print_row(row: &LedgerRow, output: &Output) {
    if output.json() {
        output.object(row);
        return;
    }
    let entry = &row.entry;
    let files = match entry.files.len() {
        0 if entry.purpose == Purpose::Command => match row.traffic {
            Some(traffic) => format!("a command, {} bytes back", traffic.down),
            None => "a command, not ended".to_owned(),
        },
        0 => "no file".to_owned(),
        1 => visible(&entry.files[0].path).into_owned(),
        n => format!("{n} parts of files"),
    };
    output.line(&format!(
        "{:>6}  {}  {:<28}  {:>9} bytes  {}",
        row.id,
        time(entry.at),
        visible(&entry.host),
        row.traffic.map_or(entry.bytes, |traffic| traffic.up),
        files
    ));
}

fn print_total(total: &LedgerTotal, output: &Output) {
    if output.json() {
        output.object(total);
        return;
    }
    let requests = if total.requests == 1 {
        "request "
    } else {
        "requests"
    };
    let name = total.title.as_ref().unwrap_or(&total.key);
    output.line(&format!(
        "{}  {:>5} {requests}  {:>9} bytes  {:<28}  {}",
        time(total.last_at),
        total.requests,
        total.bytes,
        visible(&total.hosts.join(", ")),
        visible(name),
    ));
}
