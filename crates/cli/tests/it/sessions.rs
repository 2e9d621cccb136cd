//! History: list, show, search, rename, archive, delete, export and import; and two programs at one session.

use crate::scene::{Scene, command, edit, write};
use crate::support::{Kerf, Ran, items_of};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Step, Turn};
use rstest::rstest;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A home with sessions in two folders. The model says back what it is told to, and nothing else.
struct History {
    here: Fixture,
    there: Fixture,
    /// Answers as long as it lives.
    _server: ModelServer,
    kerf: Kerf,
}

impl History {
    fn new() -> Self {
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
    fn ask(&self, folder: &Fixture, message: &str) -> String {
        let folder = folder.path().to_str().unwrap();
        self.kerf
            .run(&["-C", folder, "exec", "--json", message])
            .expect(0)
            .session()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Vec<Value> {
        self.kerf
            .run(&[args, &["--json"]].concat())
            .expect(0)
            .events
    }

    /// The ids that a list shows.
    #[track_caller]
    fn ids(&self, args: &[&str]) -> Vec<String> {
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

/// In how many sessions something was found.
fn sessions(hits: &[Value]) -> usize {
    let ids: BTreeSet<&str> = hits
        .iter()
        .map(|hit| hit["session_id"].as_str().unwrap())
        .collect();
    ids.len()
}

#[rstest]
#[case::a_word("zebra", 1)]
#[case::the_case_does_not_matter("ZEBRA", 1)]
#[case::the_beginning_of_a_word("zeb", 1)]
#[case::not_its_end("bra", 0)]
#[case::words_in_any_order("crossing zebra", 1)]
#[case::all_words("zebra nothing", 0)]
#[case::an_accent("cafe", 1)]
#[case::the_agents_words("answer", 2)]
#[case::other_writing("日本", 1)]
#[case::a_quote("\"", 0)]
#[case::quoted("\"zebra crossing\"", 1)]
#[case::an_open_quote("\"zebra", 1)]
#[case::a_star("*", 0)]
#[case::a_star_behind("zebra*", 1)]
#[case::near("NEAR(", 1)]
#[case::near_whole("NEAR(zebra crossing, 5)", 0)]
#[case::operators("zebra AND crossing", 0)]
#[case::not("NOT zebra", 0)]
#[case::column("text:zebra", 0)]
#[case::caret("^zebra", 1)]
#[case::minus("-zebra", 1)]
#[case::braces("{zebra} (", 1)]
#[case::semicolon("zebra; drop table words; --", 0)]
#[case::nothing("", 0)]
#[case::blanks("  ", 0)]
#[case::nul_like("\\0 \\x00", 0)]
fn every_query_is_words(#[case] query: &str, #[case] hits: usize) {
    let history = History::new();
    history.ask(&history.here, "Draw a zebra crossing near the café 日本語");
    history.ask(&history.here, "Something else");
    history.ask(&history.there, "Draw a zebra crossing");
    let found = history
        .kerf
        .run(&["sessions", "search", "--json", "--", query])
        .expect(0)
        .events;
    assert_eq!(sessions(&found), hits, "{found:#?}");
    for hit in &found {
        let snippet = hit["snippet"].as_str().unwrap();
        assert!(
            snippet.contains('\u{e000}') && snippet.contains('\u{e001}'),
            "{snippet}"
        );
    }
}

#[test]
fn a_search_finds_what_tools_said_and_titles_and_can_be_of_all_folders() {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    let id = scene
        .turn([command("echo an okapi && echo out > b.txt")])
        .session();
    scene
        .kerf
        .run(&["sessions", "rename", &id, "About quaggas"])
        .expect(0);
    let elsewhere = Fixture::new("");
    for (query, args, hits) in [
        ("okapi", &[][..], 1),
        ("quaggas", &[], 1),
        ("okapi", &["-C", elsewhere.path().to_str().unwrap()], 0),
        (
            "okapi",
            &["--all", "-C", elsewhere.path().to_str().unwrap()],
            1,
        ),
        ("okapi", &["--limit", "0"], 0),
    ] {
        let ran = scene
            .kerf
            .run(&[&["sessions", "search", "--json", query], args].concat());
        assert_eq!(sessions(&ran.expect(0).events), hits, "{query} {args:?}");
    }
    let shown = scene
        .kerf
        .run(&["sessions", "search", "okapi"])
        .expect(0)
        .stdout;
    assert!(
        shown.starts_with(&id) && shown.contains("an okapi"),
        "{shown}"
    );
    assert!(!shown.contains('\u{e000}'), "{shown:?}");
    let shown = scene
        .kerf
        .run(&["sessions", "search", "nowhere"])
        .expect(0)
        .stdout;
    assert_eq!(shown, "nothing found\n");
}

/// A transcript without what must be fresh: ids and the state of the original's review.
fn without_ids(mut transcript: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    // What it may do is for the user to say again.
                    if name == "id"
                        || name == "policy"
                        || (name.ends_with("_id") && name != "call_id")
                    {
                        *value = Value::Null;
                    } else {
                        strip(value);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut transcript);
    transcript
}

#[rstest]
#[case::same_home(false)]
#[case::another_home(true)]
fn an_exported_session_comes_back_under_a_fresh_id(#[case] elsewhere: bool) {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    scene.turn([
        edit("a.txt", &[("1", "one \u{1b}[31m\u{202e}")]),
        command("echo '\u{1f600}'; exit 0"),
    ]);
    scene.server.push(
        Turn::steps([])
            .and_reasoning("Hm.", Some("sealed"))
            .and_text("Bye."),
    );
    scene.say("Say bye");
    let exported = scene.kerf.run(&["sessions", "export", "last"]).expect(0);
    assert_eq!(exported.stdout.lines().count(), 1, "one line of JSON");
    let original = exported.json();

    let other = Kerf::new()
        .server(&scene.server, Wire::Chat)
        .in_repo(&scene.folder);
    let kerf = if elsewhere { &other } else { &scene.kerf };
    let imported = kerf
        .run_with(&["sessions", "import", "--json"], &exported.stdout)
        .expect(0)
        .json();
    assert_ne!(imported["id"], original["session"]["id"]);
    let id = imported["id"].as_str().unwrap();
    let copy = kerf.run(&["sessions", "export", id]).expect(0).json();
    assert_eq!(without_ids(copy.clone()), without_ids(original.clone()));
    let ids = |transcript: &Value| -> Vec<Value> {
        items_of(transcript)
            .iter()
            .map(|item| item["id"].clone())
            .collect()
    };
    assert!(ids(&copy).iter().all(|id| !ids(&original).contains(id)));
    let sessions = kerf.run(&["sessions", "--json"]).expect(0).events.len();
    assert_eq!(sessions, if elsewhere { 1 } else { 2 });

    // It goes on from where it was.
    scene.server.push(Turn::text("Still here."));
    kerf.run(&["resume", id, "Are you there?"]).expect(0);
    let seen = scene.server.requests().last().unwrap().seen();
    assert_eq!(seen.calls.len(), 2);
    assert_eq!(seen.last_user_text(), Some("Are you there?"));
}

/// A file from elsewhere says nothing about what the agent may do here, nor where to.
#[test]
fn an_imported_session_brings_no_policy_and_no_address() {
    let history = History::new();
    history.ask(&history.here, "First");
    let exported = history
        .kerf
        .run(&["sessions", "export", "last"])
        .expect(0)
        .json();
    let elsewhere = ModelServer::start(Script::new().otherwise(Turn::text("Caught.")));
    let mine = ModelServer::start(Script::new().otherwise(Turn::text("Mine.")));
    let config = format!(
        "[endpoints.mine]\nwire = \"chat\"\nbase_url = \"{}\"\n",
        mine.base_url()
    );
    let kerf = history.kerf.config(&config);
    for (origin, name, answers) in [
        ("configured", "mine", true),
        ("configured", "unknown", false),
        ("environment", "environment", true),
        ("discovered", "ollama", false),
    ] {
        let mut file = exported.clone();
        file["session"]["policy"] = json!({ "sandbox": "off", "approve": "auto" });
        let address = elsewhere.base_url().replace("127.0.0.1", "localhost");
        file["session"]["endpoint"] = json!({ "name": name, "wire": "chat", "base_url": address, "model": "m", "origin": origin });
        let session = kerf
            .run_with(&["sessions", "import", "--json"], file.to_string())
            .expect(0)
            .json();
        assert_eq!(
            session["policy"],
            json!({ "sandbox": "workspace-write", "approve": "ask" })
        );
        let ran = kerf.run(&["resume", session["id"].as_str().unwrap(), "--json", "Hello"]);
        ran.expect(if answers { 0 } else { 2 });
        assert!(elsewhere.requests().is_empty(), "{origin} {name}");
    }
    assert_eq!(mine.requests().len(), 1);
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

#[rstest]
#[case::empty("")]
#[case::not_json("hello")]
#[case::cut("{\"session\":{\"id\":")]
#[case::other_json("{\"a\":1}")]
#[case::list("[]")]
fn what_is_no_exported_session_is_not_imported(#[case] input: &str) {
    let history = History::new();
    let ran = history
        .kerf
        .run_with(&["sessions", "import"], input)
        .expect(2);
    assert!(
        ran.stderr.contains("this is no exported session"),
        "{}",
        ran.stderr
    );
    assert!(history.ids(&["--all"]).is_empty());
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
