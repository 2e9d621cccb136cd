//! What `.kerfignore` files withhold from a model, asked about one path at a time.
//!
//! The walk leaves out what they ignore, by the rules of gitignore. Here the same files answer more strictly: each of them
//! can only add. A `!name` takes back what its own file ignores and nothing that one of a folder above does, so that a
//! file which a command makes in a folder beneath opens nothing. A `.kerfignore` that cannot be read withholds its whole
//! folder, and so do rules of the repository above that cannot be read.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::rules::{MAX_RULE_BYTES, OWN_IGNORE_FILE, above_cannot_be_read, repository_above};
use crate::folder::Workspace;
use crate::fs::Kind;
use crate::path::{Escaped, RelPath};

/// The `.kerfignore` files of a folder. Each is read when it is first asked about, and not again.
#[derive(Debug)]
pub struct KerfIgnore {
    workspace: Workspace,
    /// Those above the folder, where it is a part of a larger repository.
    above: OnceLock<Vec<Arc<Level>>>,
    folders: Mutex<HashMap<RelPath, Levels>>,
}

/// The files that count in a folder and say something, those of folders above first.
type Levels = Arc<[Arc<Level>]>;

/// What withholds a path, in words for people and models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoredBy {
    /// A line of a `.kerfignore`.
    Line {
        /// The file.
        file: String,
        /// The line.
        line: String,
    },
    /// A `.kerfignore` that cannot be read, or rules that say whether one counts.
    Unreadable {
        /// The file, or the folder of the rules.
        file: String,
        /// Why not.
        reason: String,
    },
}

impl IgnoredBy {
    /// The same with the whole path of the file, for who works elsewhere than in the folder that it lies in.
    #[must_use]
    pub fn seen_from_elsewhere(mut self, folder: &Path) -> Self {
        let (Self::Line { file, .. } | Self::Unreadable { file, .. }) = &mut self;
        let whole = folder.join(&*file);
        *file = Escaped(whole.as_os_str()).to_string();
        self
    }
}

impl fmt::Display for IgnoredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "the line `{line}` of `{file}`"),
            Self::Unreadable { file, reason } => {
                write!(f, "`{file}`, which cannot be read ({reason})")
            }
        }
    }
}

/// The `.kerfignore` of one folder.
#[derive(Debug)]
enum Level {
    Rules {
        file: String,
        text: String,
        rules: Box<Gitignore>,
    },
    Unreadable {
        file: String,
        reason: String,
    },
}

impl KerfIgnore {
    /// Those of a folder. Reads nothing yet.
    pub fn new(workspace: &Workspace) -> Self {
        Self {
            workspace: workspace.clone(),
            above: OnceLock::new(),
            folders: Mutex::default(),
        }
    }

    /// What withholds a path, if anything does. A folder that is withheld withholds all in it. Follows no link.
    pub fn withholds(&self, path: &RelPath, is_dir: bool) -> Option<IgnoredBy> {
        let above: Vec<RelPath> = std::iter::successors(path.parent(), RelPath::parent).collect();
        let above = above.iter().rev().filter(|folder| !folder.is_root());
        above
            .map(|folder| (folder, true))
            .chain([(path, is_dir)])
            .find_map(|(path, is_dir)| self.withholds_itself(path, is_dir))
    }

    /// What withholds a path, for who knows that no folder above it is withheld.
    pub fn withholds_itself(&self, path: &RelPath, is_dir: bool) -> Option<IgnoredBy> {
        let levels = self.levels(&path.parent()?);
        if levels.is_empty() {
            return None;
        }
        let whole = self.workspace.root().join(path.as_path());
        levels.iter().find_map(|level| level.says(&whole, is_dir))
    }

    /// Another number when the files above the folder say something else; none when these say nothing. Those in the folder
    /// are for the caller to watch.
    pub fn version(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        let mut any = false;
        for level in self.above() {
            match &**level {
                Level::Rules { file, text, .. } => (file, text).hash(&mut hasher),
                Level::Unreadable { file, reason } => (file, reason).hash(&mut hasher),
            }
            any = true;
        }
        any.then(|| hasher.finish())
    }

    /// Whether a line that counts in a folder speaks of this name.
    pub fn names(&self, folder: &RelPath, name: &str) -> bool {
        self.levels(folder).iter().any(|level| match &**level {
            Level::Rules { text, .. } => text
                .lines()
                .flat_map(|line| line.trim().trim_start_matches('!').split('/'))
                .any(|known| known.eq_ignore_ascii_case(name)),
            Level::Unreadable { .. } => false,
        })
    }

    fn above(&self) -> &[Arc<Level>] {
        self.above.get_or_init(|| {
            let root = self.workspace.root();
            if !self.workspace.is_on_disk() {
                return Vec::new();
            }
            // Then nobody knows whose rules count here.
            if let Some((folder, reason)) = above_cannot_be_read(root) {
                let file = Escaped(folder.as_os_str()).to_string();
                return vec![Arc::new(Level::Unreadable { file, reason })];
            }
            if repository_above(root).is_none() {
                return Vec::new();
            }
            let folders = root.ancestors().skip(1);
            let level = |folder: &Path| {
                let file = folder.join(OWN_IGNORE_FILE);
                let file = Escaped(file.as_os_str()).to_string();
                Level::new(folder, file, text_at(folder)).map(Arc::new)
            };
            folders.filter_map(level).collect()
        })
    }

    /// Those that count in a folder.
    fn levels(&self, folder: &RelPath) -> Levels {
        let known = self.folders().get(folder).cloned();
        if let Some(known) = known {
            return known;
        }
        let above = match folder.parent() {
            Some(parent) => self.levels(&parent),
            None => self.above().to_vec().into(),
        };
        let levels = match self.read(folder) {
            None => above,
            Some(own) => above.iter().cloned().chain([Arc::new(own)]).collect(),
        };
        self.folders().insert(folder.clone(), Arc::clone(&levels));
        levels
    }

    fn folders(&self) -> MutexGuard<'_, HashMap<RelPath, Levels>> {
        // Nothing panics while it is held, and what is in it is whole.
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, folder: &RelPath) -> Option<Level> {
        let whole = self.workspace.root().join(folder.as_path());
        let file = folder.join(OWN_IGNORE_FILE.as_ref());
        let text = if self.workspace.is_on_disk() {
            text_at(&whole)
        } else {
            self.text_through_fs(&file)
        };
        Level::new(&whole, file.to_string(), text)
    }

    fn text_through_fs(&self, file: &RelPath) -> io::Result<Option<String>> {
        let fs = self.workspace.fs();
        if !fs.stat(file).is_ok_and(|stat| stat.kind == Kind::File) {
            return Ok(None);
        }
        let bytes = fs.read(file, MAX_RULE_BYTES).map_err(io::Error::other)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl Level {
    /// None: there is no file, or it says nothing.
    fn new(folder: &Path, file: String, text: io::Result<Option<String>>) -> Option<Self> {
        let text = match text {
            Ok(text) => text?,
            Err(error) => {
                let reason = error.to_string();
                return Some(Self::Unreadable { file, reason });
            }
        };
        let mut builder = GitignoreBuilder::new(folder);
        // Where names differ by their letters alone, they may be one file's.
        let folds = cfg!(any(windows, target_os = "macos"));
        let built = builder.case_insensitive(folds).map(|_| ()).and_then(|()| {
            for line in text.trim_start_matches('\u{feff}').lines() {
                // A line that is no pattern means nothing; the walk tells of it.
                if let Err(error) = builder.add_line(None, line) {
                    tracing::debug!(%error, file, "an ignore rule is not understood");
                }
            }
            builder.build()
        });
        match built {
            Ok(rules) if rules.is_empty() => None,
            Ok(rules) => Some(Self::Rules {
                file,
                text,
                rules: Box::new(rules),
            }),
            Err(error) => Some(Self::Unreadable {
                file,
                reason: error.to_string(),
            }),
        }
    }

    fn says(&self, path: &Path, is_dir: bool) -> Option<IgnoredBy> {
        match self {
            Self::Rules { file, rules, .. } => match rules.matched(path, is_dir) {
                Match::Ignore(glob) => Some(IgnoredBy::Line {
                    file: file.clone(),
                    line: Escaped(glob.original().as_ref()).to_string(),
                }),
                Match::None | Match::Whitelist(_) => None,
            },
            Self::Unreadable { file, reason } => Some(IgnoredBy::Unreadable {
                file: file.clone(),
                reason: reason.clone(),
            }),
        }
    }
}

/// The text of a folder's `.kerfignore`; none where there is none.
fn text_at(folder: &Path) -> io::Result<Option<String>> {
    let file = folder.join(OWN_IGNORE_FILE);
    let meta = match fs::metadata(&file) {
        Ok(meta) => meta,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
                _ => Err(error),
            };
        }
    };
    if meta.is_dir() {
        return Ok(None);
    }
    // To open a pipe may wait for ever, and a device has no end.
    if !meta.is_file() {
        return Err(io::Error::other(format!(
            "it is {}",
            Kind::Other.describe()
        )));
    }
    let mut bytes = Vec::new();
    File::open(&file)?
        .take(MAX_RULE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_RULE_BYTES {
        return Err(io::Error::other(format!(
            "it is longer than {MAX_RULE_BYTES} bytes"
        )));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
