//! What the tests of worktrees and attempts share: a folder with work of the user's in it, and sessions beside it.

use crate::{
    scene::Call,
    support::{Kerf, Ran},
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::Value;
use std::process::Command;

/// A repository with a change of the user's in it, a scripted model, and the program.
pub(crate) struct Beside {
    pub(crate) folder: Fixture,
    pub(crate) server: ModelServer,
    pub(crate) kerf: Kerf,
}

pub(crate) const FILES: &str =
    "//- /a.txt\none\ntwo\nthree\nfour\nfive\nsix\nseven\n//- /b.txt\nb\n";

impl Beside {
    pub(crate) fn new() -> Self {
        let folder = Fixture::new(FILES).git();
        folder.write("mine.txt", "not committed\n");
        folder.write("a.txt", "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n");
        let server = ModelServer::start(Script::new());
        let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
        Self {
            folder,
            server,
            kerf,
        }
    }

    pub(crate) fn script(&self, calls: impl IntoIterator<Item = Call>) {
        for (name, arguments) in calls {
            self.server.push(Turn::call(name, arguments));
        }
        self.server.push(Turn::text("Done."));
    }

    /// A session in a worktree that makes these calls.
    #[track_caller]
    pub(crate) fn exec(
        &self,
        sandbox: &str,
        more: &[&str],
        calls: impl IntoIterator<Item = Call>,
    ) -> Ran {
        self.script(calls);
        let free = [
            "exec",
            "--json",
            "--approve",
            "auto",
            "--sandbox",
            sandbox,
            "--worktree",
        ];
        let ran = self
            .kerf
            .run(&[&free[..], more, &["Go ahead"]].concat())
            .expect(0);
        for call in ran.calls() {
            assert_eq!(call["status"], "completed", "{call:#}");
        }
        ran
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.kerf.run(&[args, &["--json"]].concat())
    }

    /// The one worktree there is.
    #[track_caller]
    pub(crate) fn worktree(&self) -> Value {
        let ran = self.run(&["worktrees"]).expect(0);
        assert_eq!(ran.events.len(), 1, "{}", ran.stdout);
        ran.events[0].clone()
    }

    #[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let done = Command::new("git")
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}
