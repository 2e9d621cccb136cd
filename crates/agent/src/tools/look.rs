//! The tools that look at files and folders: read_file, list_dir.

use super::{ToolOutput, or_root};
use crate::{reads::Shown, withheld::Guard};
use kerf_index::FindQuery;
use kerf_protocol::ledger::FileRange;
use kerf_workspace::{FsError, Kind, RelPath, TextFile, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt::Write, sync::atomic::AtomicBool};

/// The largest file that is read at all, in bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;
/// What a call gives back at most, in bytes.
pub(super) const MAX_OUTPUT: usize = 48 * 1024;
const MAX_LINES: usize = 2_000;
const MAX_LINE_CHARS: usize = 1_000;

/// Reads a text file. Each line comes with its number and a tab, which are not part of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadFile {
    pub(crate) path: String,
    /// From 1.
    pub(crate) first_line: Option<u32>,
    pub(crate) last_line: Option<u32>,
}

/// Lists a folder: names, folders with a `/` at the end.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListDir {
    #[serde(default)]
    pub(crate) path: String,
}

/// Stands for a line of a private key that is shown without the key's first line.
pub(super) const KEY_LINE: &str = "(a line of a private key)";

/// The lines of a file that are in a private key, each key with its first and its last line.
#[derive(Debug, Default)]
pub(super) struct KeyLines(Vec<(usize, usize)>);

impl KeyLines {
    pub(super) fn of(text: &str) -> Self {
        let (mut at, mut line) = (0, 1);
        let mut number = |to: usize| {
            line += text[at..to].bytes().filter(|byte| *byte == b'\n').count();
            at = to;
            line
        };
        let blocks = kerf_secrets::key_blocks(text);
        let lines = blocks
            .iter()
            .map(|block| (number(block.range.start), number(block.range.end)));
        Self(lines.collect())
    }

    /// The first line of the key that a line is in.
    pub(super) fn begin_of(&self, line: usize) -> Option<usize> {
        let (begin, end) = self.0.iter().rev().find(|(begin, _)| *begin <= line)?;
        (line <= *end).then_some(*begin)
    }
}

impl ReadFile {
    pub(crate) fn title(&self) -> String {
        match (self.first_line, self.last_line) {
            (None, None) => format!("Read {}", self.path),
            (first, last) => format!(
                "Read {}:{}-{}",
                self.path,
                first.unwrap_or(1),
                last.map_or_else(|| "end".to_owned(), |last| last.to_string())
            ),
        }
    }

    /// Reads; also says what of the file was shown.
    pub(crate) fn run(&self, workspace: &Workspace, guard: &Guard) -> (ToolOutput, Option<Shown>) {
        match self.read(workspace, guard) {
            Ok((output, shown)) => (output, Some(shown)),
            Err(message) => (ToolOutput::failed(message), None),
        }
    }

    fn read(&self, workspace: &Workspace, guard: &Guard) -> Result<(ToolOutput, Shown), String> {
        let path = workspace
            .resolve(&self.path)
            .map_err(|error| error.to_string())?;
        guard.check(&path).map_err(|error| error.to_string())?;
        // The stamp is taken first: a change while reading then makes the version that was read an old one.
        let stat = workspace
            .fs()
            .stat(&path)
            .map_err(|error| missing(workspace, guard, &path, error))?;
        if stat.kind == Kind::Dir {
            return Err(format!("{path} is a folder; list it with list_dir"));
        }
        let bytes = workspace
            .fs()
            .read(&path, MAX_FILE_BYTES)
            .map_err(|error| error.to_string())?;
        let file = TextFile::decode(&bytes)
            .map_err(|error| format!("{path} is not a text file ({error})"))?;
        let total = file.text.lines().count();
        let first = self.first_line.unwrap_or(1).max(1) as usize;
        let wanted_last = self
            .last_line
            .map_or(total, |last| last as usize)
            .min(total);
        let mut shown = Shown {
            path: path.clone(),
            stamp: stat.stamp(),
            lines: Vec::new(),
        };
        if total == 0 {
            return Ok((ToolOutput::done("(the file is empty)"), shown));
        }
        if first > total || wanted_last < first {
            return Err(format!(
                "{path} has {total} lines; lines {first} to {wanted_last} are none of them"
            ));
        }
        let keys = KeyLines::of(&file.text);
        let mut text = String::new();
        let mut last = first - 1;
        for (index, line) in file
            .text
            .lines()
            .enumerate()
            .take(wanted_last)
            .skip(first - 1)
        {
            if text.len() > MAX_OUTPUT || index + 1 - first >= MAX_LINES {
                break;
            }
            last = index + 1;
            // Where its first line is not shown, nothing tells that this is one of a key.
            if keys.begin_of(last).is_some_and(|begin| begin < first) {
                let _ = writeln!(text, "{last}\t{KEY_LINE}");
                continue;
            }
            let end = line
                .char_indices()
                .nth(MAX_LINE_CHARS)
                .map_or(line.len(), |(at, _)| at);
            let _ = write!(text, "{}\t{}", index + 1, &line[..end]);
            if end < line.len() {
                let _ = write!(text, " … ({} more bytes in this line)", line.len() - end);
            } else {
                shown.add_line(index + 1);
            }
            text.push('\n');
        }
        if last < wanted_last {
            let _ = writeln!(
                text,
                "(lines {} to {wanted_last} of {total} were left out; ask for them by first_line)",
                last + 1
            );
        }
        let mut output = ToolOutput::done(text);
        output.quotes.push(FileRange {
            path: path.to_string(),
            first_line: u32::try_from(first).unwrap_or(u32::MAX),
            last_line: u32::try_from(last).unwrap_or(u32::MAX),
        });
        Ok((output, shown))
    }
}

/// Says of a missing file where one of its name is, unless the user withholds that.
pub(crate) fn missing(
    workspace: &Workspace,
    guard: &Guard,
    path: &RelPath,
    error: FsError,
) -> String {
    if !matches!(error, FsError::NotFound { .. }) {
        return error.to_string();
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let query = FindQuery {
        pattern: format!("**/{}", glob_escape(&name)),
        under: RelPath::root(),
        limit: 3,
    };
    let near = kerf_index::find_files(workspace, &query, &AtomicBool::new(false))
        .map(|found| {
            found
                .paths
                .iter()
                .filter(|path| !guard.is_kept_quiet(path))
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        })
        .unwrap_or_default();
    if near.is_empty() {
        error.to_string()
    } else {
        format!("{error}; did you mean {}?", near.join(" or "))
    }
}

fn glob_escape(name: &str) -> String {
    name.chars()
        .flat_map(|char| match char {
            '*' | '?' | '[' | ']' | '{' | '}' | '\\' => vec!['[', char, ']'],
            _ => vec![char],
        })
        .collect()
}

impl ListDir {
    pub(crate) fn run(&self, workspace: &Workspace, guard: &Guard) -> ToolOutput {
        let path = match workspace.resolve(or_root(&self.path)) {
            Ok(path) => path,
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        if let Err(withheld) = guard.check_folder(&path) {
            return ToolOutput::failed(withheld.to_string());
        }
        let entries = match workspace.fs().list(&path) {
            Ok(entries) => entries,
            Err(error) => return ToolOutput::failed(missing(workspace, guard, &path, error)),
        };
        let mut text = String::new();
        for entry in entries.iter().take(MAX_LINES) {
            let end = match entry.stat.kind {
                Kind::Dir => "/",
                Kind::Link => "@",
                Kind::File | Kind::Other => "",
            };
            let name = path.join(&entry.name);
            let name = name.to_string();
            let _ = writeln!(text, "{}{end}", name.rsplit('/').next().unwrap_or(&name));
        }
        if entries.len() > MAX_LINES {
            let _ = writeln!(text, "({} more were left out)", entries.len() - MAX_LINES);
        }
        ToolOutput::done(if text.is_empty() {
            "(the folder is empty)".to_owned()
        } else {
            text
        })
    }
}
