//! The tools that only look: read_file, list_dir, find_files, grep.

use super::{ToolOutput, or_root};
use crate::reads::Shown;
use kerf_index::{FindQuery, GrepQuery};
use kerf_protocol::ledger::FileRange;
use kerf_workspace::{FsError, Kind, RelPath, TextFile, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt::Write, sync::atomic::AtomicBool};

/// The largest file that is read at all, in bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;
/// What a call gives back at most, in bytes.
const MAX_OUTPUT: usize = 48 * 1024;
const MAX_LINES: usize = 2_000;
const MAX_LINE_CHARS: usize = 1_000;
const MAX_MATCHES: usize = 200;
const MAX_FILES: usize = 300;

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

/// Finds files by name: a glob like `src/**/*.rs`, or parts of the name. Ignored files are left out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindFiles {
    pub(crate) pattern: String,
}

/// Searches in files by regular expression (Rust syntax). Gives `path:line:column: text`. Ignored and binary files are left out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grep {
    pub(crate) pattern: String,
    /// Only under this folder or in this file.
    #[serde(default)]
    pub(crate) path: String,
    /// Only in files like `*.ts`.
    pub(crate) glob: Option<String>,
    /// Take the pattern as plain text.
    #[serde(default)]
    pub(crate) literal: bool,
    #[serde(default)]
    pub(crate) ignore_case: bool,
    /// Lines to show around each match.
    #[serde(default)]
    pub(crate) context: u32,
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
    pub(crate) fn run(&self, workspace: &Workspace) -> (ToolOutput, Option<Shown>) {
        match self.read(workspace) {
            Ok((output, shown)) => (output, Some(shown)),
            Err(message) => (ToolOutput::failed(message), None),
        }
    }

    fn read(&self, workspace: &Workspace) -> Result<(ToolOutput, Shown), String> {
        let path = workspace
            .resolve(&self.path)
            .map_err(|error| error.to_string())?;
        // The stamp is taken first: a change while reading then makes the version that was read an old one.
        let stat = workspace
            .fs()
            .stat(&path)
            .map_err(|error| missing(workspace, &path, error))?;
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
            last = index + 1;
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

/// Says of a missing file where one of its name is.
pub(crate) fn missing(workspace: &Workspace, path: &RelPath, error: FsError) -> String {
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

/// Says of a place that a search would silently find nothing in why it is none to search.
fn searchable(workspace: &Workspace, path: &RelPath) -> Result<(), String> {
    let fs = workspace.fs();
    let stat = fs
        .stat(path)
        .map_err(|error| missing(workspace, path, error))?;
    if stat.kind != Kind::Link {
        return Ok(());
    }
    match fs.list(path) {
        // It stays inside: a folder, or a file.
        Ok(_) | Err(FsError::NotADir { .. }) => Err(match fs.read_link(path) {
            Ok(target) => format!(
                "`{path}` is a link to `{}`, and a search follows no link; search there",
                target.display()
            ),
            Err(error) => error.to_string(),
        }),
        Err(error) => Err(error.to_string()),
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
    pub(crate) fn run(&self, workspace: &Workspace) -> ToolOutput {
        let path = match workspace.resolve(or_root(&self.path)) {
            Ok(path) => path,
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        let entries = match workspace.fs().list(&path) {
            Ok(entries) => entries,
            Err(error) => return ToolOutput::failed(missing(workspace, &path, error)),
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

impl FindFiles {
    pub(crate) fn run(&self, workspace: &Workspace, cancel: &AtomicBool) -> ToolOutput {
        let query = FindQuery {
            pattern: self.pattern.clone(),
            under: RelPath::root(),
            limit: MAX_FILES,
        };
        match kerf_index::find_files(workspace, &query, cancel) {
            Ok(found) if found.paths.is_empty() => ToolOutput::done("(no file)"),
            Ok(found) => {
                let mut text = String::new();
                for path in &found.paths {
                    let _ = writeln!(text, "{path}");
                }
                if found.total > found.paths.len() {
                    let _ = writeln!(
                        text,
                        "({} more were left out; narrow the pattern)",
                        found.total - found.paths.len()
                    );
                }
                ToolOutput::done(text)
            }
            Err(error) => ToolOutput::failed(error.to_string()),
        }
    }
}

impl Grep {
    pub(crate) fn run(&self, workspace: &Workspace, cancel: &AtomicBool) -> ToolOutput {
        let under = match workspace.resolve(or_root(&self.path)) {
            Ok(path) => path,
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        if let Err(message) = searchable(workspace, &under) {
            return ToolOutput::failed(message);
        }
        let query = GrepQuery {
            pattern: self.pattern.clone(),
            literal: self.literal,
            ignore_case: self.ignore_case,
            multi_line: false,
            under,
            glob: self.glob.clone(),
            hidden: true,
            limit: MAX_MATCHES,
            context: self.context.min(10) as usize,
        };
        let grepped = match kerf_index::grep(workspace, &query, cancel) {
            Ok(grepped) => grepped,
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        if grepped.found.is_empty() {
            return ToolOutput::done("(no match)");
        }
        let mut output = ToolOutput::done(String::new());
        let mut shown = 0;
        for found in &grepped.found {
            if output.text.len() > MAX_OUTPUT {
                break;
            }
            let before = u32::try_from(found.before.len()).unwrap_or(0);
            let first = found.line.saturating_sub(before).max(1);
            for (line, number) in found.before.iter().zip(first..) {
                let _ = writeln!(output.text, "{}-{number}- {line}", found.path);
            }
            let _ = writeln!(
                output.text,
                "{}:{}:{}: {}",
                found.path, found.line, found.column, found.text
            );
            for (line, number) in found.after.iter().zip(found.line + 1..) {
                let _ = writeln!(output.text, "{}-{number}- {line}", found.path);
            }
            output.quotes.push(FileRange {
                path: found.path.to_string(),
                first_line: first,
                last_line: found.line + u32::try_from(found.after.len()).unwrap_or(0),
            });
            shown += 1;
        }
        if grepped.truncated || shown < grepped.found.len() {
            let _ = writeln!(
                output.text,
                "({shown} matches shown; there are more, narrow the pattern or the path)"
            );
        }
        output
    }
}
