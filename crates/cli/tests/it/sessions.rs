//! History: list, show, rename, archive, delete, names of sessions; and two programs at one session.

use crate::scene::{Scene, command, edit, write};
use crate::session_search::sessions;
use crate::support::{Kerf, Ran};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Step, Turn};
use rstest::rstest;
use serde_json::{Value, json};

/// A home with sessions in two folders. The model says back what it is told to, and nothing else.
pub(crate) struct History {
    pub(crate) here: Fixture,
    pub(crate) there: Fixture,
    /// Answers as long as it lives.
    _server: ModelServer,
    pub(crate) kerf: Kerf,
}

impl History {
    pub(crate) fn new() -> Self {
        let server = ModelServer::start(Script::new().otherwise(Turn::text("The answer.")));
        let here = Fixture::new("//- /a.txt\n1\n");
        Self {
            there: Fixture::new(""),
            kerf: Kerf::new().server(&server, Wire::Chat).in_repo(&here),
            here,
            _server: server,
        }
    }

    /// Begins a session in a folder and returns its id.
    #[track_caller]
    pub(crate) fn ask(&self, folder: &Fixture, message: &str) -> String {
        let folder = folder.path().to_str().unwrap();
        self.kerf
            .run(&["-C", folder, "exec", "--json", message])
            .expect(0)
            .session()
    }

    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        self.kerf
            .run(&[args, &["--json"]].concat())
            .expect(0)
            .events
    }

    /// The ids that a list shows.
    #[track_caller]
    pub(crate) fn ids(&self, args: &[&str]) -> Vec<String> {
        let lines = self.json(&[&["sessions", "list"], args].concat());
        lines
            .iter()
            .map(|line| line["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn lists_are_of_the_folder_and_newest_first() {
    let history = History::new();
    assert!(history.ids(&[]).is_empty());
    let first = history.ask(&history.here, "First question");
    let second = history.ask(&history.here, "Second question\nwith more lines");
    let other = history.ask(&history.there, "Third question");
    assert_eq!(history.ids(&[]), [second.clone(), first.clone()]);
    assert_eq!(
        history.ids(&["--all"]),
        [other.clone(), second.clone(), first.clone()]
    );
    assert_eq!(
        history.ids(&["--all", "--limit", "2"]),
        [other, second.clone()]
    );
    // What goes on is new again.
    history.kerf.run(&["resume", &first, "More"]).expect(0);
    assert_eq!(history.ids(&[]), [first.clone(), second.clone()]);

    let lines = history.json(&["sessions"]);
    assert_eq!(lines[0]["title"], "First question");
    assert_eq!(lines[1]["title"], "Second question");
    assert_eq!(lines[0]["folder"], history.here.path().to_str().unwrap());
    assert_eq!(lines[0]["state"], "idle");
    assert_eq!(lines[0]["endpoint"]["model"], "scripted");
    assert_eq!(lines[0]["usage"]["input_tokens"], 200);
    let shown = history.kerf.run(&["sessions"]).expect(0).stdout;
    let rows: Vec<&str> = shown.lines().collect();
    assert_eq!(rows.len(), 2);
    assert!(
        rows[0].starts_with(&first) && rows[0].ends_with("First question"),
        "{shown}"
    );
}

#[test]
fn archived_sessions_are_put_aside() {
    let history = History::new();
    let first = history.ask(&history.here, "First");
    let second = history.ask(&history.here, "Second");
    history
        .kerf
        .run(&["sessions", "archive", &second])
        .expect(0);
    assert_eq!(history.ids(&[]), std::slice::from_ref(&first));
    assert_eq!(
        history.ids(&["--archived"]),
        [second.clone(), first.clone()]
    );
    // `last` is the newest of those that are not put aside.
    let last = history
        .kerf
        .run(&["sessions", "export", "last"])
        .expect(0)
        .json();
    assert_eq!(last["session"]["id"], json!(first));
    history
        .kerf
        .run(&["sessions", "archive", "--undo", &second])
        .expect(0);
    assert_eq!(history.ids(&[]), [second, first]);
}

#[test]
fn a_session_is_renamed_once_and_for_all() {
    let history = History::new();
    let id = history.ask(&history.here, "First");
    history
        .kerf
        .run(&[
            "sessions",
            "rename",
            &id,
            "  The \u{1b}[31mred\u{1b}[0m one ",
        ])
        .expect(0);
    history.kerf.run(&["resume", &id, "More"]).expect(0);
    let title = history.json(&["sessions"])[0]["title"].clone();
    assert!(title.as_str().unwrap().contains("red"), "{title}");
    let shown = history.kerf.run(&["sessions"]).expect(0).stdout;
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    history
        .kerf
        .run(&["sessions", "rename", &id, "  "])
        .expect(2);
    assert_eq!(history.json(&["sessions"])[0]["title"], title);
}

#[test]
fn a_session_is_shown_as_it_went() {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    let ran = scene.turn([edit("a.txt", &[("1", "one")]), command("echo said; exit 0")]);
    let shown = scene
        .kerf
        .run(&["sessions", "show", "last"])
        .expect(0)
        .stdout;
    for part in [
        "> Go ahead\n",
        "✓ Edit a.txt\n",
        "    changed a.txt\n",
        "✓ Run echo said",
        "    said\n",
        "Done.\n",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    let items = scene
        .kerf
        .run(&["sessions", "show", "last", "--json"])
        .expect(0)
        .events;
    let told: Vec<Value> = ran.items().into_iter().cloned().collect();
    assert_eq!(items, told);
}

#[test]
fn a_deleted_session_is_gone_and_the_ledger_keeps_its_rows() {
    let history = History::new();
    let first = history.ask(&history.here, "First");
    let second = history.ask(&history.here, "Second peculiarword");
    history.kerf.run(&["sessions", "delete", &second]).expect(0);
    assert_eq!(history.ids(&["--all", "--archived"]), [first]);
    history.kerf.run(&["sessions", "show", &second]).expect(2);
    history.kerf.run(&["resume", &second, "More"]).expect(2);
    history.kerf.run(&["sessions", "delete", &second]).expect(2);
    assert!(
        history
            .json(&["sessions", "search", "peculiarword"])
            .is_empty()
    );
    assert_eq!(history.json(&["ledger"]).len(), 2);
}

#[test]
fn a_session_whose_folder_is_gone_can_still_be_read() {
    let scene = Scene::on("//- /d/a.txt\n1\n", false);
    let folder = scene.folder.join("d");
    let kerf = Kerf::new()
        .server(&scene.server, Wire::Chat)
        .in_folder(&folder);
    scene.server.push(Turn::text("Hello."));
    let session = kerf.run(&["exec", "--json", "Hello"]).expect(0).session();
    scene.folder.remove("d");
    let kerf = kerf.in_repo(&scene.folder);
    kerf.run(&["sessions", "show", &session]).expect(0);
    assert_eq!(
        kerf.run(&["sessions", "list", "--all", "--json"])
            .expect(0)
            .events
            .len(),
        1
    );
    for args in [
        &["diff", &session][..],
        &["reject", &session],
        &["resume", &session, "More"],
    ] {
        let ran = kerf.run(args);
        assert!(matches!(ran.code, 1 | 2), "{ran:?}");
        assert!(
            ran.stderr.contains(folder.to_str().unwrap()),
            "{}",
            ran.stderr
        );
    }
    kerf.run(&["sessions", "delete", &session]).expect(0);
}

#[test]
fn a_session_is_found_by_the_beginning_or_the_end_of_its_id() {
    let history = History::new();
    let first = history.ask(&history.here, "First");
    let second = history.ask(&history.there, "Second");
    let title = |name: &str| {
        let ran = history.kerf.run(&["sessions", "export", name]).expect(0);
        ran.json()["session"]["title"].clone()
    };
    assert_eq!(title(&first), "First");
    assert_eq!(title(&first.to_uppercase()), "First");
    assert_eq!(title(&first[..first.len() - 1]), "First");
    assert_eq!(title(&first[24..]), "First");
    assert_eq!(title(&second[24..]), "Second");
    assert_eq!(title("last"), "First");
    // Ids of the same time begin alike.
    let ran = history
        .kerf
        .run(&["sessions", "show", &first[..8]])
        .expect(2);
    assert!(
        ran.stderr.contains("more than one session fits"),
        "{}",
        ran.stderr
    );
}

/// Every command that takes a session, without the session.
const BY_SESSION: &[&[&str]] = &[
    &["diff", "?"],
    &["accept", "?"],
    &["reject", "?"],
    &["undo", "?"],
    &["comment", "?", "a.txt:1", "x"],
    &["resume", "?", "More"],
    &["sessions", "show", "?"],
    &["sessions", "export", "?"],
    &["sessions", "rename", "?", "x"],
    &["sessions", "archive", "?"],
    &["sessions", "delete", "?"],
    &["ledger", "list", "--session", "?"],
];

#[rstest]
#[case::unknown(
    "00000000-0000-7000-8000-000000000000",
    "00000000-0000-7000-8000-000000000000"
)]
#[case::no_beginning("zzzz", "there is no session `zzzz`")]
#[case::too_short("0", "there is no session `0`")]
#[case::empty("", "there is no session ``")]
#[case::hostile("' or 1=1 --", "there is no session `' or 1=1 --`")]
#[case::last("last", "there is no session in this folder")]
fn a_session_that_is_not_there_is_an_error_of_usage(#[case] name: &str, #[case] told: &str) {
    let history = History::new();
    history.ask(&history.there, "Elsewhere");
    for args in BY_SESSION {
        if args[0] == "ledger" && name.starts_with("00000000") {
            // The ledger keeps the rows of sessions that were deleted, so any id may be asked about.
            continue;
        }
        let args: Vec<&str> = args
            .iter()
            .map(|arg| if *arg == "?" { name } else { arg })
            .collect();
        let ran = history.kerf.run(&args).expect(2);
        assert!(ran.stderr.contains(told), "{args:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{args:?}: {}", ran.stdout);
    }
    assert_eq!(history.ids(&["--all"]).len(), 1);
}

/// A session in the middle of a turn: its model has said `Working` and holds.
fn with_a_running_session(test: impl FnOnce(&Scene, &str)) {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    let (name, arguments) = write("b.txt", "b\n");
    scene.server.push(Turn::call(name, arguments));
    scene
        .server
        .push(Turn::text("Working").and(Step::Hold).and_text(" done."));
    let mut running = scene.kerf.spawn(&[
        "exec",
        "--json",
        "--approve",
        "auto",
        "--sandbox",
        "off",
        "Go",
    ]);
    running.close_stdin();
    let session = running.wait_for_type("session.started")["session_id"].clone();
    running.wait_for("the first words", |event| event["delta"] == "Working");
    test(&scene, session.as_str().unwrap());
    scene.server.release_all();
    running.finish().expect(0);
    scene.kerf.run(&["undo", "last"]).expect(2);
}

#[rstest]
#[case::resume(&["resume", "last", "Me too"])]
#[case::accept(&["accept", "last"])]
#[case::reject(&["reject", "last"])]
#[case::undo(&["undo", "last"])]
#[case::delete(&["sessions", "delete", "last"])]
fn a_running_session_is_not_driven_by_a_second_program(#[case] args: &[&str]) {
    with_a_running_session(|scene, session| {
        let requests = scene.server.requests().len();
        let ran = scene.kerf.run(&[args, &["--json"]].concat()).expect(1);
        assert_eq!(ran.error()["code"], "conflict");
        let message = ran.error()["message"].as_str().unwrap();
        assert!(message.contains(session), "{message}");
        assert!(!ran.error()["hint"].as_str().unwrap().is_empty());
        assert_eq!(scene.server.requests().len(), requests);
        assert_eq!(scene.folder.read("b.txt"), "b\n");
    });
}

#[test]
fn a_running_session_can_be_read_by_a_second_program() {
    with_a_running_session(|scene, session| {
        let run =
            |args: &[&str]| -> Ran { scene.kerf.run(&[args, &["--json"]].concat()).expect(0) };
        let listed = run(&["sessions"]).events;
        assert_eq!(listed[0]["id"], session);
        assert_eq!(listed[0]["state"], "running");
        let items = run(&["sessions", "show", session]).events;
        assert!(
            items.iter().any(|item| item["tool"] == "write_file"),
            "{items:#?}"
        );
        assert_eq!(
            run(&["sessions", "export", session]).json()["session"]["id"],
            session
        );
        assert_eq!(
            run(&["ledger", "list", "--session", session]).events.len(),
            2
        );
        assert_eq!(sessions(&run(&["sessions", "search", "Go"]).events), 1);
        let hunks: Vec<Value> = run(&["diff", session]).events;
        assert_eq!(hunks.len(), 1, "{hunks:#?}");
        assert_eq!(hunks[0]["path"], "b.txt");
        // A comment waits for the next message; nobody is disturbed by it.
        run(&["comment", session, "b.txt:1", "Hm"]);
        // Another session of the same folder is nobody's business.
        scene.server.push(Turn::text("Hello."));
        run(&["exec", "Another"]);
    });
}
