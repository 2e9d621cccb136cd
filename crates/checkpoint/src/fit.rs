//! Folders that nobody should take snapshots of.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Why `root` is no folder to work in, for people; none when it is fine. `data` is Kerf's own data folder.
///
/// A snapshot of a whole disk or a home folder would copy gigabytes of what is not the user's project, and one that
/// holds Kerf's own data would copy itself. Folders in `worktrees` beneath `data` are the exception: Kerf made them to
/// be worked in.
pub fn unfit_root(root: &Path, data: &Path) -> Option<String> {
    unfit(root, data, env::home_dir().as_deref())
}

fn unfit(root: &Path, data: &Path, home: Option<&Path>) -> Option<String> {
    let root = real(root);
    let data = real(data);
    let shown = root.display();
    if root.parent().is_none() {
        return Some(format!(
            "`{shown}` is a whole disk; open the project's own folder"
        ));
    }
    // An account without a home folder often has `/` or nothing as one.
    let home = home.map(real).filter(|home| home.parent().is_some());
    if let Some(home) = home {
        if root == home {
            return Some(format!(
                "`{shown}` is your home folder; open a project's folder inside it"
            ));
        }
        if home.starts_with(&root) {
            return Some(format!(
                "`{shown}` holds your home folder; open a project's folder inside it"
            ));
        }
    }
    if data.starts_with(&root) {
        return Some(format!(
            "`{shown}` holds Kerf's own data (`{}`); open a project's folder that does not",
            data.display()
        ));
    }
    if let Ok(inside) = root.strip_prefix(&data) {
        let mut parts = inside.components();
        let in_worktrees = parts
            .next()
            .is_some_and(|first| first.as_os_str() == "worktrees");
        if !in_worktrees || parts.next().is_none() {
            return Some(format!(
                "`{shown}` is part of Kerf's own data; open a project's folder"
            ));
        }
    }
    None
}

/// Links resolved as far as the path exists; a folder that is to be made has no links of its own.
fn real(path: &Path) -> PathBuf {
    for existing in path.ancestors() {
        let (Ok(canonical), Ok(missing)) =
            (fs::canonicalize(existing), path.strip_prefix(existing))
        else {
            continue;
        };
        // Joining an empty path would add a separator.
        return if missing.as_os_str().is_empty() {
            canonical
        } else {
            canonical.join(missing)
        };
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_project_folders_are_fit() {
        let temp = tempfile::tempdir().unwrap();
        let top = temp.path().canonicalize().unwrap();
        let home = top.join("users/me");
        let data = home.join(".local/share/kerf");
        let project = home.join("src/project");
        for dir in [&data.join("worktrees/p/t"), &data.join("blobs"), &project] {
            fs::create_dir_all(dir).unwrap();
        }
        let verdict = |root: &Path| unfit(root, &data, Some(&home));
        for (root, word) in [
            (Path::new("/"), "disk"),
            (&top, "holds your home"),
            (&top.join("users"), "holds your home"),
            (&home, "your home"),
            (&home.join("src/.."), "your home"),
            (&home.join(".local"), "holds Kerf's"),
            (&data, "holds Kerf's"),
            (&data.join("blobs"), "part of Kerf's"),
            (&data.join("worktrees"), "part of Kerf's"),
        ] {
            let reason = verdict(root).unwrap_or_default();
            assert!(reason.contains(word), "{}: {reason:?}", root.display());
        }
        for root in [
            &project,
            &home.join("src"),
            &data.join("worktrees/p/t"),
            &top.join("other"),
        ] {
            assert_eq!(verdict(root), None, "{}", root.display());
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&home, top.join("link")).unwrap();
            assert!(
                verdict(&top.join("link")).is_some(),
                "a link to it is no way around"
            );
            let not_yet = top.join("link/.local/share/kerf/new");
            assert!(unfit(&home.join(".local"), &not_yet, None).is_some());
        }
        assert_eq!(unfit(&project, &data, None), None);
        assert_eq!(unfit(&project, &data, Some(Path::new("/"))), None);
    }
}
