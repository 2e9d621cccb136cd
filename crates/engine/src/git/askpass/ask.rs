//! The program that git and ssh start to ask: it carries the question to Kerf and prints the answer.

use super::{MAX_TEXT_BYTES, PLACE, Question, Reply, TOKEN, cut};
use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process,
};

/// A longer answer is none.
const MAX_REPLY_BYTES: u64 = 256 * 1024;

/// When this process was started by git or ssh to ask something, asks, prints the answer and never returns; otherwise
/// returns at once.
pub(crate) fn run_if_asked() {
    let (Some(place), Ok(token)) = (env::var_os(PLACE), env::var(TOKEN)) else {
        return;
    };
    let mut words = env::args_os();
    let name = words.next().unwrap_or_default();
    let (Some(text), None) = (words.next(), words.next()) else {
        return;
    };
    if !is_asked(&name, &text) {
        return;
    }
    let hint = env::var("SSH_ASKPASS_PROMPT").unwrap_or_default();
    if hint == "none" {
        // Something to be told, not asked, until ssh ends this process. The command's own output says more.
        process::exit(0);
    }
    let question = Question {
        token,
        text: cut(text
            .to_string_lossy()
            .chars()
            .take(MAX_TEXT_BYTES)
            .collect()),
        confirm: hint == "confirm",
    };
    match ask(&place, &question) {
        Ok(Some(answer)) => {
            let mut out = io::stdout();
            let told = writeln!(out, "{answer}").and_then(|()| out.flush());
            process::exit(i32::from(told.is_err()));
        }
        // No answer is a failure to whoever asked: the command goes on without, or ends.
        Ok(None) => process::exit(1),
        Err(error) => {
            // Into the command's output; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "Kerf could not be asked: {error}");
            process::exit(1);
        }
    }
}

/// Whether this start is a question. A hook that starts Kerf has the same environment.
#[cfg(unix)]
fn is_asked(name: &OsStr, _text: &OsStr) -> bool {
    std::path::Path::new(name).file_name() == Some(OsStr::new(super::NAME))
}

/// Here the program has one name, and a question is told from a command by how it looks.
#[cfg(windows)]
fn is_asked(_name: &OsStr, text: &OsStr) -> bool {
    let text = text.to_string_lossy();
    text.contains(char::is_whitespace) || text.contains(':')
}

fn ask(place: &OsString, question: &Question) -> io::Result<Option<String>> {
    let mut connection = connect(place)?;
    let mut bytes = serde_json::to_vec(question)?;
    bytes.push(b'\n');
    connection.write_all(&bytes)?;
    connection.flush()?;
    let mut line = String::new();
    BufReader::new(connection)
        .take(MAX_REPLY_BYTES)
        .read_line(&mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let reply: Reply = serde_json::from_str(&line)?;
    Ok(reply.answer)
}

#[cfg(unix)]
fn connect(place: &OsString) -> io::Result<std::os::unix::net::UnixStream> {
    std::os::unix::net::UnixStream::connect(place)
}

#[cfg(windows)]
fn connect(place: &OsString) -> io::Result<std::fs::File> {
    // Another question may have taken the instance that waited; the next one is there in a moment.
    const TRIES: u32 = 50;
    const BUSY: i32 = 231;
    let mut tries = 0;
    loop {
        match std::fs::File::options().read(true).write(true).open(place) {
            Err(error) if error.raw_os_error() == Some(BUSY) && tries < TRIES => {
                tries += 1;
                #[expect(
                    clippy::disallowed_methods,
                    reason = "this program has nothing else to do"
                )]
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            done => return done,
        }
    }
}
