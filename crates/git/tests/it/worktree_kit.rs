//! What the tests of worktrees share: a place for one, what a folder holds, git itself, and a process that is killed.

use crate::fixture::Fixture;
use kerf_git::{Place, Repo};
use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A place for a worktree, in a folder of its own as Kerf has it.
pub(crate) struct Room {
    pub(crate) place: Place,
}

impl Room {
    pub(crate) fn new(fixture: &Fixture) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = fixture
            .temp
            .path()
            .canonicalize()
            .unwrap()
            .join("kerf/project");
        let path = root.join(format!("task-{number}")).join("1");
        let objects = path.with_extension("objects");
        let id = format!("id-{number}");
        Self {
            place: Place { id, path, objects },
        }
    }

    /// A commit as a command in the sandbox makes one. Returns its id.
    pub(crate) fn commit(&self, message: &str, name: &str, text: &str) -> String {
        let path = &self.place.path;
        fs::write(path.join(name), text).unwrap();
        let common = git(
            path,
            &["rev-parse", "--path-format=absolute", "--git-common-dir"],
        );
        let run = |args: &[&str]| {
            let mut command = command(path, args);
            command.env("GIT_OBJECT_DIRECTORY", &self.place.objects);
            let known = Path::new(common.trim()).join("objects");
            command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", known);
            let done = command.output().unwrap();
            assert!(done.status.success(), "{args:?}: {done:?}");
            String::from_utf8_lossy(&done.stdout).trim().to_owned()
        };
        run(&["add", name]);
        run(&["commit", "-qm", message]);
        run(&["rev-parse", "HEAD"])
    }
}

#[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).args(args);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let nowhere = if cfg!(windows) { "NUL" } else { "/dev/null" };
    command
        .env("GIT_CONFIG_GLOBAL", nowhere)
        .env("GIT_CONFIG_SYSTEM", nowhere);
    for (name, value) in [("NAME", "A"), ("EMAIL", "a@example.org")] {
        command.env(format!("GIT_AUTHOR_{name}"), value);
        command.env(format!("GIT_COMMITTER_{name}"), value);
    }
    // Looking must not write.
    command
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_EDITOR", "true");
    command
}

/// Runs git; whether it ended well, and what it said.
pub(crate) fn try_git(folder: &Path, args: &[&str]) -> (bool, String) {
    let done = command(folder, args).output().unwrap();
    (
        done.status.success(),
        String::from_utf8_lossy(&done.stdout).into_owned(),
    )
}

#[track_caller]
pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    let done = command(folder, args).output().unwrap();
    assert!(
        done.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// A repository with a commit.
pub(crate) fn committed(fixture: &Fixture) {
    fixture.write("a.txt", b"one\ntwo\nthree\n");
    fixture.write("dir/b.txt", b"b\n");
    fixture.stage(&["a.txt", "dir/b.txt"]);
    fixture.commit("first");
}

/// The same with a change that is not committed.
pub(crate) fn dirty(fixture: &Fixture) {
    committed(fixture);
    fixture.write("a.txt", b"one\r\nTWO \xff\nthree");
}

/// What is in a folder, `.git` left out: by name, kind, mode and bytes. Folders count by what is in them.
pub(crate) fn look(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name == ".git") {
                continue;
            }
            let stat = path.symlink_metadata().unwrap();
            if stat.is_dir() {
                folders.push(path);
                continue;
            }
            let what = if stat.is_symlink() {
                format!("link to {:?}", fs::read_link(&path).unwrap())
            } else {
                format!(
                    "file {:o} {}",
                    mode(&stat),
                    fs::read(&path).unwrap().escape_ascii()
                )
            };
            found.insert(format!("{:?}", path.strip_prefix(folder).unwrap()), what);
        }
    }
    found
}

#[cfg(unix)]
fn mode(stat: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&stat.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode(_stat: &fs::Metadata) -> u32 {
    0
}

/// What of a repository is the user's: index, `HEAD`, settings, hooks, and all names but Kerf's own.
pub(crate) fn tracked_state(ws: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut state = BTreeMap::new();
    for name in [
        "index",
        "HEAD",
        "config",
        "config.worktree",
        "index.lock",
        "MERGE_HEAD",
    ] {
        if let Ok(bytes) = fs::read(ws.join(".git").join(name)) {
            state.insert(name.to_owned(), bytes);
        }
    }
    for folder in [".git/hooks", ".git/info"] {
        for (name, what) in look(&ws.join(folder)) {
            state.insert(format!("{folder} {name}"), what.into_bytes());
        }
    }
    let (_, refs) = try_git(ws, &["for-each-ref"]);
    let refs: Vec<&str> = refs
        .lines()
        .filter(|line| !line.contains("refs/kerf/"))
        .collect();
    state.insert("refs".to_owned(), refs.join("\n").into_bytes());
    state
}

/// The variables of the child: what it does, at which step it waits to be killed, and where.
const CHILD: [&str; 6] = [
    "KERF_CHILD",
    "KERF_STEP",
    "KERF_WS",
    "KERF_ID",
    "KERF_PATH",
    "KERF_OBJECTS",
];

/// Does `work` in a process of its own, which is killed before the step of this number. False: it has fewer steps, and
/// came to its end.
#[expect(
    clippy::disallowed_methods,
    reason = "this very test program is the child"
)]
pub(crate) fn kill_at(work: &str, step: usize, fixture: &Fixture, room: &Room) -> bool {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "worktree_kills::child", "--nocapture"]);
    let values: [PathBuf; 6] = [
        work.into(),
        step.to_string().into(),
        fixture.ws.clone(),
        room.place.id.clone().into(),
        room.place.path.clone(),
        room.place.objects.clone(),
    ];
    command.envs(CHILD.iter().zip(values));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    for line in output.lines() {
        let line = line.unwrap();
        if line.contains("KERF-AT-STEP") {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
    }
    assert!(child.wait().unwrap().success(), "{work} failed");
    false
}

/// The child's side of [`kill_at`].
pub(crate) fn child() {
    let values: Option<Vec<PathBuf>> = CHILD
        .iter()
        .map(|name| env::var_os(name).map(Into::into))
        .collect();
    let Some(values) = values else { return };
    let text = |index: usize| values[index].to_str().unwrap().to_owned();
    let stop: usize = text(1).parse().unwrap();
    let place = Place {
        id: text(3),
        path: values[4].clone(),
        objects: values[5].clone(),
    };
    let repo = Repo::discover(&values[2]).unwrap().unwrap();
    let mut step = 0;
    let mut wait = |_: &'static str| {
        if step == stop {
            println!("KERF-AT-STEP");
            std::io::stdout().flush().unwrap();
            // Until it is killed, or whoever would is gone.
            let _ = std::io::stdin().lines().next();
            std::process::exit(1);
        }
        step += 1;
    };
    match text(0).as_str() {
        "make" => drop(
            repo.make_worktree(&place, &kerf_git::clone_file, &mut wait)
                .unwrap(),
        ),
        "remove" => {
            repo.archive_worktree(&place).unwrap();
            wait("archived");
            repo.remove_worktree(&place, &mut wait).unwrap();
        }
        _ => drop(
            repo.restore_worktree(&place, &kerf_git::clone_file, &mut wait)
                .unwrap(),
        ),
    }
}
