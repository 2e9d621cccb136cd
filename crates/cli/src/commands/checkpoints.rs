//! `kerf checkpoints` and `kerf restore`: going back without a window.

use crate::{
    args::Restore as Arguments,
    commands::{find_session, sessions::time},
    exit::Exit,
    output::{Output, Style, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    checkpoint::{
        CheckpointRef, Restore, RestoreAct, RestoreChoice, RestoreFile, RestorePreview,
        RestoreWhat, Restored,
    },
    request::{SessionRef, method},
};

pub(crate) async fn list(
    engine: &Engine,
    folder: &str,
    session: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    let session_id = find_session(engine, folder, session).await?;
    let found = engine
        .call::<method::CheckpointList>(SessionRef { session_id })
        .await?;
    for checkpoint in &found.checkpoints {
        if output.json() {
            output.object(checkpoint);
            continue;
        }
        let files = counted(checkpoint.files, "file");
        let note = match (checkpoint.gone_at, checkpoint.note.as_str()) {
            (Some(at), _) => format!("; given up for room at {}", time(at)),
            (None, "") => String::new(),
            (None, note) => format!("; {note}"),
        };
        let note = output.styled(Style::Notice, &note);
        output.line(&format!(
            "{:>5}  {}  {}  {files}{note}",
            checkpoint.id,
            time(checkpoint.created_at),
            visible(&checkpoint.label),
        ));
    }
    if !output.json() {
        match &found.none_because {
            Some(reason) => {
                output.line(&format!(
                    "no checkpoints are taken here: {}",
                    visible(reason)
                ));
            }
            None if found.checkpoints.is_empty() => output.line("no checkpoints yet"),
            None => {}
        }
    }
    output.flush();
    Ok(Exit::Done)
}

pub(crate) async fn restore(
    engine: &Engine,
    folder: &str,
    arguments: Arguments,
    output: &Output,
) -> Result<Exit, Failure> {
    let session_id = find_session(engine, folder, &arguments.session).await?;
    let named = !arguments.paths.is_empty();
    let what = match (arguments.files || named, arguments.conversation) {
        (true, _) => RestoreWhat::Files,
        (_, true) => RestoreWhat::Conversation,
        _ => RestoreWhat::Both,
    };
    let paths = named.then_some(arguments.paths);
    let checkpoint_id = arguments.checkpoint;
    if arguments.dry_run {
        let mut preview = engine
            .call::<method::CheckpointPreview>(CheckpointRef {
                session_id,
                checkpoint_id,
            })
            .await?;
        if what == RestoreWhat::Conversation {
            preview.files.clear();
        }
        if what == RestoreWhat::Files {
            preview.messages.clear();
        }
        if let Some(paths) = &paths {
            preview
                .files
                .retain(|file| paths.iter().any(|path| is_in(&file.change.path, path)));
        }
        if output.json() {
            output.object(&preview);
        } else {
            print(&preview, named, output);
        }
    } else {
        let restored = engine
            .call::<method::CheckpointRestore>(Restore {
                session_id,
                checkpoint_id,
                what,
                paths,
            })
            .await?;
        if output.json() {
            output.object(&restored);
        } else {
            report(&restored, output);
        }
    }
    output.flush();
    Ok(Exit::Done)
}

/// Whether a path is the named one, or in the named folder.
fn is_in(path: &str, named: &str) -> bool {
    let named = named.trim_start_matches("./").trim_end_matches('/');
    path.strip_prefix(named)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn print(preview: &RestorePreview, named: bool, output: &Output) {
    output.line(&visible(&preview.checkpoint.label));
    if preview.files.is_empty() && preview.messages.is_empty() {
        output.line("nothing would change");
    }
    for file in &preview.files {
        print_file(file, named, output);
    }
    for message in &preview.messages {
        output.line(&format!("  hidden: {}", visible(message)));
    }
}

fn print_file(file: &RestoreFile, named: bool, output: &Output) {
    let goes = match file.choice {
        RestoreChoice::Goes => true,
        RestoreChoice::IfNamed => named,
        RestoreChoice::Stays => false,
    };
    let act = match (goes, file.act) {
        (false, _) => "stays ",
        (true, RestoreAct::Make) => "make  ",
        (true, RestoreAct::Write) => "write ",
        (true, RestoreAct::Delete) => "delete",
    };
    let (added, removed) = file
        .change
        .hunks
        .iter()
        .fold((0, 0), |(added, removed), hunk| {
            (added + hunk.added, removed + hunk.removed)
        });
    let why = match (file.why.as_str(), file.choice) {
        ("", _) => String::new(),
        (why, RestoreChoice::IfNamed) if !named => format!("  ({why}; name it to restore it)"),
        (why, _) => format!("  ({why})"),
    };
    output.line(&format!(
        "  {act}  {}  +{added} -{removed}{why}",
        visible(&file.change.path)
    ));
}

fn report(restored: &Restored, output: &Output) {
    for path in &restored.written {
        output.line(&format!("  restored {}", visible(path)));
    }
    for stayed in &restored.stayed {
        output.line(&format!(
            "  stays as it is: {} ({})",
            visible(&stayed.path),
            visible(&stayed.why)
        ));
    }
    let files = counted(restored.written.len() as u64, "file");
    let hidden = match restored.hidden_messages {
        0 => String::new(),
        count => format!(", {} hidden", counted(u64::from(count), "message")),
    };
    output.line(&format!(
        "{files} restored{hidden}; checkpoint {} holds what was there before",
        restored.undo
    ));
}

/// `1 file`, `2 files`.
fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
