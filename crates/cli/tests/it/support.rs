//! The harness: the `kerf` program in a home of its own, and what came out of it.

use crate::running::Running;
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The three wires, for tables.
pub(crate) const WIRES: [Wire; 3] = [Wire::Chat, Wire::Responses, Wire::Anthropic];

/// The program with a home of its own. Runs of one value share that home.
#[derive(Debug)]
pub(crate) struct Kerf {
    room: TempDir,
    folder: Option<PathBuf>,
    env: BTreeMap<String, String>,
}

impl Kerf {
    /// A new home; nothing of the environment that Kerf, a proxy, git or a keyring would listen to is passed on.
    pub(crate) fn new() -> Self {
        let room = tempfile::Builder::new()
            .prefix("kerf-home-")
            .tempdir()
            .unwrap();
        for name in ["kerf", "user"] {
            std::fs::create_dir(room.path().join(name)).unwrap();
        }
        Self {
            room,
            folder: None,
            env: BTreeMap::new(),
        }
    }

    /// Talks to this server as the environment's endpoint, model `scripted`.
    pub(crate) fn server(self, server: &ModelServer, wire: Wire) -> Self {
        self.env("KERF_BASE_URL", &server.base_url())
            .env("KERF_WIRE", wire_name(wire))
            .env("KERF_MODEL", "scripted")
    }

    /// Works in this folder.
    pub(crate) fn in_repo(self, fixture: &Fixture) -> Self {
        self.in_folder(fixture.path())
    }

    /// Works in this folder.
    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Sets a variable for every run from now on.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// `KERF_HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.room.path().join("kerf")
    }

    /// Writes `config.toml`.
    pub(crate) fn config(self, text: &str) -> Self {
        std::fs::write(self.home().join("config.toml"), text).unwrap();
        self
    }

    /// The program, ready to be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test is the child"
    )]
    pub(crate) fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerf"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_ascii_uppercase();
            let heard = ["KERF_", "GIT_", "XDG_", "DBUS_"]
                .iter()
                .any(|prefix| text.starts_with(prefix));
            if heard || text.ends_with("_PROXY") || text == "NO_COLOR" {
                command.env_remove(&name);
            }
        }
        command
            .args(args)
            .env("KERF_HOME", self.home())
            .env("HOME", self.room.path().join("user"))
            .env("USERPROFILE", self.room.path().join("user"))
            .envs(&self.env);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    /// Runs to the end with nothing on standard input.
    pub(crate) fn run(&self, args: &[impl AsRef<OsStr>]) -> Ran {
        let mut running = self.spawn(args);
        running.close_stdin();
        running.finish()
    }

    /// Runs to the end with this on standard input.
    pub(crate) fn run_with(&self, args: &[impl AsRef<OsStr>], input: impl AsRef<[u8]>) -> Ran {
        let mut running = self.spawn(args);
        // A program that does not read its input closes it; what it then says is what counts.
        let _ = running.send(input);
        running.close_stdin();
        running.finish()
    }

    /// Starts it with a standard input that stays open.
    pub(crate) fn spawn(&self, args: &[impl AsRef<OsStr>]) -> Running {
        Running::start(self.command(args))
    }

    /// All items of a session as `kerf sessions export` tells them.
    pub(crate) fn exported_items(&self, session: &str) -> Vec<Value> {
        let transcript = self.run(&["sessions", "export", session]).expect(0);
        items_of(&transcript.json())
    }
}

/// The items of an exported transcript, in order.
pub(crate) fn items_of(transcript: &Value) -> Vec<Value> {
    list(&transcript["turns"])
        .iter()
        .flat_map(|turn| list(&turn["items"]).iter().cloned())
        .collect()
}

/// The wire as `KERF_WIRE` and `config.toml` name it.
pub(crate) fn wire_name(wire: Wire) -> &'static str {
    match wire {
        Wire::Chat => "chat",
        Wire::Responses => "responses",
        Wire::Anthropic => "anthropic",
    }
}

/// A JSON array's elements, or none.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What a run left.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// The exit code; 128 + n after signal n.
    pub(crate) code: i32,
    /// The lines of standard output that are JSON objects.
    pub(crate) events: Vec<Value>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails, with everything that was said, unless the exit code is this.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// The whole of standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON: {error}\n{}", self.stdout))
    }

    /// The types of the events, in order, `item.updated` and `context.updated` left out.
    pub(crate) fn types(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| event["type"].as_str())
            .filter(|name| !matches!(*name, "item.updated" | "context.updated"))
            .collect()
    }

    /// The events of this type.
    pub(crate) fn of(&self, name: &str) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|event| event["type"] == name)
            .collect()
    }

    /// The one event of this type.
    #[track_caller]
    pub(crate) fn only(&self, name: &str) -> &Value {
        let found = self.of(name);
        assert_eq!(found.len(), 1, "events `{name}` in\n{}", self.stdout);
        found[0]
    }

    /// The items of `item.completed`, in order.
    pub(crate) fn items(&self) -> Vec<&Value> {
        self.of("item.completed")
            .into_iter()
            .map(|event| &event["item"])
            .collect()
    }

    /// The completed items of this type.
    pub(crate) fn items_of(&self, kind: &str) -> Vec<&Value> {
        let mut items = self.items();
        items.retain(|item| item["type"] == kind);
        items
    }

    /// The completed tool calls.
    pub(crate) fn calls(&self) -> Vec<&Value> {
        self.items_of("tool_call")
    }

    /// The session that the events name.
    #[track_caller]
    pub(crate) fn session(&self) -> String {
        let id = self.events.first().and_then(|e| e["session_id"].as_str());
        id.unwrap_or_else(|| panic!("no session in\n{}\n{}", self.stdout, self.stderr))
            .to_owned()
    }

    /// The error of `turn.failed`, or of the line `error`.
    #[track_caller]
    pub(crate) fn error(&self) -> &Value {
        let failed = self
            .events
            .iter()
            .find(|event| event["type"] == "turn.failed" || event["type"] == "error");
        &failed.unwrap_or_else(|| panic!("no failure in\n{}\n{}", self.stdout, self.stderr))["error"]
    }
}
