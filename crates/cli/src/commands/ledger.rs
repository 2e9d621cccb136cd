//! `kerf ledger`: what left this machine.

use crate::{
    args::Ledger,
    commands::find_session,
    exit::Exit,
    output::{Output, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    request::{LedgerRef, ListLedger, method},
};
use std::io::{IsTerminal, stdout};

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    command: Ledger,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Ledger::List { session, limit } => {
            let session_id = match session {
                Some(name) => Some(find_session(engine, folder, &name).await?),
                None => None,
            };
            let rows = engine
                .call::<method::LedgerList>(ListLedger { session_id, limit })
                .await?;
            if rows.is_empty() && !output.json() {
                output.line("nothing has left this machine");
            }
            for row in &rows {
                if output.json() {
                    output.object(row);
                    continue;
                }
                let entry = &row.entry;
                let files = match entry.files.len() {
                    0 => "no file".to_owned(),
                    1 => visible(&entry.files[0].path).into_owned(),
                    n => format!("{n} parts of files"),
                };
                output.line(&format!(
                    "{:>6}  {}  {:<28}  {:>9} bytes  {}",
                    row.id,
                    super::sessions::time(entry.at),
                    visible(&entry.host),
                    entry.bytes,
                    files
                ));
            }
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
    }
    output.flush();
    Ok(Exit::Done)
}
