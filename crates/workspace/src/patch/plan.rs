//! Holds a patch against a workspace: every file is read, none is written.

use super::{Chunk, Patch, PatchError, PatchOp, apply};
use crate::{
    folder::Workspace,
    fs::{FsError, Kind, Stat},
    path::RelPath,
    text::TextFile,
    write::FileWrite,
};
use std::collections::BTreeMap;

/// Longer files are not kept in checkpoints, so that a change of them could not be taken back.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Plans a patch: reads through `ws` and writes nothing. Either every part fits, or the error names the first
/// that does not.
///
/// Two operations on one path are an error, and so are adding a file that exists, moving onto one, and changing
/// what is not text. A move is planned as a new file and then the removal of the old one.
pub fn plan_patch(ws: &Workspace, patch: &Patch) -> Result<Vec<FileWrite>, PatchError> {
    let mut plan = Plan {
        ws,
        writes: Vec::new(),
        used: BTreeMap::new(),
    };
    for op in &patch.ops {
        match op {
            PatchOp::Add { path, text, line } => plan.at(path, *line)?.add(text)?,
            PatchOp::Delete { path, line } => plan.at(path, *line)?.delete()?,
            PatchOp::Update {
                path,
                move_to,
                chunks,
                line,
            } => {
                plan.at(path, *line)?.update(move_to.as_deref(), chunks)?;
            }
        }
    }
    if plan.writes.is_empty() {
        return Err(PatchError::Empty);
    }
    Ok(plan.writes)
}

struct Plan<'a> {
    ws: &'a Workspace,
    writes: Vec<FileWrite>,
    /// Each path that an operation names, and the line of that operation.
    used: BTreeMap<RelPath, u32>,
}

/// A path that one operation of the plan names.
struct At<'p, 'a> {
    plan: &'p mut Plan<'a>,
    text: &'p str,
    line: u32,
    path: RelPath,
}

impl<'a> Plan<'a> {
    fn at<'p>(&'p mut self, text: &'p str, line: u32) -> Result<At<'p, 'a>, PatchError> {
        let path = self
            .ws
            .resolve(text)
            .map_err(|source| PatchError::Path { line, source })?;
        let wrong = |problem| {
            Err(PatchError::Target {
                line,
                path: text.to_owned(),
                problem,
            })
        };
        if path == RelPath::root() {
            return wrong("is the workspace folder, not a file".to_owned());
        }
        if let Some(other) = self.used.get(&path) {
            let problem = format!(
                "is already used on patch line {other}; put all changes of a file in one operation"
            );
            return wrong(problem);
        }
        let mut above = path.parent();
        while let Some(folder) = above {
            if let Some(other) = self.used.get(&folder) {
                return wrong(format!(
                    "is inside `{folder}`, which patch line {other} uses as a file"
                ));
            }
            above = folder.parent();
        }
        let inside = |other: &RelPath| other.as_path().starts_with(path.as_path());
        if let Some((other, at)) = self.used.iter().find(|(other, _)| inside(other)) {
            return wrong(format!(
                "is used as a folder by `{other}` on patch line {at}"
            ));
        }
        self.used.insert(path.clone(), line);
        Ok(At {
            plan: self,
            text,
            line,
            path,
        })
    }
}

impl At<'_, '_> {
    fn add(self, text: &str) -> Result<(), PatchError> {
        self.check_absent("use Update File to change it, or delete it in a patch before")?;
        let after = Some(text.as_bytes().to_vec());
        self.plan.writes.push(FileWrite {
            path: self.path,
            before: None,
            after,
            mode: None,
        });
        Ok(())
    }

    fn delete(self) -> Result<(), PatchError> {
        let (stat, bytes) = self.read("deleted")?;
        let before = Some((stat.stamp(), bytes));
        self.plan.writes.push(FileWrite {
            path: self.path,
            before,
            after: None,
            mode: None,
        });
        Ok(())
    }

    fn update(self, move_to: Option<&str>, chunks: &[Chunk]) -> Result<(), PatchError> {
        let (line, path) = (self.line, || self.text.to_owned());
        let (stat, bytes) = self.read("changed")?;
        let file = TextFile::decode(&bytes).map_err(|source| PatchError::NotText {
            line,
            path: path(),
            source,
        })?;
        let text = apply::apply(&file.text, chunks).map_err(|miss| PatchError::NoMatch {
            line: miss.line,
            path: path(),
            problem: miss.problem,
            nearest: miss.nearest,
        })?;
        let after = file
            .encode(&text)
            .map_err(|source| PatchError::Unencodable {
                line,
                path: path(),
                source,
            })?;
        let before = Some((stat.stamp(), bytes));
        let moved = match move_to {
            Some(target) if self.plan.ws.resolve(target).ok().as_ref() != Some(&self.path) => {
                let to = self.plan.at(target, line)?;
                to.check_absent("move to another place, or delete it in a patch before")?;
                Some(to.path)
            }
            _ => None,
        };
        match moved {
            Some(to) => {
                let mode = Some(stat.mode);
                self.plan.writes.push(FileWrite {
                    path: to,
                    before: None,
                    after: Some(after),
                    mode,
                });
                self.plan.writes.push(FileWrite {
                    path: self.path,
                    before,
                    after: None,
                    mode: None,
                });
            }
            // A change that changes nothing is not worth a write.
            None if before.as_ref().is_some_and(|(_, bytes)| *bytes == after) => {}
            None => self.plan.writes.push(FileWrite {
                path: self.path,
                before,
                after: Some(after),
                mode: None,
            }),
        }
        Ok(())
    }

    /// The stamp is from before the content, so that a change in between shows when the plan is written.
    fn read(&self, done: &str) -> Result<(Stat, Vec<u8>), PatchError> {
        let fs = self.plan.ws.fs();
        let stat = fs.stat(&self.path).map_err(|source| self.failed(source))?;
        if stat.kind != Kind::File {
            return Err(self.wrong(format!(
                "is {}; only files are {done} by a patch",
                stat.kind.describe()
            )));
        }
        let bytes = fs
            .read(&self.path, MAX_FILE_BYTES)
            .map_err(|source| self.failed(source))?;
        Ok((stat, bytes))
    }

    fn check_absent(&self, instead: &str) -> Result<(), PatchError> {
        match self.plan.ws.fs().stat(&self.path) {
            Err(FsError::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed(source)),
            Ok(stat) => Err(self.wrong(format!(
                "already exists and is {}; {instead}",
                stat.kind.describe()
            ))),
        }
    }

    fn wrong(&self, problem: String) -> PatchError {
        PatchError::Target {
            line: self.line,
            path: self.text.to_owned(),
            problem,
        }
    }

    fn failed(&self, source: FsError) -> PatchError {
        PatchError::Fs {
            line: self.line,
            source,
        }
    }
}
