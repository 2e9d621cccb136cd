//! From the text of a patch to its operations.

use super::{Chunk, ChunkLine, Patch, PatchError, PatchOp};

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ENVIRONMENT: &str = "*** Environment ID:";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const UPDATE: &str = "*** Update File:";
const MOVE: &str = "*** Move to:";
const END_OF_FILE: &str = "*** End of File";

/// Reads the text of a patch. Line numbers in errors count from 1 in `text` as it was given.
///
/// White space around the patch and a shell heredoc around it are ignored, and so is an `*** Environment ID:` line,
/// since a workspace is one environment. A patch without operations is read; planning it is an error.
pub fn parse_patch(text: &str) -> Result<Patch, PatchError> {
    let mut lines = Lines::of(text);
    lines.strip_heredoc();
    match lines.first() {
        Some((_, first)) if first.trim() == BEGIN => lines.drop_first(),
        other => {
            return Err(wrong(
                other.map_or(1, |at| at.0),
                format!("the patch must start with '{BEGIN}'"),
            ));
        }
    }
    match lines.last() {
        Some((_, last)) if last.trim() == END => lines.drop_last(),
        other => {
            let line = other.map_or(lines.number, |at| at.0);
            return Err(wrong(line, format!("the patch must end with '{END}'")));
        }
    }
    if let Some((line, first)) = lines.first()
        && let Some(id) = first.trim().strip_prefix(ENVIRONMENT)
    {
        if id.trim().is_empty() {
            return Err(wrong(
                line,
                format!("'{ENVIRONMENT}' names no environment; leave the line out"),
            ));
        }
        lines.drop_first();
    }
    let mut ops = Vec::new();
    while let Some((line, header)) = lines.next() {
        let header = header.trim();
        if header.is_empty() {
            continue;
        } else if let Some(path) = header.strip_prefix(ADD) {
            let text = added_text(&mut lines);
            ops.push(PatchOp::Add {
                path: named(path, ADD, line)?,
                text,
                line,
            });
        } else if let Some(path) = header.strip_prefix(DELETE) {
            ops.push(PatchOp::Delete {
                path: named(path, DELETE, line)?,
                line,
            });
        } else if let Some(path) = header.strip_prefix(UPDATE) {
            ops.push(update(named(path, UPDATE, line)?, line, &mut lines)?);
        } else {
            return Err(wrong(line, not_a_header(header)));
        }
    }
    Ok(Patch { ops })
}

fn added_text(lines: &mut Lines<'_>) -> String {
    let mut text = String::new();
    while let Some(added) = lines.first().and_then(|(_, line)| line.strip_prefix('+')) {
        text.push_str(added);
        text.push('\n');
        lines.drop_first();
    }
    text
}

fn update(path: String, line: u32, lines: &mut Lines<'_>) -> Result<PatchOp, PatchError> {
    let mut move_to = None;
    if let Some((line, text)) = lines.first()
        && let Some(target) = text.trim_end().strip_prefix(MOVE)
    {
        move_to = Some(named(target, MOVE, line)?);
        lines.drop_first();
    }
    let mut chunks: Vec<Chunk> = Vec::new();
    while let Some((at, raw)) = lines.first() {
        // Only the right side is trimmed: an indented header is a line of the file.
        let text = raw.trim_end();
        if is_header(text) {
            break;
        }
        lines.drop_first();
        if text == "@@" || text.starts_with("@@ ") {
            check_not_empty(chunks.last())?;
            let context = text.get(3..).map(str::to_owned);
            chunks.push(Chunk {
                context,
                lines: Vec::new(),
                end_of_file: false,
                line: at,
            });
            continue;
        }
        if text == END_OF_FILE {
            check_not_empty(chunks.last())?;
            match chunks.last_mut() {
                Some(chunk) => chunk.end_of_file = true,
                None => {
                    return Err(wrong(
                        at,
                        format!("'{END_OF_FILE}' stands before any change"),
                    ));
                }
            }
            continue;
        }
        if chunks.last().is_some_and(|chunk| chunk.end_of_file) {
            if text.is_empty() {
                continue;
            }
            return Err(wrong(
                at,
                format!("after '{END_OF_FILE}' comes '@@' or the next file, not '{text}'"),
            ));
        }
        let content = chunk_line(raw).ok_or_else(|| wrong(at, not_a_change(text)))?;
        match chunks.last_mut() {
            Some(chunk) => chunk.lines.push(content),
            None => chunks.push(Chunk {
                context: None,
                lines: vec![content],
                end_of_file: false,
                line: at,
            }),
        }
    }
    check_not_empty(chunks.last())?;
    if chunks.is_empty() {
        let hint = if move_to.is_some() {
            "; to move a file unchanged, give one of its lines as context"
        } else {
            ""
        };
        return Err(wrong(
            line,
            format!("Update file hunk for path '{path}' is empty{hint}"),
        ));
    }
    Ok(PatchOp::Update {
        path,
        move_to,
        chunks,
        line,
    })
}

fn chunk_line(raw: &str) -> Option<ChunkLine> {
    let mut chars = raw.chars();
    let mark = chars.next();
    let rest = chars.as_str().to_owned();
    match mark {
        None | Some(' ') => Some(ChunkLine::Keep(rest)),
        Some('-') => Some(ChunkLine::Remove(rest)),
        Some('+') => Some(ChunkLine::Add(rest)),
        Some(_) => None,
    }
}

fn check_not_empty(chunk: Option<&Chunk>) -> Result<(), PatchError> {
    match chunk {
        Some(chunk) if chunk.lines.is_empty() => Err(wrong(
            chunk.line,
            "'@@' is followed by no lines; put the changed lines right below it".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn is_header(line: &str) -> bool {
    line == END
        || [ADD, DELETE, UPDATE]
            .iter()
            .any(|header| line.starts_with(header))
}

fn named(path: &str, header: &str, line: u32) -> Result<String, PatchError> {
    match path.trim() {
        "" => Err(wrong(line, format!("'{header}' names no path"))),
        path => Ok(path.to_owned()),
    }
}

fn not_a_header(line: &str) -> String {
    if line == END || line == BEGIN {
        return format!("'{line}' stands in the middle; a text holds one patch");
    }
    format!(
        "'{line}' is not a valid hunk header. Valid hunk headers: '{ADD} PATH', '{DELETE} PATH', '{UPDATE} PATH'; \
         every line of an added file starts with '+'"
    )
}

fn not_a_change(line: &str) -> String {
    if line.starts_with(MOVE) {
        return format!("'{MOVE}' must directly follow '{UPDATE}'");
    }
    format!(
        "unexpected '{line}' in a change. Every line should start with ' ' (stays), '+' (comes in) or '-' (goes), \
         or be '@@' or '@@ ' and a line of the file"
    )
}

fn wrong(line: u32, problem: String) -> PatchError {
    PatchError::Syntax { line, problem }
}

/// The lines that are still to be read, each with its number.
struct Lines<'a> {
    lines: Vec<&'a str>,
    next: usize,
    /// The number of the line `next`.
    number: u32,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let start = text.trim_start();
        let skipped = text[..text.len() - start.len()].matches('\n').count();
        let lines = start
            .trim_end()
            .split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line))
            .collect();
        Lines {
            lines,
            next: 0,
            number: u32::try_from(skipped).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    fn strip_heredoc(&mut self) {
        let opens = matches!(
            self.lines.first(),
            Some(&("<<EOF" | "<<'EOF'" | "<<\"EOF\""))
        );
        if opens
            && self.lines.len() >= 4
            && self.lines.last().is_some_and(|line| line.ends_with("EOF"))
        {
            self.drop_first();
            self.drop_last();
        }
    }

    fn first(&self) -> Option<(u32, &'a str)> {
        self.lines.get(self.next).map(|line| (self.number, *line))
    }

    fn last(&self) -> Option<(u32, &'a str)> {
        let below = self.lines.len().checked_sub(self.next + 1)?;
        let line = self.lines.last()?;
        Some((
            self.number
                .saturating_add(u32::try_from(below).unwrap_or(u32::MAX)),
            line,
        ))
    }

    fn drop_first(&mut self) {
        self.next += 1;
        self.number = self.number.saturating_add(1);
    }

    fn drop_last(&mut self) {
        self.lines.pop();
    }

    fn next(&mut self) -> Option<(u32, &'a str)> {
        let first = self.first();
        self.drop_first();
        first
    }
}
