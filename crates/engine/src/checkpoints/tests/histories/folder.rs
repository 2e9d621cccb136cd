//! For the tests: what the files of a history hold, and the folder they are in.

use std::{collections::BTreeMap, fs, path::Path};

pub(super) const PATHS: [&str; 6] = ["a", "b", "d/a", "d/b", "d/e/c", "x"];
/// A text has a line for each of who writes, with lines between them that nobody changes.
const WRITERS: [&str; 3] = ["agent", "shell", "user"];

/// What a path holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Plain {
    File(Vec<u8>, u32),
    Link(String),
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(bytes, mode) => write!(f, "{mode:o} {:?}", String::from_utf8_lossy(bytes)),
            Self::Link(target) => write!(f, "link {target}"),
        }
    }
}

pub(super) type Tree = BTreeMap<String, Plain>;

/// A text with the line of one writer changed.
pub(super) fn edited(old: Option<&str>, writer: &str, line: &str) -> Vec<u8> {
    let fresh = || {
        let lines = WRITERS.map(|writer| format!("{writer} 0\n-\n-\n-\n"));
        lines.concat()
    };
    let old = old.filter(|old| old.lines().any(|old| old.starts_with(writer)));
    let old = old.map_or_else(fresh, str::to_owned);
    let lines = old
        .split_inclusive('\n')
        .map(|old| match old.starts_with(writer) {
            true => line,
            false => old,
        });
    lines.collect::<String>().into_bytes()
}

/// Puts a content on the disk, as any program would.
pub(super) fn put(folder: &Path, path: &str, plain: Option<&Plain>) {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let at = folder.join(path);
    if at.symlink_metadata().is_ok() {
        fs::remove_file(&at).unwrap();
    }
    match plain {
        Some(Plain::File(bytes, mode)) => {
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(&at, bytes).unwrap();
            fs::set_permissions(&at, fs::Permissions::from_mode(*mode)).unwrap();
        }
        Some(Plain::Link(target)) => {
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            symlink(target, &at).unwrap();
        }
        None => {}
    }
}

/// All files, by plain reading.
pub(super) fn tree_of(folder: &Path) -> Tree {
    use std::os::unix::fs::PermissionsExt as _;
    fn collect(folder: &Path, beneath: &str, tree: &mut Tree) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{beneath}{name}");
            let metadata = entry.metadata().unwrap();
            if name == ".git" {
                continue;
            }
            if metadata.is_dir() {
                collect(&entry.path(), &format!("{path}/"), tree);
            } else if metadata.is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                tree.insert(path, Plain::Link(target.to_str().unwrap().to_owned()));
            } else {
                let mode = metadata.permissions().mode() & 0o777;
                tree.insert(path, Plain::File(fs::read(entry.path()).unwrap(), mode));
            }
        }
    }
    let mut tree = Tree::new();
    collect(folder, "", &mut tree);
    tree
}
