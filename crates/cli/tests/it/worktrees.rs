//! Sessions in worktrees, and several attempts of one request, by the program as its users run it.

use crate::{
    scene::{Call, command, edit, look, write},
    support::{Kerf, Ran, list},
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use rstest::rstest;
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};

/// A repository with a change of the user's in it, a scripted model, and the program.
struct Scene {
    folder: Fixture,
    server: ModelServer,
    kerf: Kerf,
}

const FILES: &str = "//- /a.txt\none\ntwo\nthree\nfour\nfive\nsix\nseven\n//- /b.txt\nb\n";

impl Scene {
    fn new() -> Self {
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

    fn script(&self, calls: impl IntoIterator<Item = Call>) {
        for (name, arguments) in calls {
            self.server.push(Turn::call(name, arguments));
        }
        self.server.push(Turn::text("Done."));
    }

    /// A session in a worktree that makes these calls.
    #[track_caller]
    fn exec(&self, sandbox: &str, more: &[&str], calls: impl IntoIterator<Item = Call>) -> Ran {
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
    fn run(&self, args: &[&str]) -> Ran {
        self.kerf.run(&[args, &["--json"]].concat())
    }

    /// The one worktree there is.
    #[track_caller]
    fn worktree(&self) -> Value {
        let ran = self.run(&["worktrees"]).expect(0);
        assert_eq!(ran.events.len(), 1, "{}", ran.stdout);
        ran.events[0].clone()
    }

    #[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
    fn git(&self, args: &[&str]) -> String {
        let done = Command::new("git")
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}

#[test]
fn a_session_works_beside_and_what_is_accepted_comes_over() {
    let scene = Scene::new();
    let before = look(scene.folder.path());
    let ran = scene.exec(
        "off",
        &[],
        [
            edit("a.txt", &[("seven", "SEVEN"), ("two", "2")]),
            write("new.txt", "new\n"),
            command("printf made > by-command.txt; test -f mine.txt"),
        ],
    );
    assert_eq!(look(scene.folder.path()), before, "the folder is as it was");
    let at = PathBuf::from(ran.events[0]["folder"].as_str().unwrap());
    assert!(
        at.starts_with(scene.kerf.home().canonicalize().unwrap().join("worktrees")),
        "{}",
        at.display()
    );

    // The user's own change is not the agent's.
    let hunks: Vec<String> = scene
        .run(&["diff"])
        .expect(0)
        .events
        .iter()
        .map(crate::scene::short)
        .collect();
    assert_eq!(
        hunks,
        [
            "a.txt:1 pending +1 -1",
            "a.txt:2 pending +1 -1",
            "by-command.txt:1 pending +1 -0",
            "new.txt:1 pending +1 -0"
        ]
    );

    // Meanwhile the user works on.
    scene.folder.write(
        "a.txt",
        "ONE\ntwo\nthree\nfour and more\nfive\nsix\nseven\n",
    );
    let decided = scene.run(&["accept", "last", "a.txt:2"]).expect(0).json();
    assert_eq!(list(&decided["written"]), ["a.txt"]);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\ntwo\nthree\nfour and more\nfive\nsix\nSEVEN\n"
    );
    scene.run(&["accept", "last"]).expect(0);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\n2\nthree\nfour and more\nfive\nsix\nSEVEN\n"
    );
    assert_eq!(
        (
            scene.folder.read("new.txt"),
            scene.folder.read("by-command.txt")
        ),
        ("new\n".to_owned(), "made".to_owned())
    );
    scene.run(&["undo", "last"]).expect(0);
    scene.run(&["undo", "last"]).expect(0);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\ntwo\nthree\nfour and more\nfive\nsix\nseven\n"
    );
    assert!(!scene.folder.exists("new.txt") && !scene.folder.exists("by-command.txt"));
    // A rejected hunk is gone from the worktree, and never was in the folder.
    scene.run(&["reject", "last"]).expect(0);
    assert!(!at.join("new.txt").exists());
}

#[test]
fn a_conflict_is_told_and_nothing_is_applied() {
    let scene = Scene::new();
    scene.exec(
        "off",
        &[],
        [edit("a.txt", &[("four", "4")]), write("new.txt", "new\n")],
    );
    scene
        .folder
        .write("a.txt", "ONE\ntwo\nthree\nfour of mine\nfive\nsix\nseven\n");
    let before = look(scene.folder.path());
    let refused = scene.run(&["accept", "last"]).expect(1);
    let error = refused.error();
    assert_eq!(error["code"], "conflict");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("line 4 of a.txt"), "{message}");
    assert_eq!(
        look(scene.folder.path()),
        before,
        "nothing is applied, not even the other file"
    );
    let states: Vec<Value> = scene
        .run(&["diff"])
        .expect(0)
        .events
        .iter()
        .map(|hunk| hunk["state"].clone())
        .collect();
    assert_eq!(states, ["pending", "pending"]);
    scene.run(&["accept", "last", "new.txt"]).expect(0);
    assert_eq!(scene.folder.read("new.txt"), "new\n");
    // A file that the user made meanwhile is not written over.
    scene.folder.write("new.txt", "mine now\n");
    let refused = scene.run(&["undo", "last"]).expect(1);
    assert!(
        refused.error()["message"]
            .as_str()
            .unwrap()
            .contains("new.txt")
    );
    assert_eq!(scene.folder.read("new.txt"), "mine now\n");
}

#[test]
fn a_session_is_listed_with_the_folder_that_it_came_from() {
    let scene = Scene::new();
    let ran = scene.exec("off", &[], [edit("a.txt", &[("seven", "SEVEN")])]);
    scene.run(&["accept", "last"]).expect(0);
    assert_eq!(
        scene.run(&["sessions"]).expect(0).events[0]["id"],
        ran.session().as_str(),
        "it is listed with its folder"
    );
    assert!(scene.git(&["diff", "--stat"]).contains("a.txt"));
}

#[test]
fn worktrees_are_listed_removed_and_brought_back() {
    let scene = Scene::new();
    scene.exec(
        "off",
        &[],
        [write("new.txt", "new\n"), edit("b.txt", &[("b", "B")])],
    );
    let one = scene.worktree();
    let (id, path) = (
        one["id"].as_str().unwrap(),
        PathBuf::from(one["path"].as_str().unwrap()),
    );
    assert_eq!(one["state"], "ready");
    assert!(one["bytes"].as_u64().unwrap() > 0);
    assert_eq!(
        list(&one["work"]),
        ["uncommitted b.txt", "untracked new.txt"]
    );
    let held = look(&path);
    let refused = scene.run(&["worktrees", "remove", id]).expect(1);
    assert!(
        refused.error()["message"]
            .as_str()
            .unwrap()
            .contains("untracked new.txt")
    );
    assert_eq!(look(&path), held);
    // Its session does not go either.
    let session = one["session_id"].as_str().unwrap();
    scene.run(&["sessions", "delete", session]).expect(1);
    // What is in the folder too is not only there.
    scene.run(&["accept", "last"]).expect(0);
    assert_eq!(list(&scene.worktree()["work"]).len(), 0);
    scene.run(&["undo", "last"]).expect(0);

    let removed = scene
        .run(&["worktrees", "remove", "--force", &id[id.len() - 8..]])
        .expect(0)
        .json();
    assert_eq!(removed["state"], "archived");
    assert!(!path.exists());
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(scene.worktree()["state"], "archived");
    scene.run(&["diff"]).expect(2);
    scene.run(&["worktrees", "restore", id]).expect(0);
    assert_eq!(look(&path), held);
    assert_eq!(
        scene.run(&["diff"]).expect(0).events.len(),
        2,
        "the review goes on"
    );
    scene.script([write("more.txt", "more\n")]);
    scene.run(&["resume", "--last", "Go on"]).expect(0);
    assert!(path.join("more.txt").exists());
}

#[test]
fn a_folder_in_no_repository_has_no_worktrees() {
    let folder = Fixture::new(FILES);
    let server = ModelServer::start(Script::new());
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    let refused = kerf.run(&["exec", "--json", "--worktree", "Go"]).expect(2);
    assert!(
        refused.error()["message"]
            .as_str()
            .unwrap()
            .contains("no git repository")
    );
    assert!(
        kerf.run(&["worktrees", "list", "--all", "--json"])
            .expect(0)
            .events
            .is_empty()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_in_the_sandbox_commits_and_reaches_nothing_else_of_the_repository() {
    let scene = Scene::new();
    let dot_git = scene.folder.path().canonicalize().unwrap().join(".git");
    let branch = scene.git(&["rev-parse", "HEAD"]);
    let git = "git -c user.name=A -c user.email=a@example.org";
    let tries = [
        format!("touch {}/hooks/pre-commit", dot_git.display()),
        format!("echo x >> {}/config", dot_git.display()),
        format!("rm -rf {}/objects/*", dot_git.display()),
        "git update-ref refs/heads/master HEAD~0 && git branch evil".to_owned(),
        "d=$(git rev-parse --git-dir); echo /tmp > $d/commondir".to_owned(),
        "d=$(git rev-parse --git-dir); echo x > $d/config.worktree".to_owned(),
        "d=$(git rev-parse --git-dir); echo x > $d/gitdir".to_owned(),
        "d=$(git rev-parse --git-dir); mkdir -p $d/modules/x".to_owned(),
        "d=$(git rev-parse --git-dir); mv $d $d.old".to_owned(),
        "echo x > .git".to_owned(),
    ];
    let tried: String = tries
        .iter()
        .map(|line| {
            format!(
                "({line}) 2>/dev/null && echo DONE: '{}';",
                line.replace('\'', "")
            )
        })
        .collect();
    let ran = scene.exec("workspace-write", &["--branch", "fix"], [
        command(&format!("{git} commit -qam 'of the agent' && echo x > x && git add x && {git} commit -qm second && git log --oneline | head -2 && git status --short")),
        command(&format!("{tried} true")),
        command("d=$(git rev-parse --git-dir); ln -sf /etc/hostname $d/logs/link; true"),
    ]);
    let outputs: Vec<&str> = ran
        .calls()
        .iter()
        .map(|call| call["output"].as_str().unwrap())
        .collect();
    assert!(
        outputs[0].contains("second") && outputs[0].contains("of the agent"),
        "{}",
        outputs[0]
    );
    assert!(!outputs[1].contains("DONE"), "{}", outputs[1]);
    assert_eq!(
        scene.git(&["log", "-1", "--format=%s", "kerf/fix"]),
        "second"
    );
    assert_eq!(
        scene.git(&["rev-parse", "HEAD"]),
        branch,
        "the user's branch is where it was"
    );
    assert_eq!(scene.git(&["fsck", "--strict"]), "");
    assert!(!dot_git.join("hooks/pre-commit").exists());
    let admin = fs::read_dir(dot_git.join("worktrees"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert!(
        admin.join("logs/link").symlink_metadata().is_err(),
        "links in git's folder are taken away"
    );
    assert_eq!(
        list(&scene.worktree()["work"]).len(),
        0,
        "a branch has all of it: {}",
        scene.worktree()["work"]
    );
}

/// Where the file system clones, the worktree has folders of dependencies of its own, and this shows nothing.
#[cfg(target_os = "linux")]
#[test]
fn commands_in_the_sandbox_see_dependencies_that_cannot_be_cloned() {
    let mut scene = Scene::new();
    scene.folder.write(".gitignore", "node_modules\ntarget\n");
    scene.folder.write("node_modules/p/index.js", "lent\n");
    scene.folder.write("target/out", "built\n");
    let see = "cat node_modules/p/index.js; touch node_modules/x 2>/dev/null || echo closed; ls target 2>&1; true";
    let ran = scene.exec(
        "workspace-write",
        &[],
        [command(see), command("mkdir target && touch target/own")],
    );
    let said = ran.calls()[0]["output"].as_str().unwrap().to_owned();
    let notes = scene.worktree()["notes"].to_string();
    let at = PathBuf::from(ran.events[0]["folder"].as_str().unwrap());
    if at.join("node_modules/p").exists() {
        eprintln!("skipped: this file system clones");
        return;
    }
    assert!(
        said.contains("lent\nclosed\n") && !said.contains("built"),
        "{said}"
    );
    assert!(
        notes.contains("see your node_modules") && !notes.contains("see your target"),
        "{notes}"
    );
    assert!(!scene.folder.exists("node_modules/x"));
    assert!(at.join("target/own").exists());

    // With a set-up command the worktree gets its own.
    set_up(
        &mut scene,
        "mkdir -p node_modules && echo own > node_modules/own",
        false,
    );
    let ran = scene.exec("workspace-write", &[], [command("ls node_modules")]);
    let said = ran.calls()[1]["output"].as_str().unwrap().to_owned();
    assert!(said.contains("own") && !said.contains("p\n"), "{said}");
}

/// Attempts by models of these names; each answers with its own calls.
fn attempts(scene: &Scene, by: &[(&'static str, Vec<Call>)]) -> Ran {
    for (model, calls) in by {
        let model = *model;
        for (name, arguments) in calls {
            scene
                .server
                .push(Turn::call(name, arguments.clone()).when(move |body| body["model"] == model));
        }
        scene
            .server
            .push(Turn::text("Done.").when(move |body| body["model"] == model));
    }
    let count = by.len().to_string();
    let mut args = vec![
        "exec",
        "--json",
        "--approve",
        "auto",
        "--sandbox",
        "off",
        "--attempts",
        &count,
    ];
    for (model, _) in by {
        args.extend(["--model", model]);
    }
    args.push("Make it better");
    scene.kerf.run(&args).expect(0)
}

#[rstest]
#[case::one_after_the_other(1)]
#[case::all_at_once(8)]
fn attempts_are_compared_and_taken_hunk_by_hunk(#[case] at_once: u8) {
    let mut scene = Scene::new();
    scene.kerf = scene
        .kerf
        .config(&format!("[app]\nattempts_at_once = {at_once}\n"));
    attempts(
        &scene,
        &[
            (
                "m1",
                vec![
                    edit("a.txt", &[("three", "3"), ("seven", "7")]),
                    command("exit 3"),
                    command("true"),
                ],
            ),
            (
                "m2",
                vec![
                    edit("a.txt", &[("three", "III"), ("five", "V")]),
                    write("new.txt", "new\n"),
                    command("true"),
                    edit("b.txt", &[("b", "B")]),
                ],
            ),
            ("m3", vec![edit("a.txt", &[("three", "3")])]),
        ],
    );
    let before = look(scene.folder.path());
    let compared = scene.run(&["attempts"]).expect(0).json();
    assert_eq!(compared["request"], "Make it better");
    let attempts = list(&compared["attempts"]);
    let summary: Vec<String> = attempts
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {} +{} -{} {}",
                one["number"],
                one["session"]["endpoint"]["model"],
                one["state"],
                one["files"],
                one["added"],
                one["removed"],
                one["checks"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|check| format!("{}={}", check["command"], check["code"]))
                    .collect::<Vec<_>>()
                    .join(",")
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            r#"1 "m1" "completed" 1 +2 -2 "exit 3"=3,"true"=0"#,
            r#"2 "m2" "completed" 3 +4 -3 "#,
            r#"3 "m3" "completed" 1 +1 -1 "#,
        ]
    );
    let files: Vec<(&str, Vec<bool>)> = list(&compared["files"])
        .iter()
        .map(|file| {
            (
                file["path"].as_str().unwrap(),
                list(&file["attempts"])
                    .iter()
                    .map(|one| !one.is_null())
                    .collect(),
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("a.txt", vec![true, true, true]),
            ("b.txt", vec![false, true, false]),
            ("new.txt", vec![false, true, false])
        ]
    );
    let text = scene.kerf.run(&["attempts", "last"]).expect(0).stdout;
    assert!(
        text.contains("failed with 3  exit 3") && text.contains("new.txt"),
        "{text}"
    );

    // Two of them differ about line 3: nothing is taken, and both are named.
    let task = compared["task_id"].as_str().unwrap();
    let refused = scene.run(&["attempts", "take", task, "1", "2"]).expect(1);
    let message = refused.error()["message"].as_str().unwrap();
    assert!(
        message.contains("attempts 1 and 2") && message.contains("line 3 of a.txt"),
        "{message}"
    );
    assert_eq!(look(scene.folder.path()), before);

    // Attempts 1 and 3 made the same change once; of attempt 2, what goes with it.
    let taken = scene
        .run(&["attempts", "take", task, "3", "1", "2:a.txt:2", "2:new.txt"])
        .expect(0)
        .json();
    assert_eq!(list(&taken["written"]), ["a.txt", "new.txt"]);
    assert_eq!(scene.folder.read("a.txt"), "ONE\ntwo\n3\nfour\nV\nsix\n7\n");
    assert_eq!(
        (scene.folder.read("new.txt"), scene.folder.read("b.txt")),
        ("new\n".to_owned(), "b\n".to_owned())
    );
}

#[test]
fn what_is_taken_is_tried_first_and_checked_afterwards() {
    let mut scene = Scene::new();
    attempts(
        &scene,
        &[
            (
                "m1",
                vec![edit("a.txt", &[("three", "3")]), command("grep -q 3 a.txt")],
            ),
            (
                "m2",
                vec![
                    edit("a.txt", &[("five", "V")]),
                    command("grep -q V a.txt"),
                    command("exit 4"),
                ],
            ),
            ("m3", vec![edit("a.txt", &[("three", "III")])]),
        ],
    );
    let before = look(scene.folder.path());
    let shown = scene
        .run(&["attempts", "take", "last", "1", "2", "--preview"])
        .expect(0)
        .json();
    let files = list(&shown["files"]);
    assert_eq!(files.len(), 1);
    assert_eq!(files[0]["attempts"], serde_json::json!([1, 2]));
    let changed: Vec<String> = list(&files[0]["change"]["hunks"])
        .iter()
        .flat_map(|hunk| list(&hunk["lines"]))
        .filter(|line| line["kind"] != "context")
        .map(|line| format!("{} {}", line["kind"], line["text"]))
        .collect();
    assert_eq!(
        changed,
        [
            r#""removed" "three""#,
            r#""added" "3""#,
            r#""removed" "five""#,
            r#""added" "V""#
        ],
        "the user's own change is not shown as one that would be made"
    );
    let clash = scene
        .run(&["attempts", "take", "last", "1", "3", "--preview"])
        .expect(1)
        .json();
    let conflict = list(&clash["files"])[0]["conflict"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        conflict.contains("attempts 1 and 3") && conflict.contains("line 3"),
        "{conflict}"
    );
    assert_eq!(look(scene.folder.path()), before, "nothing is written");

    // Each passed in its own worktree, and the folder has neither change yet.
    let checked = scene.run(&["attempts", "check", "last"]).expect(1);
    let passed: Vec<&Value> = checked.events.iter().map(|one| &one["passed"]).collect();
    assert_eq!(passed, [false, false]);
    scene.run(&["attempts", "take", "last", "1", "2"]).expect(0);
    let checked = scene.run(&["attempts", "check", "last"]).expect(0);
    let passed: Vec<&Value> = checked.events.iter().map(|one| &one["passed"]).collect();
    assert_eq!(passed, [true, true]);

    // Only what an attempt ran, also a failed one, and nothing that a rule denies.
    scene
        .run(&["attempts", "check", "last", "touch mine"])
        .expect(2);
    assert!(!scene.folder.exists("mine"));
    let failed = scene
        .run(&["attempts", "check", "last", "exit 4"])
        .expect(1);
    assert_eq!(failed.json()["code"], 4);
    scene.kerf = scene.kerf.config("[rules]\ndeny = [\"Bash(grep *)\"]\n");
    let denied = scene.run(&["attempts", "check", "last"]).expect(3);
    assert_eq!(denied.error()["code"], "denied");
}

#[rstest]
#[case::tokens(&["--token-limit", "1000"], "it has used 1402 of its 1000 tokens")]
#[case::budget(&["--budget", "tokens=1k,time=1h"], "it has used 1402 of its 1000 tokens")]
#[case::cost(&["--budget", "cost=0.0030"], "it has cost 0.0042, and its budget is 0.0030")]
#[case::time(&["--budget", "time=2s"], "it has worked for its 2 seconds")]
fn an_attempt_stops_at_its_budget_and_the_others_go_on(
    #[case] limit: &[&str],
    #[case] words: &str,
) {
    let mut scene = Scene::new();
    let prices = "[app.prices.environment]\ninput = 30_000\noutput = 0\n";
    scene.kerf = scene.kerf.config(prices);
    let tokens = |used: u64| kerf_test_support::Tokens {
        input: used,
        cached: 0,
        cache_write: 0,
        output: 1,
        reasoning: 0,
    };
    for step in 0..2 {
        let (name, arguments) = write("a.txt", &format!("{step}\n"));
        scene.server.push(
            Turn::call(name, arguments)
                .tokens(tokens(700))
                .when(|body| body["model"] == "greedy"),
        );
    }
    // It would wait for this one for ever.
    scene.server.push(
        Turn::text("Never.")
            .stall_first()
            .when(|body| body["model"] == "greedy"),
    );
    scene.server.push(
        Turn::text("Done.")
            .tokens(tokens(700))
            .when(|body| body["model"] == "modest"),
    );
    let begin = [
        "exec",
        "--json",
        "--approve",
        "auto",
        "--sandbox",
        "off",
        "--attempts",
        "2",
        "--model",
        "greedy",
        "--model",
        "modest",
    ];
    scene
        .kerf
        .run(&[&begin[..], limit, &["Go"]].concat())
        .expect(0);
    let compared = scene.run(&["attempts"]).expect(0).json();
    let attempts = list(&compared["attempts"]);
    let states: Vec<&Value> = attempts.iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["cancelled", "completed"]);
    assert_eq!(
        attempts[0]["stopped"],
        format!("stopped at its budget: {words}")
    );
    assert_eq!(attempts[1].get("stopped"), None);
}

#[test]
fn what_has_no_price_cannot_be_limited_by_cost() {
    let scene = Scene::new();
    let refused = scene
        .run(&["exec", "--attempts", "2", "--budget", "cost=1", "Go"])
        .expect(2);
    let error = refused.error();
    assert!(
        error["message"].as_str().unwrap().contains("has no price"),
        "{error}"
    );
    assert!(scene.run(&["worktrees"]).expect(0).events.is_empty());
}

/// The configuration with a set-up command for the scene's folder.
fn set_up(scene: &mut Scene, command: &str, go_on: bool) {
    let folder = scene.folder.path().canonicalize().unwrap();
    let config = format!(
        "[app.set_up.{:?}]\ncommand = {command:?}\ngo_on = {go_on}\n",
        folder.to_str().unwrap()
    );
    scene.kerf = std::mem::replace(&mut scene.kerf, Kerf::new()).config(&config);
}

/// What the model was sent with a request.
fn body(scene: &Scene, request: usize) -> String {
    String::from_utf8_lossy(&scene.server.requests()[request].body).into_owned()
}

#[test]
fn a_new_worktree_is_set_up_once_before_the_model_is_asked() {
    let mut scene = Scene::new();
    set_up(&mut scene, "echo ready; echo x >> set-up", false);
    let ran = scene.exec("off", &[], [command("test -f set-up")]);
    let calls = ran.calls();
    assert_eq!(calls[0]["tool"], "set_up");
    assert!(calls[0]["output"].as_str().unwrap().contains("ready"));
    let said = body(&scene, 0);
    assert!(
        said.contains("set-up command") && said.contains("it passed"),
        "{said}"
    );
    assert!(!scene.folder.exists("set-up"));
    // What it left is reviewed like what any command left.
    let first = crate::scene::short(&scene.run(&["diff"]).expect(0).events[0]);
    assert_eq!(first, "set-up:1 pending +1 -0");

    // Not again, and the model reads the same words.
    scene.server.push(Turn::text("Done."));
    let again = scene.run(&["resume", "--last", "Go on"]).expect(0);
    assert!(again.calls().is_empty(), "{}", again.stdout);
    let said = body(&scene, scene.server.requests().len() - 1);
    assert!(said.contains("it passed"), "{said}");
    // Nor in place.
    scene.server.push(Turn::text("Done."));
    let place = scene.run(&["exec", "Go ahead"]).expect(0);
    assert!(place.calls().is_empty(), "{}", place.stdout);
}

#[test]
fn a_set_up_that_fails_ends_the_turn_or_is_told() {
    let mut scene = Scene::new();
    set_up(&mut scene, "echo broken; exit 7", false);
    let refused = scene
        .run(&["exec", "--sandbox", "off", "--worktree", "Go ahead"])
        .expect(2);
    let failed = refused
        .events
        .iter()
        .find(|event| event["type"] == "turn.failed")
        .unwrap();
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("exit code 7"), "{message}");
    assert!(
        scene.server.requests().is_empty(),
        "the model was not asked"
    );

    // Tried again with the next message, as the settings say by then.
    set_up(&mut scene, "echo mended", false);
    scene.server.push(Turn::text("Done."));
    let ran = scene.run(&["resume", "--last", "Again"]).expect(0);
    assert_eq!(ran.calls()[0]["status"], "completed");

    set_up(&mut scene, "echo broken; exit 7", true);
    scene.server.push(Turn::text("Done."));
    let ran = scene
        .run(&["exec", "--sandbox", "off", "--worktree", "Go ahead"])
        .expect(0);
    assert_eq!(ran.calls()[0]["status"], "failed");
    let said = body(&scene, scene.server.requests().len() - 1);
    assert!(
        said.contains("it did not pass") && said.contains("broken"),
        "{said}"
    );
}

#[test]
fn nine_attempts_are_too_many() {
    let scene = Scene::new();
    for count in ["0", "9"] {
        scene.run(&["exec", "--attempts", count, "Go"]).expect(2);
    }
    assert!(scene.run(&["worktrees"]).expect(0).events.is_empty());
}
