//! The tools that change files they name: edit_file, write_file, apply_patch.
//! Each makes a plan that can be shown and is then written all or none.

use super::look::{MAX_FILE_BYTES, missing};
use crate::{reads::Reads, withheld::Guard};
use kerf_workspace::{
    FileWrite, FsError, Kind, LineEnding, RelPath, Stamp, TextFile, Workspace,
    edit::{Replacement, replace},
    patch::{PatchOp, parse_patch, plan_patch},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// Replaces exact text in a file. Each `old` must occur exactly once (or set `all`); copy it without the line numbers. Edits apply in order, all or none.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditFile {
    pub(crate) path: String,
    #[serde(deserialize_with = "maybe_text")]
    pub(crate) edits: Vec<Edit>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) old: String,
    pub(crate) new: String,
    /// Replace every occurrence.
    #[serde(default)]
    pub(crate) all: bool,
}

/// Writes a whole file. A file that is there must have been read, all of its lines, since it last changed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteFile {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// Applies a patch to one or more files, all or none. `*** Begin Patch`, then `*** Add File: P` with `+` lines, `*** Delete File: P`, or `*** Update File: P` (optional `*** Move to: Q`) with `@@ context` and lines starting with space, `-` or `+`, then `*** End Patch`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyPatch {
    pub(crate) patch: String,
}

/// Some models send a list as a text that holds the list.
fn maybe_text<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    match value {
        serde_json::Value::String(text) => serde_json::from_str(&text),
        value => serde_json::from_value(value),
    }
    .map_err(serde::de::Error::custom)
}

/// What a change would do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<FileWrite>,
    /// What the model is told when it is done.
    pub(crate) done: String,
}

impl EditFile {
    pub(crate) fn plan(&self, workspace: &Workspace, guard: &Guard) -> Result<Plan, String> {
        let path = workspace
            .resolve(&self.path)
            .map_err(|error| error.to_string())?;
        // Also what nearly matched would tell of the file.
        guard.check(&path).map_err(|error| error.to_string())?;
        let (stamp, bytes) =
            read_raw(workspace, &path).map_err(|error| missing(workspace, guard, &path, error))?;
        let file = decode(&path, &bytes)?;
        let edits: Vec<Replacement> = self
            .edits
            .iter()
            .map(|edit| Replacement {
                old: edit.old.clone(),
                new: edit.new.clone(),
                all: edit.all,
            })
            .collect();
        if edits.is_empty() {
            return Err("edits is empty: nothing to do".to_owned());
        }
        let text = replace(&file, &edits).map_err(|error| format!("{path}: {error}"))?;
        let after = file
            .encode(&text)
            .map_err(|error| format!("{path}: {error}"))?;
        Ok(Plan {
            done: format!("Edited {path}: {} replacements", edits.len()),
            writes: vec![FileWrite {
                path,
                before: Some((stamp, bytes)),
                after: Some(after),
                mode: None,
            }],
        })
    }
}

impl WriteFile {
    /// `reads` tells what of the file the model has seen.
    pub(crate) fn plan(
        &self,
        workspace: &Workspace,
        reads: &Reads,
        guard: &Guard,
    ) -> Result<Plan, String> {
        let path = workspace
            .resolve(&self.path)
            .map_err(|error| error.to_string())?;
        let (before, after) = match read_raw(workspace, &path) {
            Err(FsError::NotFound { .. }) => (None, self.content.clone().into_bytes()),
            Err(error) => return Err(error.to_string()),
            Ok((stamp, bytes)) => {
                guard.check(&path).map_err(|error| error.to_string())?;
                reads
                    .whole(&path, stamp, &bytes)
                    .map_err(|unread| unread.to_string())?;
                let after = match TextFile::decode(&bytes) {
                    Ok(file) => file
                        .encode(&with_line_ends(&self.content, &file))
                        .map_err(|error| format!("{path}: {error}"))?,
                    Err(_) => self.content.clone().into_bytes(),
                };
                (Some((stamp, bytes)), after)
            }
        };
        let verb = if before.is_some() { "Wrote" } else { "Created" };
        Ok(Plan {
            done: format!("{verb} {path}: {} lines", self.content.lines().count()),
            writes: vec![FileWrite {
                path,
                before,
                after: Some(after),
                mode: None,
            }],
        })
    }
}

/// A model writes `\n`; a file that has `\r\n` keeps it.
fn with_line_ends(content: &str, file: &TextFile) -> String {
    match file.line_ending() {
        LineEnding::CrLf if !content.contains('\r') => content.replace('\n', "\r\n"),
        _ => content.to_owned(),
    }
}

impl ApplyPatch {
    pub(crate) fn title(&self) -> String {
        match parse_patch(&self.patch) {
            Ok(patch) => {
                let names: Vec<&str> = patch
                    .ops
                    .iter()
                    .map(|op| match op {
                        PatchOp::Add { path, .. }
                        | PatchOp::Delete { path, .. }
                        | PatchOp::Update { path, .. } => path.as_str(),
                    })
                    .collect();
                format!("Patch {}", names.join(", "))
            }
            Err(_) => "Patch".to_owned(),
        }
    }

    pub(crate) fn plan(&self, workspace: &Workspace, guard: &Guard) -> Result<Plan, String> {
        let patch = parse_patch(&self.patch).map_err(|error| error.to_string())?;
        for op in &patch.ops {
            if let PatchOp::Update { path, .. } | PatchOp::Delete { path, .. } = op
                && let Ok(path) = workspace.resolve(path)
            {
                guard.check(&path).map_err(|error| error.to_string())?;
            }
        }
        let writes = plan_patch(workspace, &patch).map_err(|error| error.to_string())?;
        let mut done = "Done:".to_owned();
        for write in &writes {
            let letter = match (&write.before, &write.after) {
                (None, _) => 'A',
                (_, None) => 'D',
                _ => 'M',
            };
            done.push_str(&format!("\n{letter} {}", write.path));
        }
        Ok(Plan { writes, done })
    }
}

fn read_raw(workspace: &Workspace, path: &RelPath) -> Result<(Stamp, Vec<u8>), FsError> {
    let stat = workspace.fs().stat(path)?;
    if stat.kind == Kind::File {
        let bytes = workspace.fs().read(path, MAX_FILE_BYTES)?;
        return Ok((stat.stamp(), bytes));
    }
    Err(FsError::NotAFile {
        path: path.clone(),
        what: if stat.kind == Kind::Dir {
            "a folder"
        } else {
            "a link or a device"
        },
    })
}

fn decode(path: &RelPath, bytes: &[u8]) -> Result<TextFile, String> {
    TextFile::decode(bytes).map_err(|error| format!("{path} is not a text file ({error})"))
}
