//! The tools that search: grep, find_files, search_code, symbols, outline.
//!
//! They go through the folder's index. Without one, text and names are searched by reading the folder.

mod filter;

use super::{
    ToolOutput,
    look::{MAX_OUTPUT, missing},
    or_root,
};
use crate::withheld::Guard;
use filter::Filter;
use kerf_index::{
    Answer, FindQuery, Focus, GrepQuery, Hit, HitKind, Index, Key, Known, Mode, Query, Wanted,
};
use kerf_protocol::ledger::FileRange;
use kerf_workspace::{FsError, Kind, RelPath, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt::Write, sync::atomic::AtomicBool};

const MAX_MATCHES: usize = 200;
const MAX_FILES: usize = 300;
/// Ranked hits of a call when it asks for no other number, and at most.
const HITS: u32 = 20;
const MAX_HITS: u32 = 100;
/// Places that name a definition.
const MAX_REFERENCES: usize = 100;
/// The length of an outline of a folder, in tokens.
const OUTLINE_TOKENS: usize = 2_000;

/// The folder and its index.
#[derive(Debug, Clone)]
pub(crate) struct Searched {
    pub(crate) workspace: Workspace,
    pub(crate) index: Option<Index>,
    /// Tells which files are withheld.
    pub(crate) guard: Guard,
}

/// Finds files by name: a glob like `src/**/*.rs`, or parts of the name. Ignored files are left out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindFiles {
    pub(crate) pattern: String,
}

/// Searches in files by regular expression (Rust syntax). Gives `path:line:column: text`. Ignored, withheld and binary files are left out.
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

/// Finds code by words or a question ("where are refunds rounded"), best first. Filters in the query: path:src lang:rust kind:function -word "exact phrase".
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchCode {
    pub(crate) query: String,
    /// Only under this folder or in this file.
    #[serde(default)]
    pub(crate) path: String,
    /// How many hits, 20 if not given.
    pub(crate) limit: Option<u32>,
}

/// Finds where a name is defined (`parse`, `Parser::parse`), and with references where it is used.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Symbols {
    pub(crate) name: String,
    /// Only under this folder or in this file.
    #[serde(default)]
    pub(crate) path: String,
    /// The places that use it too.
    #[serde(default)]
    pub(crate) references: bool,
}

/// The definitions of a file with their lines; of a folder the most important ones. Cheaper than reading.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outline {
    #[serde(default)]
    pub(crate) path: String,
}

impl FindFiles {
    pub(crate) fn run(&self, at: &Searched, cancel: &AtomicBool) -> ToolOutput {
        if let Some(index) = &at.index {
            return self.by_index(at, index, cancel);
        }
        let query = FindQuery {
            pattern: self.pattern.clone(),
            under: RelPath::root(),
            limit: MAX_FILES,
        };
        match kerf_index::find_files(&at.workspace, &query, cancel) {
            Ok(found) => {
                let left_out = found.total - found.paths.len();
                at.named(found.paths.iter(), left_out)
            }
            Err(error) => ToolOutput::failed(error.to_string()),
        }
    }

    fn by_index(&self, at: &Searched, index: &Index, cancel: &AtomicBool) -> ToolOutput {
        let sought = Sought {
            text: &self.pattern,
            mode: Mode::Path,
            within: "",
            limit: MAX_FILES,
        };
        match ask(index, &at.guard, &sought, cancel) {
            Ok(answer) => {
                let left_out = answer.total - answer.hits.len();
                at.named(answer.hits.iter().map(|hit| &hit.path), left_out)
            }
            Err(message) => ToolOutput::failed(message),
        }
    }
}

impl Grep {
    pub(crate) fn run(&self, at: &Searched, cancel: &AtomicBool) -> ToolOutput {
        let under = match at.workspace.resolve(or_root(&self.path)) {
            Ok(path) => path,
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        if let Err(message) = at.searchable(&under) {
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
        let hides = |path: &RelPath| at.guard.hides(path);
        let grepped = match &at.index {
            Some(index) => index.grep_without(&query, &hides, cancel),
            None => kerf_index::grep_without(&at.workspace, &query, &hides, cancel),
        };
        let grepped = match grepped {
            Ok(grepped) => grepped,
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        if grepped.found.is_empty() {
            return ToolOutput::done("(no match)");
        }
        let mut output = ToolOutput::done(String::new());
        let mut filter = Filter::new(at);
        let mut shown = 0;
        for found in &grepped.found {
            if output.text.len() > MAX_OUTPUT {
                break;
            }
            shown += 1;
            let before = u32::try_from(found.before.len()).unwrap_or(0);
            let first = found.line.saturating_sub(before).max(1);
            for (line, number) in found.before.iter().zip(first..) {
                let line = filter.line(&found.path, number, line);
                let _ = writeln!(output.text, "{}-{number}- {line}", found.path);
            }
            let _ = writeln!(
                output.text,
                "{}:{}:{}: {}",
                found.path,
                found.line,
                found.column,
                filter.line(&found.path, found.line, &found.text)
            );
            for (line, number) in found.after.iter().zip(found.line + 1..) {
                let line = filter.line(&found.path, number, line);
                let _ = writeln!(output.text, "{}-{number}- {line}", found.path);
            }
            output.quotes.push(FileRange {
                path: found.path.to_string(),
                first_line: first,
                last_line: found.line + u32::try_from(found.after.len()).unwrap_or(0),
            });
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

impl SearchCode {
    pub(crate) fn run(&self, at: &Searched, cancel: &AtomicBool) -> ToolOutput {
        let limit = self.limit.unwrap_or(HITS).clamp(1, MAX_HITS) as usize;
        match at.ask(&self.query, Mode::Words, &self.path, limit, cancel) {
            Ok(answer) => at.shown(&answer, "narrow the query"),
            Err(message) => ToolOutput::failed(message),
        }
    }
}

impl Symbols {
    pub(crate) fn run(&self, at: &Searched, cancel: &AtomicBool) -> ToolOutput {
        let limit = MAX_HITS as usize;
        let defined = at.ask(&self.name, Mode::Symbol, &self.path, limit, cancel);
        let mut output = match defined {
            Ok(answer) => at.shown(&answer, "give more of the name or a path"),
            Err(message) => return ToolOutput::failed(message),
        };
        if !self.references {
            return output;
        }
        let name = format!("ref:\"{}\"", self.name.replace('"', ""));
        match at.ask(&name, Mode::Words, &self.path, MAX_REFERENCES, cancel) {
            Ok(answer) => {
                let used = at.shown(&answer, "give a path");
                let _ = write!(output.text, "used:\n{}", used.text);
                output.quotes.extend(used.quotes);
            }
            Err(message) => return ToolOutput::failed(message),
        }
        output
    }
}

impl Outline {
    pub(crate) fn run(&self, at: &Searched, cancel: &AtomicBool) -> ToolOutput {
        let Some(index) = &at.index else {
            return ToolOutput::failed(NO_INDEX);
        };
        let path = match at.workspace.resolve(or_root(&self.path)) {
            Ok(path) => path,
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        let outlined = match at.workspace.fs().stat(&path) {
            Ok(stat) if stat.kind == Kind::Dir => match at.guard.check_folder(&path) {
                Ok(()) => of_folder(index, &at.guard, &path, cancel),
                Err(withheld) => Err(withheld.to_string()),
            },
            Ok(_) => match at.guard.check(&path) {
                Ok(()) => of_file(index, &path),
                Err(withheld) => Err(withheld.to_string()),
            },
            Err(error) => Err(missing(&at.workspace, &at.guard, &path, error)),
        };
        outlined.unwrap_or_else(ToolOutput::failed)
    }
}

impl Searched {
    fn ask(
        &self,
        text: &str,
        mode: Mode,
        path: &str,
        limit: usize,
        cancel: &AtomicBool,
    ) -> Result<Answer, String> {
        let under = self
            .workspace
            .resolve(or_root(path))
            .map_err(|error| error.to_string())?;
        self.searchable(&under)?;
        let index = self.index.as_ref().ok_or(NO_INDEX)?;
        let within = if under.is_root() {
            String::new()
        } else {
            under.to_string()
        };
        let sought = Sought {
            text,
            mode,
            within: &within,
            limit,
        };
        ask(index, &self.guard, &sought, cancel)
    }

    /// Files by name, but for those that the user withholds; `left_out` more were found.
    fn named<'a>(&self, paths: impl Iterator<Item = &'a RelPath>, left_out: usize) -> ToolOutput {
        let mut text = String::new();
        for path in paths.filter(|path| !self.guard.is_kept_quiet(path)) {
            let _ = writeln!(text, "{path}");
        }
        if left_out > 0 {
            let _ = writeln!(text, "({left_out} more were left out; narrow the pattern)");
        }
        if text.is_empty() {
            text.push_str("(no file)");
        }
        ToolOutput::done(text)
    }

    /// Says of a place that a search finds nothing in why that is so.
    fn searchable(&self, path: &RelPath) -> Result<(), String> {
        searchable(&self.workspace, &self.guard, path)?;
        self.guard.check(path).map_err(|error| error.to_string())
    }

    /// Hits as lines, and the lines that they quote.
    fn shown(&self, answer: &Answer, how_to_narrow: &str) -> ToolOutput {
        if answer.hits.is_empty() {
            return ToolOutput::done("(nothing found)\n");
        }
        let mut output = ToolOutput::done(String::new());
        let mut filter = Filter::new(self);
        let mut shown = 0;
        for hit in &answer.hits {
            if output.text.len() > MAX_OUTPUT {
                break;
            }
            shown += 1;
            let text = filter.line(&hit.path, hit.line, &hit.text);
            let _ = writeln!(output.text, "{}", line(hit, text));
            output.quotes.push(FileRange {
                path: hit.path.to_string(),
                first_line: hit.line,
                last_line: hit.line,
            });
        }
        if answer.more || shown < answer.hits.len() {
            let _ = writeln!(
                output.text,
                "({shown} shown; there are more, {how_to_narrow})"
            );
        }
        if let Some(why) = &answer.scanned {
            let _ = writeln!(output.text, "({why})");
        }
        output
    }
}

const NO_INDEX: &str = "this folder has no index; use grep and read_file";

/// What is asked of the index.
struct Sought<'a> {
    text: &'a str,
    mode: Mode,
    /// Only under this folder or in this file.
    within: &'a str,
    limit: usize,
}

/// Nothing of the answer is of a withheld file, nor depends on what such a file holds but for the order of words' hits.
fn ask(
    index: &Index,
    guard: &Guard,
    sought: &Sought<'_>,
    cancel: &AtomicBool,
) -> Result<Answer, String> {
    let &Sought {
        text,
        mode,
        within,
        limit,
    } = sought;
    let mut query = Query::parse(text, mode, &Known::all()).map_err(|error| error.to_string())?;
    if !within.is_empty() {
        query
            .add(Key::Path, within, false, &Known::all())
            .map_err(|error| error.to_string())?;
    }
    let wanted = Wanted {
        query: &query,
        limit,
        recent: &[],
        hidden: true,
        ignore_case: false,
    };
    index
        .search_without(&wanted, &|path| guard.hides(path), cancel)
        .map_err(|error| error.to_string())
}

fn line(hit: &Hit, text: &str) -> String {
    let Hit {
        path,
        line,
        column,
        last_line,
        ..
    } = hit;
    let text = text.trim_end();
    let kind = hit.symbol_kind.unwrap_or_default();
    match (&hit.symbol, hit.kind) {
        (Some(symbol), HitKind::Definition) => {
            format!(
                "{path}:{line}-{last_line}: {kind} {symbol}: {}",
                text.trim()
            )
        }
        (Some(symbol), _) => format!("{path}:{line}:{column}: {text}  (in {symbol})"),
        (None, _) => format!("{path}:{line}:{column}: {text}"),
    }
}

fn of_file(index: &Index, path: &RelPath) -> Result<ToolOutput, String> {
    let definitions = index.outline(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    for definition in &definitions {
        if text.len() > MAX_OUTPUT {
            let _ = writeln!(text, "(more were left out; read the file)");
            break;
        }
        let (first, last) = (definition.first_line, definition.last_line);
        let _ = writeln!(
            text,
            "{first}-{last}: {} {}",
            definition.kind, definition.path
        );
    }
    if text.is_empty() {
        text.push_str("(no definitions are known of this file)");
    }
    Ok(ToolOutput::done(text))
}

/// Files with secret names are only named, and what the user withholds is not.
fn of_folder(
    index: &Index,
    guard: &Guard,
    path: &RelPath,
    cancel: &AtomicBool,
) -> Result<ToolOutput, String> {
    let focus = Focus {
        under: (!path.is_root()).then(|| path.clone()),
        ..Focus::default()
    };
    let map = index
        .map(&focus, OUTLINE_TOKENS, &|path| guard.may_show(path), cancel)
        .map_err(|error| error.to_string())?;
    let mut output = ToolOutput::done(map.text);
    output.quotes = crate::map::quotes(map.ranges);
    Ok(output)
}

/// Says of a place that a search would silently find nothing in why it is none to search.
fn searchable(workspace: &Workspace, guard: &Guard, path: &RelPath) -> Result<(), String> {
    let fs = workspace.fs();
    let stat = fs
        .stat(path)
        .map_err(|error| missing(workspace, guard, path, error))?;
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
