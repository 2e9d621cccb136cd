//! The program at a terminal: its questions, and what becomes of each answer.

use crate::{
    control::{long_time, wait_for_sleepers},
    running::STUCK,
    support::Kerf,
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use rstest::rstest;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::ffi::OsStrExt,
    process::Child,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
};

/// What stands before an answer to a question about an edit or a command.
const MAY: &str = "or say what to do instead: ";

/// A run at a terminal.
struct AtTerminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
    /// How much of what is shown was answered.
    read: usize,
}

impl AtTerminal {
    fn start(kerf: &Kerf, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(OsStr::from_bytes(name.as_bytes()))
                .unwrap()
        };
        let child = kerf
            .command(args)
            .env("NO_COLOR", "1")
            .stdin(open())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap();
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading ends with an error when the program has let go of the terminal.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keyboard,
            screen: receiver,
            shown: String::new(),
            read: 0,
        }
    }

    /// Whether there is more to come.
    fn more(&mut self) -> bool {
        match self.screen.recv_timeout(STUCK) {
            Ok(bytes) => self
                .shown
                .push_str(&String::from_utf8_lossy(&bytes).replace('\r', "")),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("stuck after\n{}", self.shown),
        }
        true
    }

    /// Waits for a question behind those before, types a line, and gives what stood before the question.
    #[track_caller]
    fn answer(&mut self, question: &str, line: &str) -> String {
        let before = self.asked(question);
        self.keyboard
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
        before
    }

    /// Waits for a question behind those before, and gives what stood before it.
    #[track_caller]
    fn asked(&mut self, question: &str) -> String {
        let at = loop {
            if let Some(at) = self.shown[self.read..].find(question) {
                break at;
            }
            assert!(self.more(), "`{question}` was never asked:\n{}", self.shown);
        };
        let before = self.shown[self.read..][..at].to_owned();
        self.read += at + question.len();
        before
    }

    /// Waits for the end, which must be a good one; gives all that was shown.
    #[track_caller]
    fn finish(mut self) -> String {
        while self.more() {}
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.shown);
        std::mem::take(&mut self.shown)
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        // It has ended by itself unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn edit(old: &str, new: &str) -> (&'static str, Value) {
    (
        "edit_file",
        json!({"path": "a.txt", "edits": [{"old": old, "new": new}]}),
    )
}

fn command(line: &str) -> (&'static str, Value) {
    ("run_command", json!({"command": line}))
}

/// Each call in a message of its own, then an answer.
fn server(calls: &[(&str, Value)]) -> ModelServer {
    let script = calls
        .iter()
        .fold(Script::new(), |script, (name, arguments)| {
            script.turn(Turn::call(name, arguments.clone()))
        });
    ModelServer::start(script.otherwise(Turn::text("Done.")))
}

#[rstest]
#[case::yes(&["y", "YES"], "two\nran\n", &[("completed", ""), ("completed", "")])]
#[case::no(&["n", ""], "one\n", &[("denied", "The user refused this."), ("denied", "The user refused this.")])]
#[case::words(&["call it three", "not now"], "one\n", &[("denied", "The user refused this: call it three"), ("denied", "The user refused this: not now")])]
#[case::one_of_each(&["no", "y"], "one\nran\n", &[("denied", "The user refused this."), ("completed", "")])]
fn answers(#[case] typed: &[&str], #[case] content: &str, #[case] results: &[(&str, &str)]) {
    let repo = Fixture::new("//- /a.txt\none\n").git();
    let server = server(&[edit("one", "two"), command("echo ran >> a.txt")]);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut terminal = AtTerminal::start(&kerf, &["exec", "Go"]);
    // The whole change and the whole command stand before their questions.
    for (line, texts) in typed
        .iter()
        .zip([&["-one", "+two"][..], &["echo ran >> a.txt"]])
    {
        let shown = terminal.answer(MAY, line);
        assert!(
            texts.iter().all(|text| shown.contains(text)),
            "{texts:?} in\n{shown}"
        );
    }
    assert!(terminal.finish().contains("Done."));
    assert_eq!(repo.read("a.txt"), content);
    let told = server.requests().pop().unwrap().seen().results;
    let listed = kerf.run(&["sessions", "show", "last", "--json"]).expect(0);
    let calls: Vec<&Value> = listed
        .events
        .iter()
        .filter(|item| item["type"] == "tool_call")
        .collect();
    for ((call, (_, output)), (status, says)) in calls.iter().zip(&told).zip(results) {
        assert_eq!(call["status"], *status);
        assert!(output.contains(says), "{output}");
    }
}

#[test]
fn always_is_for_all_edits_but_for_one_command() {
    let repo = Fixture::new("//- /a.txt\none\n").git();
    let (again, other) = ("echo ran >> log.txt", "echo ran >> log.txt # other");
    let server = server(&[
        edit("one", "two"),
        edit("two", "three"),
        command(again),
        command(again),
        command(other),
    ]);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut terminal = AtTerminal::start(&kerf, &["exec", "Go"]);
    for line in ["a", "always", "n"] {
        terminal.answer(MAY, line);
    }
    terminal.finish();
    assert_eq!(repo.read("a.txt"), "three\n");
    assert_eq!(repo.read("log.txt"), "ran\nran\n");
    // It is for as long as Kerf runs; the next one asks again.
    server.push(Turn::call(edit("three", "four").0, edit("three", "four").1));
    let mut terminal = AtTerminal::start(&kerf, &["resume", "--last", "Go on"]);
    terminal.answer(MAY, "n");
    terminal.finish();
    assert_eq!(repo.read("a.txt"), "three\n");
}

#[rstest]
#[case::by_number("2", "green")]
#[case::in_words("something like blue", "something like blue")]
#[case::no_such_number("7", "7")]
fn the_models_own_question(#[case] typed: &str, #[case] result: &str) {
    let repo = Fixture::new("//- /a.txt\none\n").git();
    let server = server(&[(
        "ask_user",
        json!({"question": "Which colour?", "options": ["red", "green"]}),
    )]);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut terminal = AtTerminal::start(&kerf, &["exec", "Go"]);
    let shown = terminal.answer("answer: ", typed);
    assert!(
        shown.contains("Which colour?") && shown.contains("2. green"),
        "{shown}"
    );
    terminal.finish();
    assert_eq!(server.requests()[1].seen().results[0].1, result);
}

#[test]
fn where_nobody_is_the_model_is_told_to_use_its_judgement() {
    let repo = Fixture::new("//- /a.txt\none\n").git();
    let server = server(&[("ask_user", json!({"question": "Which colour?"}))]);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    kerf.run(&["exec", "--json", "Go"]).expect(0);
    assert!(
        server.requests()[1].seen().results[0]
            .1
            .contains("best judgement")
    );
}

#[rstest]
#[case::run_it_again("y", "it may be run again")]
#[case::leave_it("n", "do not run it again")]
#[case::in_words("it finished, I looked", "it finished, I looked")]
fn a_command_that_was_interrupted_is_asked_about_once(#[case] typed: &str, #[case] told: &str) {
    let repo = Fixture::new("//- /a.txt\none\n").git();
    let time = long_time();
    let line = format!("echo run >> log.txt; exec sleep {time}");
    let server = server(&[command(&line)]);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "--approve", "never", "Go"]);
    running.wait_for("the command", |event| event["item"]["type"] == "tool_call");
    wait_for_sleepers(&time, 1);
    running.kill();
    let mut terminal = AtTerminal::start(&kerf, &["resume", "--last", "Go on"]);
    let shown = terminal.answer("or tell the agent what happened: ", typed);
    assert!(
        shown.contains(&line),
        "the whole command is shown:\n{shown}"
    );
    terminal.finish();
    let seen = server.requests().pop().unwrap().seen();
    assert!(
        seen.texts.iter().any(|(_, text)| text.contains(told)),
        "{seen:#?}"
    );
    assert_eq!(
        repo.read("log.txt"),
        "run\n",
        "Kerf itself never runs it again"
    );
    // The answer is kept: nobody is asked a second time, and the model still knows.
    kerf.run(&["resume", "--last", "Once more"]).expect(0);
    let seen = server.requests().pop().unwrap().seen();
    assert_eq!(
        seen.texts
            .iter()
            .filter(|(_, text)| text.contains(told))
            .count(),
        1,
        "{seen:#?}"
    );
}

/// The edit was planned before, for another content.
#[test]
fn a_file_that_changes_while_the_question_stands_is_not_written_over() {
    let repo = Fixture::new("//- /a.txt\none\n").git();
    let server = server(&[edit("one", "two")]);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut terminal = AtTerminal::start(&kerf, &["exec", "Go"]);
    assert!(terminal.asked(MAY).contains("+two"));
    repo.write("a.txt", "the user's\n");
    terminal.keyboard.write_all(b"y\n").unwrap();
    let shown = terminal.finish();
    assert!(shown.contains("changed on disk"), "{shown}");
    assert_eq!(repo.read("a.txt"), "the user's\n");
    let hunks = kerf.run(&["diff", "--json"]).expect(0);
    assert!(hunks.events.is_empty(), "{}", hunks.stdout);
}
