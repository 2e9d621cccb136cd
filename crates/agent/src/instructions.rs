//! Instruction files: `AGENTS.md` and `CLAUDE.md`, from the root of the workspace down to where the work is.
//!
//! The user's own come first, then the root's. A folder's own are given when the work first comes there.
//! All together are capped at [`MAX_BYTES`]; the events tell how much of each file was given.

use crate::withheld::Guard;
use kerf_protocol::event::LoadedInstructions;
use kerf_workspace::{RelPath, TextFile, Workspace};
use std::{collections::BTreeSet, ffi::OsStr, fmt::Write};

/// How many bytes of instructions are given in all.
pub const MAX_BYTES: usize = 32 * 1024;

const NAMES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];
/// A file above this size is not an instruction file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The user's own instructions.
#[derive(Debug, Clone)]
pub struct UserInstructions {
    /// Where they are, to be named.
    pub path: String,
    /// What they say.
    pub text: String,
}

/// Which instructions a session has been given.
#[derive(Debug, Default)]
pub(crate) struct Instructions {
    seen: BTreeSet<RelPath>,
    given: Vec<String>,
    used: usize,
}

/// Instructions that are new to the model.
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) loaded: Vec<LoadedInstructions>,
}

impl Instructions {
    /// The user's own and the root's, for the system prompt. Read anew at each turn, so that changes count.
    pub(crate) fn start(
        workspace: &Workspace,
        guard: &Guard,
        user: Option<&UserInstructions>,
    ) -> (Self, Given) {
        let mut this = Self::default();
        let mut given = Given {
            text: String::new(),
            loaded: Vec::new(),
        };
        if let Some(user) = user {
            this.give(&mut given, &user.path, &user.text);
        }
        this.load_folder(workspace, guard, &RelPath::root(), &mut given);
        (this, given)
    }

    /// Those of the folders from the root down to `path` that the model has not been given.
    pub(crate) fn on_the_way_to(
        &mut self,
        workspace: &Workspace,
        guard: &Guard,
        path: &RelPath,
    ) -> Given {
        let mut given = Given {
            text: String::new(),
            loaded: Vec::new(),
        };
        let mut folders = Vec::new();
        let mut folder = path.parent();
        while let Some(at) = folder {
            if self.seen.contains(&at) {
                break;
            }
            folder = at.parent();
            folders.push(at);
        }
        for folder in folders.into_iter().rev() {
            self.load_folder(workspace, guard, &folder, &mut given);
        }
        given
    }

    fn load_folder(
        &mut self,
        workspace: &Workspace,
        guard: &Guard,
        folder: &RelPath,
        given: &mut Given,
    ) {
        if !self.seen.insert(folder.clone()) {
            return;
        }
        for name in NAMES {
            let path = folder.join(OsStr::new(name));
            // Most folders have none, and a file that cannot be read gives no instructions.
            let Ok(bytes) = workspace.fs().read(&path, MAX_FILE_BYTES) else {
                continue;
            };
            // What the user withholds gives none either, nor does a link to it.
            if guard.check(&path).is_err() {
                continue;
            }
            let Ok(file) = TextFile::decode(&bytes) else {
                continue;
            };
            self.give(given, &path.to_string(), &file.text);
        }
    }

    fn give(&mut self, given: &mut Given, path: &str, text: &str) {
        let trimmed = text.trim();
        // The same text under the other name (a link or a copy) is given once.
        if trimmed.is_empty() || self.given.iter().any(|known| known == trimmed) {
            return;
        }
        let room = MAX_BYTES.saturating_sub(self.used);
        let end = trimmed.floor_char_boundary(room.min(trimmed.len()));
        given.loaded.push(LoadedInstructions {
            path: path.to_owned(),
            bytes: end as u64,
            total_bytes: trimmed.len() as u64,
        });
        if end == 0 {
            return;
        }
        self.used += end;
        let _ = write!(given.text, "--- {path} ---\n{}\n", &trimmed[..end]);
        if end < trimmed.len() {
            let _ = writeln!(
                given.text,
                "(the other {} bytes of this file were left out)",
                trimmed.len() - end
            );
        }
        self.given.push(trimmed.to_owned());
    }
}
