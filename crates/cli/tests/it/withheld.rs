//! What `.kerfignore` and rules on reading withhold reaches no model: by no tool, by no command, in no context.

use crate::{
    scene::{Call, command, edit, patch, read, write},
    support::{Kerf, Ran},
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::json;
use std::os::unix::fs::symlink;

/// Each file that is withheld holds a canary; the others hold a `zebra_open`.
const FOLDER: &str = "\
//- /.kerfignore
*.priv
!open.priv
/vault/
docs/AGENTS.md
//- /sub/.kerfignore
local.txt
!again.priv
//- /open.priv
zebra_open
//- /src/open.rs
pub fn zebra_open() {}
//- /docs/open.md
zebra_open
//- /docs/AGENTS.md
zebra canary_of_instructions
//- /top.priv
zebra canary_of_a_pattern
//- /vault/a/b.rs
pub fn zebra_canary_of_a_folder() {}
//- /sub/local.txt
zebra canary_of_a_nested_file
//- /sub/again.priv
zebra canary_that_was_taken_back
//- /held/one.rs
pub fn zebra_canary_of_a_rule() {}
//- /held.cfg
zebra canary_of_a_pattern_of_a_rule
//- /look.sh
cat held/one.rs held.cfg; ls held; mv held.cfg x; cat x
";

const RULES: &str = "[rules]\ndeny = [\"Read(held/**)\", \"Read(*.cfg)\"]\n";

/// What every canary has in its text, and nothing that a call says.
const CANARY: &str = "canary_";

struct Withheld {
    folder: Fixture,
    server: ModelServer,
    kerf: Kerf,
}

impl Withheld {
    fn new() -> Self {
        let folder = Fixture::new(FOLDER);
        symlink("top.priv", folder.join("link.txt")).unwrap();
        symlink("vault", folder.join("linked")).unwrap();
        let server = ModelServer::start(Script::new());
        let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
        let kerf = kerf.config(RULES);
        Self {
            folder,
            server,
            kerf,
        }
    }

    /// Whether commands can be kept from files here.
    fn hides(&self) -> bool {
        let told = self.kerf.run(&["doctor", "--json"]).expect(0);
        let is_full = told.stdout.contains("\"full\"");
        if !is_full {
            eprintln!("skipped 1: {}", told.stdout);
        }
        is_full
    }

    /// What each of the calls gave, in one turn. Nothing of a canary is in any request.
    fn outputs(&self, begin: &[&str], calls: impl IntoIterator<Item = Call>) -> Vec<String> {
        let outputs = self.answers(begin, calls);
        for request in self.server.requests() {
            let sent = request.json().to_string();
            assert!(!sent.contains(CANARY), "{sent}");
        }
        outputs
    }

    /// What each of the calls gave, in one turn.
    fn answers(&self, begin: &[&str], calls: impl IntoIterator<Item = Call>) -> Vec<String> {
        for (name, arguments) in calls {
            self.server.push(Turn::call(name, arguments));
        }
        self.server.push(Turn::text("Done."));
        let ran: Ran = self
            .kerf
            .run(&[begin, &["--json", "Look around"]].concat())
            .expect(0);
        let calls = ran.calls().into_iter();
        calls
            .map(|call| call["output"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

const BEGIN: [&str; 5] = ["exec", "--approve", "auto", "--sandbox", "workspace-write"];

fn call(name: &'static str, arguments: serde_json::Value) -> Call {
    (name, arguments)
}

#[test]
fn no_tool_reads_it_and_each_says_why() {
    let withheld = Withheld::new();
    withheld.kerf.run(&["index"]).expect(0);
    let line = "the line `*.priv` of `.kerfignore`";
    let nested = "the line `local.txt` of `sub/.kerfignore`";
    let folder = "the line `/vault/` of `.kerfignore`";
    let rule = "`Read(held/**)` of your settings";
    let taken_for = [
        (read("top.priv"), line),
        (read("./sub/../top.priv"), line),
        (read("link.txt"), line),
        (read("sub/local.txt"), nested),
        (read("sub/again.priv"), line),
        (read("vault/a/b.rs"), folder),
        (read("linked/a/b.rs"), folder),
        (read("held/one.rs"), rule),
        (read("held.cfg"), "`Read(*.cfg)` of your settings"),
        (read("open.priv"), "zebra_open"),
        (read("docs/open.md"), "zebra_open"),
        (call("list_dir", json!({ "path": "vault/a" })), folder),
        (call("list_dir", json!({ "path": "linked" })), folder),
        (call("list_dir", json!({ "path": "sub" })), "again.priv"),
        (call("list_dir", json!({ "path": "held" })), rule),
        (call("outline", json!({ "path": "held" })), rule),
        (
            call("grep", json!({ "pattern": "z", "path": "held" })),
            rule,
        ),
        (
            call("find_files", json!({ "pattern": "held/**" })),
            "(no file)",
        ),
        (read("one.rs"), "one.rs"),
        (call("grep", json!({ "pattern": "zebra" })), "zebra_open"),
        (
            call("grep", json!({ "pattern": "z", "path": "top.priv" })),
            line,
        ),
        (
            call("grep", json!({ "pattern": "z", "path": "vault" })),
            folder,
        ),
        (
            call("grep", json!({ "pattern": "z", "path": "held/one.rs" })),
            rule,
        ),
        (
            call("search_code", json!({ "query": "zebra" })),
            "zebra_open",
        ),
        (
            call(
                "search_code",
                json!({ "query": "zebra", "path": "vault/a" }),
            ),
            folder,
        ),
        (call("symbols", json!({ "name": "zebra" })), "zebra_open"),
        (
            call("symbols", json!({ "name": "zebra", "path": "vault" })),
            folder,
        ),
        (call("outline", json!({ "path": "vault/a/b.rs" })), folder),
        (call("outline", json!({ "path": "linked/a/b.rs" })), folder),
        (call("outline", json!({ "path": "held/one.rs" })), rule),
        (call("outline", json!({})), "zebra_open"),
        (
            call("find_files", json!({ "pattern": "*.rs" })),
            "src/open.rs",
        ),
        (edit("top.priv", &[("zebra", "x")]), line),
        (edit("vault/a/b.rs", &[("zebra", "x")]), folder),
        (edit("held.cfg", &[("zebra", "x")]), "`Read(*.cfg)`"),
        (write("top.priv", "x"), line),
        (
            patch("*** Update File: sub/local.txt\n@@\n-zebra\n+x\n"),
            nested,
        ),
        (patch("*** Delete File: vault/a/b.rs\n"), folder),
        (
            patch("*** Update File: top.priv\n*** Move to: x\n@@\n-zebra\n+x\n"),
            line,
        ),
        // What says so is the user's.
        (read(".kerfignore"), "!open.priv"),
        (write(".kerfignore", ""), "`Edit(.kerfignore)`"),
        (
            edit("sub/.kerfignore", &[("local.txt\n", "")]),
            "`Edit(.kerfignore)`",
        ),
        (write("src/.KerfIgnore", "!*"), "`Edit(.kerfignore)`"),
        (
            patch("*** Delete File: .kerfignore\n"),
            "`Edit(.kerfignore)`",
        ),
    ];
    let calls: Vec<Call> = taken_for.iter().map(|(call, _)| call.clone()).collect();
    let before = withheld.folder.tree();
    let outputs = withheld.outputs(&BEGIN, calls);
    assert_eq!(withheld.folder.tree(), before);
    assert_eq!(outputs.len(), taken_for.len());
    for ((call, says), output) in taken_for.iter().zip(outputs) {
        assert!(output.contains(says), "{call:?}: {output}");
        let (_, arguments) = call;
        let is_named = arguments.to_string().contains("held/one.rs");
        assert!(
            is_named || !output.contains("held/one.rs"),
            "{call:?}: {output}"
        );
    }
}

/// A search that could be asked letter by letter what a file holds would read it.
#[test]
fn no_search_tells_a_right_guess_from_a_wrong_one() {
    let withheld = Withheld::new();
    withheld
        .folder
        .write("many.txt", "zebra_full\n".repeat(200));
    for index in [false, true] {
        if index {
            withheld.kerf.run(&["index"]).expect(0);
        }
        let guesses = ["canary_of_a_r", "canary_of_a_x"].map(|guess| {
            let mut calls = Vec::new();
            for name in ["grep", "search_code", "symbols"] {
                let key = match name {
                    "grep" => "pattern",
                    "search_code" => "query",
                    _ => "name",
                };
                calls.push(call(name, json!({ key: guess })));
                calls.push(call(name, json!({ key: format!("\"zebra_{guess}\"") })));
            }
            // One more would be more than are shown.
            let all = format!("zebra_full|{guess}");
            calls.push(call("grep", json!({ "pattern": all })));
            withheld.answers(&BEGIN, calls)
        });
        assert_eq!(guesses[0], guesses[1]);
    }
}

/// A `.kerfignore` of the user's own that git ignores does not come into a worktree, and counts there.
#[test]
fn a_worktree_withholds_what_the_user_s_own_file_says() {
    let folder = Fixture::new(FOLDER);
    folder.write(".gitignore", ".kerfignore\n");
    folder.write(".kerfignore", "");
    let folder = folder.git();
    folder.write(".kerfignore", "*.priv\n/vault/\ndocs/AGENTS.md\nheld*\n");
    folder.write("sub/.kerfignore", "local.txt\n");
    let server = ModelServer::start(Script::new());
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    let withheld = Withheld {
        folder,
        server,
        kerf,
    };
    let users = withheld.folder.join(".kerfignore").canonicalize().unwrap();
    let line = format!("the line `*.priv` of `{}`", users.display());
    let taken_for = [
        (read("top.priv"), line.as_str()),
        (read("vault/a/b.rs"), "`/vault/`"),
        (read("sub/local.txt"), "`local.txt`"),
        (call("list_dir", json!({ "path": "vault" })), "`/vault/`"),
        (call("grep", json!({ "pattern": "zebra" })), "zebra_open"),
        (
            call("find_files", json!({ "pattern": "vault/**" })),
            "(no file)",
        ),
        (read("docs/open.md"), "zebra_open"),
    ];
    let begin = [&BEGIN[..], &["--worktree"]].concat();
    let commands = [
        (
            "cat top.priv vault/a/b.rs sub/local.txt; ls vault",
            "`top.priv`, `vault`",
        ),
        ("cat src/open.rs docs/open.md", "zebra_open"),
    ];
    let hides = withheld.hides();
    let told = commands.into_iter().filter(|_| hides);
    let told = told.map(|(line, says)| (command(line), says));
    let taken_for: Vec<(Call, &str)> = taken_for.into_iter().chain(told).collect();
    let calls = taken_for.iter().map(|(call, _)| call.clone());
    let outputs = withheld.outputs(&begin, calls);
    assert_eq!(outputs.len(), taken_for.len());
    for ((call, says), output) in taken_for.iter().zip(outputs) {
        assert!(output.contains(says), "{call:?}: {output}");
    }
}

#[test]
fn a_job_in_the_background_is_told_what_it_cannot_read() {
    let withheld = Withheld::new();
    if !withheld.hides() {
        return;
    }
    let job = json!({ "command": "cat top.priv", "background": true });
    let outputs = withheld.outputs(&BEGIN, [call("run_command", job)]);
    assert!(outputs[0].starts_with("Job 1 runs."), "{outputs:?}");
    assert!(outputs[0].contains("withholds `top.priv`"), "{outputs:?}");
}

/// One path in a repository's own folder is kept from commands as any other.
#[test]
fn a_rule_on_a_file_of_the_repository_reaches_commands() {
    let mut withheld = Withheld::new();
    if !withheld.hides() {
        return;
    }
    withheld.folder = withheld.folder.git();
    withheld
        .folder
        .write(".git/secret", "zebra canary_in_the_repository\n");
    // A line of its own would be asked about, for the name in it.
    withheld
        .folder
        .write("peek.sh", "cat .git/secret; mv .git/secret x; cat x\n");
    let rules = RULES.replace("deny = [", "deny = [\"Read(.git/secret)\", ");
    withheld.kerf = withheld.kerf.config(&rules);
    let outputs = withheld.outputs(&BEGIN, [command("sh peek.sh")]);
    assert!(
        outputs[0].contains("withholds `.git/secret`"),
        "{outputs:?}"
    );
}

#[test]
fn no_command_reads_it_and_the_result_says_why() {
    let withheld = Withheld::new();
    if !withheld.hides() {
        return;
    }
    let note = "withholds `top.priv`";
    let taken_for = [
        ("cat top.priv", note),
        ("mv top.priv x; cat x", note),
        ("cp top.priv x; cat x; ln top.priv x; cat x", note),
        ("cat link.txt linked/a/b.rs", "denied"),
        ("mv sub away; cat away/local.txt away/again.priv", "`sub"),
        (
            "cat sub/local.txt sub/again.priv",
            "`sub/again.priv`, `sub/local.txt`",
        ),
        ("cat vault/a/b.rs; ls vault", "withholds `vault`"),
        ("grep -r zebra .", "zebra_open"),
        ("chmod 777 top.priv vault; cat top.priv vault/a/b.rs", note),
        (
            "rm -f .kerfignore sub/.kerfignore; cat top.priv sub/local.txt",
            "top.priv",
        ),
        ("sh look.sh", "withholds `held`, `held.cfg`"),
    ];
    let calls = taken_for.map(|(line, _)| command(line));
    let before = withheld.folder.tree();
    let outputs = withheld.outputs(&BEGIN, calls);
    assert_eq!(withheld.folder.tree(), before);
    for ((line, says), output) in taken_for.iter().zip(&outputs) {
        assert!(output.contains(says), "{line}: {output}");
    }
    // Files that appear later, by the user's hand and by a command's. One that a command makes opens nothing.
    let late = [
        ("late.priv", "zebra canary_that_came_late\n"),
        ("src/late/.kerfignore", "*.txt\n"),
        ("src/late/x.txt", "zebra canary_of_a_late_rule\n"),
        ("deep/x.priv", "zebra canary_of_a_folder_without_rules\n"),
    ];
    for (path, text) in late {
        withheld.folder.write(path, text);
    }
    let calls = [
        "cat late.priv src/late/x.txt",
        "printf '!*.priv\n' | tee deep/.kerfignore; echo zebra > own.priv",
        "cat deep/x.priv own.priv",
    ];
    let outputs = withheld.outputs(&["resume", "--last"], calls.map(command));
    assert!(
        outputs[0].contains("`late.priv`, `src/late/x.txt`"),
        "{outputs:?}"
    );
    assert!(
        outputs[1].contains("!*.priv") && outputs[2].contains("`deep/x.priv`, `own.priv`"),
        "{outputs:?}"
    );
    assert!(!outputs[2].contains("zebra"), "{outputs:?}");
}
