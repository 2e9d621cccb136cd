//! A folder, a scripted model and a session that goes on over many runs of the program: what the tests of the
//! review and of history share.

use crate::support::{Kerf, Ran};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::{Value, json};
use std::{cell::Cell, collections::BTreeMap, fs, path::Path};

/// A tool call: name and arguments.
pub(crate) type Call = (&'static str, Value);

/// A command of the agent.
pub(crate) fn command(text: &str) -> Call {
    ("run_command", json!({ "command": text }))
}

/// Replacements in a file by the agent.
pub(crate) fn edit(path: &str, edits: &[(&str, &str)]) -> Call {
    let edits: Vec<Value> = edits
        .iter()
        .map(|(old, new)| json!({ "old": old, "new": new }))
        .collect();
    ("edit_file", json!({ "path": path, "edits": edits }))
}

/// A whole file by the agent.
pub(crate) fn write(path: &str, content: &str) -> Call {
    ("write_file", json!({ "path": path, "content": content }))
}

/// A file read by the agent.
pub(crate) fn read(path: &str) -> Call {
    ("read_file", json!({ "path": path }))
}

/// A patch by the agent.
pub(crate) fn patch(lines: &str) -> Call {
    let patch = format!("*** Begin Patch\n{lines}*** End Patch\n");
    ("apply_patch", json!({ "patch": patch }))
}

/// The folder, the model and the program.
pub(crate) struct Scene {
    pub(crate) folder: Fixture,
    pub(crate) server: ModelServer,
    pub(crate) kerf: Kerf,
    begun: Cell<bool>,
}

impl Scene {
    pub(crate) fn new(folder: Fixture) -> Self {
        let server = ModelServer::start(Script::new());
        let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
        Self {
            folder,
            server,
            kerf,
            begun: Cell::new(false),
        }
    }

    /// As [`Scene::new`], in a repository with all files committed if `git`.
    pub(crate) fn on(text: &str, git: bool) -> Self {
        let folder = Fixture::new(text);
        Self::new(if git { folder.git() } else { folder })
    }

    /// A turn of these calls, one after the other, all of which succeed.
    #[track_caller]
    pub(crate) fn turn(&self, calls: impl IntoIterator<Item = Call>) -> Ran {
        let ran = self.turn_of(calls);
        for call in ran.calls() {
            assert_eq!(call["status"], "completed", "{call:#}");
        }
        ran
    }

    /// A turn of these calls, one after the other; some of them may fail. The first turn begins the session.
    #[track_caller]
    pub(crate) fn turn_of(&self, calls: impl IntoIterator<Item = Call>) -> Ran {
        for (name, arguments) in calls {
            self.server.push(Turn::call(name, arguments));
        }
        self.server.push(Turn::text("Done."));
        self.say("Go ahead")
    }

    /// Sends a message; what the model answers is in the script already.
    #[track_caller]
    pub(crate) fn say(&self, message: &str) -> Ran {
        let ran = if self.begun.replace(true) {
            self.kerf.run(&["resume", "--json", "--last", message])
        } else {
            let free = ["exec", "--json", "--approve", "auto", "--sandbox", "off"];
            self.kerf.run(&[&free[..], &[message]].concat())
        };
        ran.expect(0)
    }

    /// The lines of `kerf diff --json`.
    #[track_caller]
    pub(crate) fn diff(&self) -> Vec<Value> {
        let ran = self.kerf.run(&["diff", "--json"]).expect(0);
        assert_eq!(ran.events.len(), ran.stdout.lines().count());
        ran.events
    }

    /// The hunks in short, as `src/lib.rs:1 pending +1 -2`.
    #[track_caller]
    pub(crate) fn hunks(&self) -> Vec<String> {
        self.diff().iter().map(short).collect()
    }

    /// The states of the hunks, a letter each: Pending, Accepted, Rejected.
    #[track_caller]
    pub(crate) fn states(&self) -> String {
        let state = |line: &Value| line["state"].as_str().unwrap()[..1].to_uppercase();
        self.diff().iter().map(state).collect()
    }

    /// Decides, as in `decide("reject", ["src/lib.rs:1"])`; returns the decision.
    #[track_caller]
    pub(crate) fn decide<'a>(
        &self,
        verb: &'a str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Value {
        let args: Vec<&str> = ["--json", verb, "last"]
            .into_iter()
            .chain(arguments)
            .collect();
        self.kerf.run(&args).expect(0).json()
    }

    /// What is in the folder.
    pub(crate) fn look(&self) -> BTreeMap<String, String> {
        look(self.folder.path())
    }
}

/// A hunk in short.
pub(crate) fn short(line: &Value) -> String {
    format!(
        "{}:{} {} +{} -{}",
        line["path"].as_str().unwrap(),
        line["hunk"],
        line["state"].as_str().unwrap(),
        line["added"],
        line["removed"]
    )
}

/// What is in a folder, `.git` left out: by name, the kind, the permission bits, and the content or its hash.
pub(crate) fn look(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(at) = todo.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name == ".git") {
                continue;
            }
            let name = format!("{:?}", path.strip_prefix(folder).unwrap());
            let meta = path.symlink_metadata().unwrap();
            let mode = mode(&meta);
            let what = if meta.is_symlink() {
                format!("link to {:?}", fs::read_link(&path).unwrap())
            } else if meta.is_dir() {
                todo.push(path.clone());
                format!("folder {mode:o}")
            } else {
                let bytes = fs::read(&path).unwrap();
                if bytes.len() < 500 {
                    format!("file {mode:o} {}", bytes.escape_ascii())
                } else {
                    format!(
                        "file {mode:o} {} bytes {}",
                        bytes.len(),
                        blake3::hash(&bytes)
                    )
                }
            };
            found.insert(name, what);
        }
    }
    found
}

#[cfg(unix)]
fn mode(meta: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode(meta: &fs::Metadata) -> u32 {
    if meta.permissions().readonly() {
        0o444
    } else {
        0o644
    }
}
