//! `kerf index`: builds the index of a folder, or says how it stands.

use crate::{
    args::Index as Arguments,
    exit::Exit,
    output::{Output, visible},
};
use kerf_engine::{Engine, FeedMessage};
use kerf_protocol::{
    Failure,
    request::{Folder, method},
    search::{IndexState, IndexStatus, LeftOut},
};
use serde::Serialize;
use std::{
    io::{IsTerminal, Write, stderr},
    time::Instant,
};

/// An index, and how long it took to bring it up to date.
#[derive(Serialize)]
struct Told<'a> {
    state: &'static str,
    files: u64,
    bytes: u64,
    seconds: f64,
    size: u64,
    left_out: &'a [LeftOut],
    note: Option<&'a str>,
}

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    command: Option<Arguments>,
    output: &Output,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let folder = || Folder {
        folder: folder.to_owned(),
    };
    let mut feed = engine.feed();
    let mut status = engine.call::<method::IndexStatus>(folder()).await?;
    if let Some(Arguments::Rebuild) = command {
        engine.call::<method::IndexRebuild>(folder()).await?;
        status = engine.call::<method::IndexStatus>(folder()).await?;
    }
    let mut is_told = false;
    while matches!(status.state, IndexState::Building { .. }) {
        is_told |= progress(&status, output);
        if let FeedMessage::Index(next) = feed.next().await {
            status = next;
        }
    }
    if is_told {
        eprintln!();
    }
    tell(&status, begun.elapsed().as_secs_f64(), output);
    output.flush();
    Ok(match status.state {
        IndexState::Off => Exit::Failed,
        _ => Exit::Done,
    })
}

/// One line on a terminal, written over and over. Whether there is one now.
fn progress(status: &IndexStatus, output: &Output) -> bool {
    let IndexState::Building {
        files_done,
        files_total,
        left_ms,
        ..
    } = status.state
    else {
        return false;
    };
    if output.json() || !stderr().is_terminal() || files_total == 0 {
        return false;
    }
    let left = left_ms.map_or_else(String::new, |left| {
        format!(", about {} s left", left / 1000)
    });
    // Where standard error is closed there is nobody to tell.
    let _ = write!(
        stderr(),
        "\r{files_done} of {files_total} files{left}\u{1b}[K"
    );
    true
}

fn tell(status: &IndexStatus, seconds: f64, output: &Output) {
    let state = match status.state {
        IndexState::Building { .. } => "building",
        IndexState::Ready => "ready",
        IndexState::Off => "off",
    };
    if output.json() {
        output.object(&Told {
            state,
            files: status.files,
            bytes: status.bytes,
            seconds,
            size: status.size,
            left_out: &status.left_out,
            note: status.note.as_deref(),
        });
        return;
    }
    output.line(&format!(
        "index    {state}, up to date after {seconds:.2} s"
    ));
    output.line(&format!("files    {}", status.files));
    output.line(&format!("bytes    {}", status.bytes));
    output.line(&format!("on disk  {} bytes", status.size));
    for left_out in &status.left_out {
        output.line(&format!(
            "left out {} {}",
            left_out.files,
            visible(&left_out.reason)
        ));
    }
    if let Some(note) = &status.note {
        output.line(&format!("note     {}", visible(note)));
    }
}
