//! The command line itself: help, usage errors, errors for programs, pipes, and text that would steer a terminal.

use crate::scene::{Scene, command};
use crate::support::Kerf;
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use rstest::rstest;
use std::{fs, io::Read, process::Stdio};

#[test]
fn the_help_is_the_whole_command_line() {
    let shown = Kerf::new().run(&["--help"]).expect(0).stdout;
    insta::assert_snapshot!(shown, @r"
    A local-first coding agent: code leaves this machine only in requests to the endpoint you choose

    Usage: kerf [OPTIONS] <COMMAND>

    Commands:
      exec         Carry one request out
      resume       Go on with a session
      attempts     Compare the attempts of a task, and take of them what you want
      worktrees    List, remove and bring back the worktrees that sessions work in
      diff         Show the review of a session: every hunk and what was decided about it
      accept       Accept a hunk, a file, or everything
      reject       Reject a hunk, a file, or everything: the files are put back
      undo         Take the last decision of a session back
      checkpoints  List the checkpoints of a session, oldest first
      restore      Bring files, the conversation or both back to a checkpoint
      comment      Comment on lines of a file; it goes to the agent with your next message
      sessions     List, show, search and keep sessions
      apply-patch  Apply a patch in the `*** Begin Patch` format from standard input
      endpoints    List, add, test and find endpoints
      ledger       Show what left this machine
      rules        Show what goes ahead unasked in the folder, what is asked about, what is denied
      trust        Trust what a project brings of its own, after showing all of it
      search       Search the folder: ranked text, exact lines, regular expressions, definitions, files
      index        Build the index of the folder, or say how it stands
      data         Say where Kerf's data is and how much there is of it
      doctor       Say what works here and what does not, and why
      app          Open the window
      completions  Print completions for a shell
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -C, --folder <DIR>  Work in this folder
          --json          Print one JSON object a line
      -h, --help          Print help
      -V, --version       Print version
    ");
}

/// Every command beneath this one, with its subcommands, as the help lists them.
fn commands(kerf: &Kerf, above: &[String]) -> Vec<Vec<String>> {
    let help: Vec<&str> = above.iter().map(String::as_str).chain(["--help"]).collect();
    let shown = kerf.run(&help).expect(0).stdout;
    let listed = shown
        .split_once("\nCommands:\n")
        .map_or("", |(_, rest)| rest);
    let listed = listed.split("\n\n").next().unwrap_or_default();
    // A line that only goes on stands further in.
    let names = listed
        .lines()
        .filter_map(|line| {
            line.strip_prefix("  ")
                .filter(|line| !line.starts_with(' '))
        })
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    names
        .flat_map(|name| {
            let command = [above, &[name.to_owned()]].concat();
            let beneath = commands(kerf, &command);
            [vec![command], beneath].concat()
        })
        .collect()
}

#[test]
fn every_command_helps_and_refuses_what_it_does_not_know() {
    let kerf = Kerf::new();
    let all = commands(&kerf, &[]);
    assert!(all.len() > 40, "{all:?}");
    for command in &all {
        let with = |arg: &str| [&command[..], &[arg.to_owned()]].concat();
        for flag in ["--help", "-h"] {
            let ran = kerf.run(&with(flag)).expect(0);
            let usage = format!("Usage: kerf {}", command.join(" "));
            assert!(ran.stdout.contains(&usage), "{command:?}: {}", ran.stdout);
            assert!(
                ran.stdout.contains("--json") && ran.stderr.is_empty(),
                "{command:?}: {}",
                ran.stderr
            );
            assert!(
                !ran.stdout.starts_with("Usage"),
                "{command:?} says nothing about itself"
            );
        }
        let ran = kerf.run(&with("--no-such-flag")).expect(2);
        assert!(
            ran.stderr.contains("--no-such-flag"),
            "{command:?}: {}",
            ran.stderr
        );
        assert!(ran.stdout.is_empty(), "{command:?}: {}", ran.stdout);
    }
}

#[rstest]
#[case::nothing(&[], "Usage")]
#[case::unknown_command(&["frobnicate"], "frobnicate")]
#[case::exec_without_prompt(&["exec"], "PROMPT")]
#[case::resume_without_prompt(&["resume", "abcd"], "a session and a message are needed")]
#[case::resume_last_with_an_id(&["resume", "--last", "abcd", "more"], "a session and a message are needed")]
#[case::unknown_sandbox(&["exec", "--sandbox", "none", "x"], "read-only, workspace-write, off")]
#[case::unknown_approve(&["exec", "--approve", "yes", "x"], "ask, auto, never")]
#[case::empty_prompt(&["exec", ""], "the message is empty")]
#[case::blank_prompt(&["exec", " \n "], "the message is empty")]
#[case::empty_prompt_from_input(&["exec", "-"], "the message is empty")]
#[case::input_twice(&["exec", "--follow", "-"], "cannot both read standard input")]
#[case::missing_schema(&["exec", "--output-schema", "nowhere.json", "x"], "nowhere.json")]
#[case::schema_that_is_none(&["exec", "--output-schema", "a.txt", "x"], "a.txt is no JSON Schema")]
#[case::missing_image(&["exec", "--image", "nowhere.png", "x"], "nowhere.png")]
#[case::image_that_is_none(&["exec", "--image", "a.txt", "x"], "it is none of these kinds")]
#[case::image_that_is_a_folder(&["exec", "--image", ".", "x"], "it is no file")]
#[case::no_subcommand_of_sessions(&["sessions", "burn"], "burn")]
#[case::negative_limit(&["sessions", "list", "--limit", "-1"], "-1")]
#[case::bad_limit(&["ledger", "list", "--limit", "many"], "many")]
#[case::unknown_shell(&["completions", "tcsh"], "bash")]
fn a_usage_error_is_told_and_begins_nothing(#[case] args: &[&str], #[case] told: &str) {
    let folder = Fixture::new("//- /a.txt\nx\n");
    let server = ModelServer::start(Script::new().otherwise(Turn::text("Hello.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    let ran = kerf.run(args).expect(2);
    assert!(
        ran.stderr.contains(told),
        "{told:?} is not in {}",
        ran.stderr
    );
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    assert!(server.requests().is_empty());
    assert!(
        kerf.run(&["sessions", "--json"])
            .expect(0)
            .events
            .is_empty()
    );
}

/// Programs read standard output only.
#[rstest]
#[case::unknown_flag(&["--json", "exec", "--no-such-flag", "x"], 2, "usage", "--no-such-flag")]
#[case::missing_argument(&["exec", "--json"], 2, "usage", "PROMPT")]
#[case::bad_value(&["exec", "--json", "--approve", "yes", "x"], 2, "usage", "yes")]
#[case::empty_prompt(&["exec", "--json", ""], 2, "usage", "the message is empty")]
#[case::no_session(&["diff", "--json"], 2, "not_found", "no session in this folder")]
#[case::missing_folder(&["exec", "--json", "-C", "nowhere", "x"], 2, "usage", "nowhere")]
#[case::no_endpoint(&["exec", "--json", "--endpoint", "nobody", "x"], 2, "configuration", "nobody")]
#[case::no_patch(&["apply-patch", "--json"], 1, "usage", "must start with")]
fn an_error_is_an_object_for_programs(
    #[case] args: &[&str],
    #[case] code: i32,
    #[case] kind: &str,
    #[case] told: &str,
) {
    let folder = Fixture::new("");
    let ran = Kerf::new().in_repo(&folder).run(args).expect(code);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert_eq!(ran.events[0]["type"], "error");
    assert_eq!(ran.error()["code"], kind);
    assert!(
        ran.error()["message"].as_str().unwrap().contains(told),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.contains(told),
        "people read it too: {}",
        ran.stderr
    );
}

#[test]
fn help_and_version_are_text_also_for_programs() {
    let kerf = Kerf::new();
    let help = kerf.run(&["--json", "--help"]).expect(0).stdout;
    assert!(help.contains("Usage: kerf"), "{help}");
    let version = kerf.run(&["--version"]).expect(0).stdout;
    assert_eq!(version, format!("kerf {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_message_comes_from_standard_input() {
    let folder = Fixture::new("");
    let server = ModelServer::start(Script::new().otherwise(Turn::text("Hello.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    let text = "Two lines,\nand \u{1f600}\n";
    kerf.run_with(&["exec", "-"], text).expect(0);
    kerf.run_with(&["resume", "--last", "-"], "More").expect(0);
    let asked = |n: usize| {
        server.requests()[n]
            .seen()
            .last_user_text()
            .unwrap()
            .to_owned()
    };
    assert_eq!(asked(0).trim_end(), text.trim_end());
    assert_eq!(asked(1), "More");
    let ran = kerf.run_with(&["exec", "-"], b"not UTF-8: \xff").expect(2);
    assert!(ran.stderr.contains("standard input"), "{}", ran.stderr);
}

#[rstest]
#[case::exec(&["exec", "x"])]
#[case::apply_patch(&["apply-patch"])]
#[case::diff(&["diff"])]
#[case::sessions(&["sessions"])]
fn a_folder_that_is_not_there_is_an_error_of_usage(#[case] args: &[&str]) {
    let folder = Fixture::new("//- /a.txt\nx\n");
    let kerf = Kerf::new().in_repo(&folder);
    for name in ["nowhere", "a.txt", ""] {
        let args = [args, &["-C", name]].concat();
        let patch = "*** Begin Patch\n*** Add File: b.txt\n+x\n*** End Patch\n";
        let ran = kerf.run_with(&args, patch).expect(2);
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
    }
    assert_eq!(folder.tree(), "//- /a.txt\nx\n");
}

#[test]
fn another_folder_is_worked_in() {
    let (here, there) = (Fixture::new(""), Fixture::new(""));
    let server = ModelServer::start(Script::new().otherwise(Turn::text("Hello.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&here);
    let there = there.path().to_str().unwrap();
    let ran = kerf
        .run(&["-C", there, "exec", "--json", "Hello"])
        .expect(0);
    assert_eq!(ran.only("session.started")["folder"], there);
    kerf.run(&["diff", "--folder", there]).expect(0);
    kerf.run(&["diff"]).expect(2);
}

#[rstest]
#[case::bash("bash", "_kerf()")]
#[case::zsh("zsh", "#compdef kerf")]
#[case::fish("fish", "complete -c kerf")]
#[case::powershell("powershell", "Register-ArgumentCompleter")]
#[case::elvish("elvish", "edit:completion")]
fn completions_are_printed(#[case] shell: &str, #[case] part: &str) {
    let shown = Kerf::new().run(&["completions", shell]).expect(0).stdout;
    for part in [part, "apply-patch", "discover"] {
        assert!(
            shown.contains(part),
            "{part:?} is not in the completions for {shell}"
        );
    }
}

#[test]
fn the_manual_page_has_every_command() {
    let kerf = Kerf::new();
    let page = kerf.run(&["man"]).expect(0).stdout;
    assert!(
        page.starts_with(".ie") || page.contains(".TH kerf 1"),
        "{}",
        &page[..200]
    );
    for command in commands(&kerf, &[])
        .iter()
        .filter(|command| command.len() == 1)
    {
        let name = command[0].replace('-', "\\-");
        assert!(
            page.contains(&format!("kerf\\-{name}")) || page.contains(&format!("\n{name} \\-")),
            "{name}"
        );
    }
}

/// A reader that went away, as `head -1` does, is no error and no panic.
#[rstest]
#[case::help(&["--help"])]
#[case::completions(&["completions", "bash"])]
#[case::man(&["man"])]
#[case::presets(&["endpoints", "presets"])]
#[case::sessions(&["sessions", "list", "--json"])]
#[case::show(&["sessions", "show", "last"])]
#[case::diff(&["diff"])]
#[case::ledger(&["ledger", "show", "1"])]
#[case::exec(&["exec", "Again"])]
#[case::exec_json(&["exec", "--json", "Again"])]
fn a_broken_pipe_is_quiet(#[case] args: &[&str]) {
    let scene = Scene::on("", false);
    // More than a pipe holds.
    let file: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    scene.turn([crate::scene::write("a.txt", &file)]);
    scene.server.push(Turn::text(&file));
    let mut child = scene
        .kerf
        .command(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody ever reads.
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

#[test]
fn nothing_a_model_says_steers_a_terminal() {
    let evil = "a\u{1b}[2J\u{1b}]0;title\u{7}b\u{202e}c\u{200b}d\u{9b}31m\rhidden\u{8}\u{7f}";
    let shown = "a<001B>[2J<001B>]0;title<0007>b<202E>c<200B>d<009B>31m";
    let scene = Scene::on("", false);
    scene.turn([
        command("printf 'out \\033[2J\\n'; true"),
        crate::scene::write("a.txt", &format!("{evil}\n")),
    ]);
    scene
        .server
        .push(Turn::text(evil).and_reasoning(evil, None));
    scene.server.push(Turn::text(evil));
    let streamed = scene.kerf.run(&["resume", "--last", evil]).expect(0);
    assert!(streamed.stdout.contains(shown), "{:?}", streamed.stdout);
    scene
        .kerf
        .run(&["comment", "last", "a.txt:1", evil])
        .expect(0);
    scene.kerf.run(&["resume", "--last", "Again"]).expect(0);
    scene
        .kerf
        .run(&["sessions", "rename", "last", evil])
        .expect(0);
    for args in [
        &["sessions", "list"][..],
        &["sessions", "show", "last"],
        &["sessions", "search", "hidden"],
        &["diff"],
        &["ledger"],
        &["accept", "last", evil],
        &["sessions", "show", evil],
        &["exec", "--endpoint", evil, "x"],
        &["-C", evil, "diff"],
        &["endpoints", "add", evil, "--base-url", "http://a/v1"],
        &["endpoints", "add", "a", "--base-url", evil],
    ] {
        let ran = scene.kerf.run(args);
        for text in [&ran.stdout, &ran.stderr] {
            let steers = |c: &char| {
                c.is_control() && !matches!(c, '\n' | '\t') || "\u{202e}\u{200b}".contains(*c)
            };
            let found: String = text.chars().filter(steers).collect();
            assert_eq!(found, "", "{args:?}: {text:?}");
        }
    }
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let scene = Scene::on("//- /a.txt\nx\n", false);
    scene.turn([crate::scene::edit("a.txt", &[("x", "y")])]);
    for args in [&["diff"][..], &["sessions"], &["doctor"]] {
        let ran = scene.kerf.run(args).expect(0);
        assert!(!ran.stdout.contains('\u{1b}'), "{:?}", ran.stdout);
    }
}

#[test]
fn the_home_is_made_where_it_is_said_and_an_impossible_one_is_told() {
    let folder = Fixture::new("//- /file\nx\n");
    let home = folder.join("deep/home");
    let kerf = Kerf::new()
        .in_repo(&folder)
        .env("KERF_HOME", home.to_str().unwrap());
    kerf.run(&["sessions"]).expect(0);
    assert!(home.join("kerf.db").is_file());
    let ran = kerf
        .env("KERF_HOME", folder.join("file/home").to_str().unwrap())
        .run(&["sessions"])
        .expect(1);
    assert!(ran.stderr.contains("KERF_HOME"), "{}", ran.stderr);
}

/// Damage where nothing looks is found by who reads all of it, and nobody else reads all of it.
#[test]
fn the_doctor_reads_the_whole_database_when_asked() {
    let folder = Fixture::new("");
    let kerf = Kerf::new()
        .in_repo(&folder)
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/kerf-test");
    let data = |words: &[&str], code| -> String {
        let checks = kerf.run(words).expect(code).events;
        let data = checks.iter().find(|check| check["name"] == "data").unwrap();
        data.to_string()
    };
    let said = data(&["doctor", "--json"], 0);
    assert!(said.contains("kerf doctor --deep"), "{said}");
    let said = data(&["doctor", "--deep", "--json"], 0);
    assert!(said.contains("all of the database was read"), "{said}");
    let path = kerf.home().join("kerf.db");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..last + 16].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let said = data(&["doctor", "--json"], 0);
    assert!(said.contains("kerf doctor --deep"), "{said}");
    let said = data(&["doctor", "--deep", "--json"], 1);
    assert!(
        said.contains("failed") && said.contains("kerf.db"),
        "{said}"
    );
    let said = data(&["doctor", "--json"], 0);
    assert!(said.contains("The database was damaged"), "{said}");
}

#[test]
fn the_doctor_names_every_part() {
    let folder = Fixture::new("");
    let kerf = Kerf::new()
        .in_repo(&folder)
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/kerf-test");
    let checks = kerf.run(&["doctor", "--json"]).expect(0).events;
    let names: Vec<&str> = checks
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    for name in [
        "data",
        "configuration",
        "keyring",
        "endpoint",
        "sandbox",
        "network",
        "folder",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert!(
        checks
            .iter()
            .all(|check| !check["detail"].as_str().unwrap().is_empty())
    );
    let broken = kerf.config("[broken");
    let ran = broken.run(&["doctor"]).expect(1);
    assert!(
        ran.stdout.contains("failed") && ran.stdout.contains("config.toml"),
        "{}",
        ran.stdout
    );
}
