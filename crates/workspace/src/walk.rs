//! Lists the files of a workspace by its ignore rules.
//!
//! On disk the `ignore` crate walks in parallel by name, as ripgrep does; links are listed and not followed, and
//! `.git` is never entered. Over another [`crate::Fs`] a plain walk applies the same rule files.
//! Only names and stats come from here: whoever wants content opens it through [`crate::Fs`], which checks the
//! path again. Start with [`Walk`].

mod disk;
mod kerfignore;
mod rules;
mod through;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fs::Stat;
use crate::path::RelPath;

pub use kerfignore::{IgnoredBy, KerfIgnore};
pub use rules::OWN_IGNORE_FILE;

pub(crate) use disk::{is_dot_git, is_in_place, on_disk};
pub(crate) use rules::{DOT_GIT, RULE_FILES, Rules, excludes_of, rules_elsewhere, users_excludes};
pub(crate) use through::through_fs;

/// What to walk.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The folder to walk, or a single file. Named here, it is walked even when it is ignored itself.
    pub under: RelPath,
    /// Whether files and folders whose names start with a dot are included.
    pub hidden: bool,
    /// Whether ignored files are included too. `.git` never is.
    pub ignored: bool,
    /// How many levels below `under` files may be; what lies deeper is reported as skipped.
    pub max_depth: usize,
    /// Set from another thread to stop; the result is what was found by then.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            under: RelPath::root(),
            hidden: true,
            ignored: false,
            max_depth: 200,
            cancel: None,
        }
    }
}

impl Walk {
    fn cancelled(&self) -> bool {
        self.cancel
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

/// What a walk found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Walked {
    /// Files and links, in any order.
    pub files: Vec<(RelPath, Stat)>,
    /// What could not be looked at.
    pub skipped: Vec<Skipped>,
}

/// Something that a walk left out for another reason than the ignore rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The file or folder.
    pub path: RelPath,
    /// Why, for people.
    pub reason: String,
}
