//! What a command sees of the machine's files: everything read-only, with exceptions.
//!
//! The list of mounts is made outside and handed to bubblewrap. Bubblewrap resolves paths once more, so a command in
//! the background could exchange a folder for a link meanwhile; therefore each path's file is noted before and
//! compared inside, when nothing can be exchanged any more ([`Check`]).

use super::syscall::{self, Id};
use crate::plan::Plan;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// Memory that a command may fill as files in each of its private folders, in bytes.
const PRIVATE_BYTES: u64 = 1 << 30;

/// Folders that are empty and the command's own, because host programs listen and keep secrets there.
pub(super) const PRIVATE: &[&str] = &["/tmp", "/var/tmp", "/run"];

/// Shared memory, which Python's multiprocessing and browsers need.
pub(super) const SHARED_MEMORY: &str = "/dev/shm";

/// What a path is in the view. Of two kinds for one path the later one here wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Empty, writable, gone at the end.
    Private,
    /// A writable folder that cannot be moved, because something below it is kept.
    Pinned,
    /// Read-only below something writable.
    Kept,
    /// Empty.
    Hidden,
    /// There, and closed to everybody.
    Withheld,
    /// As it is, read-only.
    Shown,
    /// As it is.
    Writable,
    /// Another folder, read-only.
    Lent,
    /// Harmless devices.
    Devices,
    /// The processes of the command.
    Processes,
}

/// A path that must be the same file inside as it was outside, or must not be.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Check {
    path: OsString,
    id: Id,
    read_only: bool,
    /// Whether it must be another file than outside.
    withheld: bool,
}

impl Check {
    /// Whether it is so in this process's view.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn hold(&self) -> Result<(), String> {
        let path = Path::new(&self.path);
        let changed = |what: &str| {
            format!(
                "`{}` {what} while the sandbox was set up; run the command again",
                path.display()
            )
        };
        if self.withheld {
            return match syscall::identify(path) {
                Ok(id) if id != self.id && syscall::is_read_only(path) => Ok(()),
                _ => Err(changed("was moved")),
            };
        }
        if syscall::identify(path).ok() != Some(self.id) {
            return Err(changed("was replaced"));
        }
        if self.read_only && !syscall::is_read_only(path) {
            return Err(changed("did not become read-only"));
        }
        Ok(())
    }
}

/// The mounts of one command, parents before what is below them; and what is seen at the places of lent folders.
#[derive(Debug)]
pub(super) struct View(BTreeMap<PathBuf, Kind>, BTreeMap<PathBuf, PathBuf>);

impl View {
    /// The view for `plan`. `held` are the placeholders that exist by now.
    pub(super) fn new(plan: &Plan, held: &[PathBuf]) -> Self {
        let mut wanted = BTreeMap::new();
        let mut want = |path: &Path, kind: Kind| {
            let known = wanted.entry(path.to_owned()).or_insert(kind);
            *known = kind.max(*known);
        };
        want(Path::new("/"), Kind::Shown);
        // One may be a link to another, on some systems.
        let private = PRIVATE
            .iter()
            .filter_map(|path| Path::new(path).canonicalize().ok());
        let private = private.map(|path| (path, Kind::Private));
        let machine = [("/dev", Kind::Devices), ("/proc", Kind::Processes)];
        let own: Vec<(PathBuf, Kind)> = private
            .chain(machine.map(|(path, kind)| (path.into(), kind)))
            .collect();
        for (path, kind) in &own {
            want(path, *kind);
        }
        let guard = &plan.guard;
        let held = held.iter().map(PathBuf::as_path);
        let kept = guard.kept.iter().map(Path::new);
        kept.chain(held).for_each(|path| want(path, Kind::Kept));
        for path in &guard.shared {
            want(Path::new(path), Kind::Kept);
        }
        for path in &guard.hidden {
            want(Path::new(path), Kind::Hidden);
        }
        let is_there = |path: &&Path| path.symlink_metadata().is_ok();
        let lent_at = plan.lent.iter().map(|(_, at)| at);
        let needed = plan.shown.iter().chain(&plan.writable).chain(lent_at);
        let needed = needed
            .map(Path::new)
            .chain(own.iter().map(|(path, _)| path.as_path()));
        let needed: Vec<&Path> = needed.collect();
        // A mount over what has gone since would make it anew.
        for path in guard.withheld.iter().map(Path::new).filter(is_there) {
            if !needed.iter().any(|needed| needed.starts_with(path)) {
                want(path, Kind::Withheld);
            } else if !needed.contains(&path) {
                // Nothing can be put into what is closed, so it is emptied around what has to be there.
                want(path, Kind::Hidden);
            }
        }
        for path in &plan.shown {
            want(Path::new(path), Kind::Shown);
        }
        for path in &plan.writable {
            want(Path::new(path), Kind::Writable);
        }

        let lent = plan.lent.iter();
        let lent: BTreeMap<PathBuf, PathBuf> =
            lent.map(|(from, at)| (at.into(), from.into())).collect();
        for at in lent.keys() {
            want(at, Kind::Lent);
        }

        let mut mounts = BTreeMap::new();
        for (path, &kind) in &wanted {
            let above = above(&wanted, path);
            if !matters(kind, above.map(|(_, kind)| kind)) {
                continue;
            }
            // A file keeps its mount when a folder above it moves. A folder would be left behind by its name.
            let is_shared = guard.shared.iter().any(|shared| path == Path::new(shared));
            if let (Some((root, Kind::Writable)), false) = (above, is_shared)
                && matches!(
                    kind,
                    Kind::Kept | Kind::Hidden | Kind::Withheld | Kind::Lent
                )
            {
                let between = path.ancestors().skip(1).take_while(|path| *path != root);
                for folder in between {
                    mounts.entry(folder.to_owned()).or_insert(Kind::Pinned);
                }
            }
            mounts.insert(path.clone(), kind);
        }
        Self(mounts, lent)
    }

    /// What has to be checked inside.
    ///
    /// # Errors
    /// A path that went away meanwhile.
    pub(super) fn checks(&self) -> io::Result<Vec<Check>> {
        let mut checks = Vec::new();
        for (path, kind) in &self.0 {
            let read_only = match kind {
                Kind::Writable | Kind::Pinned => false,
                Kind::Kept | Kind::Shown | Kind::Lent | Kind::Withheld => true,
                Kind::Private | Kind::Hidden | Kind::Devices | Kind::Processes => continue,
            };
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
            };
            checks.push(Check {
                path: path.into(),
                id: syscall::identify(self.source(path)).map_err(named)?,
                read_only,
                withheld: *kind == Kind::Withheld,
            });
        }
        Ok(checks)
    }

    /// What is seen at a path.
    fn source<'a>(&'a self, path: &'a Path) -> &'a Path {
        self.1.get(path).map_or(path, PathBuf::as_path)
    }

    /// The view as bubblewrap's arguments. `empty` gives the number of a file without contents, once for each call.
    pub(super) fn arguments(
        &self,
        mut empty: impl FnMut() -> io::Result<i32>,
    ) -> io::Result<Vec<OsString>> {
        let mut arguments: Vec<OsString> = Vec::new();
        let private = PRIVATE_BYTES.to_string();
        for (path, kind) in &self.0 {
            if *kind == Kind::Lent {
                let source = self.source(path).as_os_str();
                arguments.extend(["--ro-bind".into(), source.to_owned(), path.into()]);
                continue;
            }
            let path = path.as_os_str();
            let mut add = |flags: &[&str], times: usize| {
                arguments.extend(flags.iter().map(OsString::from));
                arguments.extend(vec![path.to_owned(); times]);
            };
            match kind {
                Kind::Shown | Kind::Kept => add(&["--ro-bind"], 2),
                Kind::Writable | Kind::Pinned => add(&["--bind"], 2),
                Kind::Private => add(&["--perms", "1777", "--size", &private, "--tmpfs"], 1),
                Kind::Hidden if Path::new(path).is_dir() => {
                    add(&["--perms", "0555", "--size", "4096", "--tmpfs"], 1);
                }
                Kind::Hidden => {
                    let file = empty()?.to_string();
                    add(&["--perms", "0444", "--ro-bind-data", &file], 1);
                }
                // Not even its owner may look into it, so that git does not take it for emptied.
                Kind::Withheld if Path::new(path).is_dir() => {
                    add(&["--perms", "0000", "--size", "4096", "--tmpfs"], 1);
                    add(&["--remount-ro"], 1);
                }
                Kind::Withheld => {
                    let file = empty()?.to_string();
                    add(&["--perms", "0000", "--ro-bind-data", &file], 1);
                }
                Kind::Lent => {}
                Kind::Processes => add(&["--proc"], 1),
                Kind::Devices => {
                    add(&["--dev"], 1);
                    let memory = ["--perms", "1777", "--size", &private, "--tmpfs"];
                    arguments.extend(memory.map(OsString::from));
                    arguments.push(SHARED_MEMORY.into());
                }
            }
        }
        Ok(arguments)
    }
}

/// The nearest wanted path above `path`.
fn above<'a>(wanted: &BTreeMap<PathBuf, Kind>, path: &'a Path) -> Option<(&'a Path, Kind)> {
    path.ancestors()
        .skip(1)
        .find_map(|path| Some((path, *wanted.get(path)?)))
}

/// Whether `kind` changes anything below `above`.
fn matters(kind: Kind, above: Option<Kind>) -> bool {
    match (kind, above) {
        (Kind::Kept, above) => above == Some(Kind::Writable),
        (Kind::Hidden | Kind::Withheld, above) => {
            matches!(above, Some(Kind::Writable | Kind::Shown | Kind::Kept))
        }
        (Kind::Shown, above) => !matches!(above, Some(Kind::Shown | Kind::Kept)),
        (Kind::Writable, above) => above != Some(Kind::Writable),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Guard;
    use kerf_protocol::policy::SandboxMode;

    fn strings(paths: &[&str]) -> Vec<OsString> {
        paths.iter().map(OsString::from).collect()
    }

    fn view(writable: &[&str], shown: &[&str], guard: Guard) -> Vec<String> {
        let plan = Plan {
            argv: vec![],
            shell: false,
            env: vec![],
            cwd: "/".into(),
            workspace: "/".into(),
            writable: strings(writable),
            shown: strings(shown),
            temp: "/".into(),
            guard,
            mode: SandboxMode::WorkspaceWrite,
            lent: vec![],
            port: None,
        };
        let base = ["/", "/dev", "/proc", "/run", "/tmp", "/var/tmp"];
        let mounts = View::new(&plan, &[]).0.into_iter();
        let mounts = mounts.map(|(path, kind)| format!("{kind:?} {}", path.display()));
        mounts
            .filter(|mount| {
                !base
                    .iter()
                    .any(|path| mount.split(' ').nth(1) == Some(*path))
            })
            .collect()
    }

    #[test]
    fn parents_of_what_is_kept_are_pinned() {
        let guard = Guard {
            kept: strings(&["/w/.git", "/w/a/b/.git", "/w/a/b/.git/modules/x", "/else"]),
            shared: strings(&["/w/c/d/file"]),
            ..Guard::default()
        };
        let expected = [
            "Writable /w",
            "Kept /w/.git",
            "Pinned /w/a",
            "Pinned /w/a/b",
            "Kept /w/a/b/.git",
            "Kept /w/c/d/file",
        ];
        assert_eq!(view(&["/w"], &["/w"], guard), expected);
    }

    #[test]
    fn a_workspace_inside_a_hidden_folder_is_seen() {
        let guard = Guard {
            hidden: strings(&["/data", "/data/keys", "/w/h/keys", "/tmp/x"]),
            ..Guard::default()
        };
        let expected = [
            "Hidden /data",
            "Writable /data/w",
            "Writable /w",
            "Pinned /w/h",
            "Hidden /w/h/keys",
        ];
        assert_eq!(view(&["/w", "/data/w"], &[], guard.clone()), expected);
        assert_eq!(
            view(&[], &["/data/w"], guard),
            ["Hidden /data", "Shown /data/w", "Hidden /w/h/keys"]
        );
    }

    #[test]
    fn what_is_withheld_is_closed_where_it_can_be_seen() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("w/a/b/.git")).unwrap();
        for file in ["w/a/key", "w/a/b/.git/x"] {
            std::fs::write(base.join(file), "").unwrap();
        }
        let at = |name: &str| base.join(name).into_os_string();
        let guard = Guard {
            withheld: ["w/a/key", "w/a/b/.git", "w/a/b/.git/x", "w/gone"]
                .map(at)
                .to_vec(),
            kept: vec![at("w/a/b/.git")],
            ..Guard::default()
        };
        let root = at("w").into_string().unwrap();
        let shown = view(&[&root], &[], guard).join("\n");
        let expected = "Writable B/w
Pinned B/w/a
Pinned B/w/a/b
Withheld B/w/a/b/.git
Withheld B/w/a/key";
        assert_eq!(shown.replace(base.to_str().unwrap(), "B"), expected);
    }

    /// A rule may name a folder that the command has its own of, or that holds what it works with.
    #[test]
    fn what_is_withheld_around_what_the_command_has_is_emptied() {
        let places = [
            "/dev",
            "/etc",
            "/proc",
            "/tmp",
            "/usr",
            "/usr/bin/env",
            "/var",
        ];
        let guard = Guard {
            withheld: strings(&places),
            ..Guard::default()
        };
        let expected = [
            "Withheld /etc",
            "Hidden /usr",
            "Shown /usr/bin",
            "Withheld /usr/bin/env",
            "Hidden /var",
        ];
        assert_eq!(view(&[], &["/usr/bin"], guard), expected);
    }

    /// Between the plan and the view a command in the background may exchange what it can write.
    #[test]
    fn an_exchanged_path_is_noticed() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        for folder in ["ws/sub/deep", "elsewhere/deep"] {
            std::fs::create_dir_all(base.join(folder)).unwrap();
        }
        let sub = base.join("ws/sub");
        let mounts = [
            (sub.clone(), Kind::Pinned),
            (sub.join("deep"), Kind::Pinned),
        ];
        let checks = View(mounts.into(), BTreeMap::new()).checks().unwrap();
        let wrong = || checks.iter().filter(|check| check.hold().is_err()).count();
        assert_eq!(wrong(), 0);
        std::fs::rename(&sub, base.join("ws/old")).unwrap();
        assert_eq!(wrong(), 2, "gone");
        std::os::unix::fs::symlink(base.join("ws/old"), &sub).unwrap();
        assert_eq!(wrong(), 2, "the same, but behind a link");
        std::fs::remove_file(&sub).unwrap();
        std::fs::rename(base.join("elsewhere"), &sub).unwrap();
        assert_eq!(wrong(), 2, "other folders");
        let kept = View([(sub, Kind::Kept)].into(), BTreeMap::new())
            .checks()
            .unwrap();
        assert!(kept[0].hold().is_err(), "nothing made it read-only");
    }
}
