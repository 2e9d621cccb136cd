//! A running session in the user's hand: stopping it, and talking to it while it works.

use crate::{
    running::{Running, wait_until},
    support::{Kerf, Ran},
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Outcome, Script, Step, Turn};
use rstest::rstest;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

fn says(text: &'static str) -> impl Fn(&Value) -> bool {
    move |event| {
        event["type"] == "item.updated"
            && event["delta"]
                .as_str()
                .is_some_and(|delta| delta.contains(text))
    }
}

/// The ids of processes that have this in their command line. Empty where there is no `/proc`.
pub(crate) fn processes(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(marker) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

/// Waits until so many processes sleep for `time`. Where there is no `/proc` it takes the output's word for it.
pub(crate) fn wait_for_sleepers(time: &str, count: usize) {
    wait_until("the command sleeps", || {
        !cfg!(target_os = "linux") || processes(&format!("sleep\0{time}")).len() >= count
    });
}

/// A number of seconds that no other process sleeps.
pub(crate) fn long_time() -> String {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
    format!("9{:07}{taken:02}", std::process::id())
}

/// It was stopped: exit code 130, an orderly end, and a session that knows of it.
fn stopped(kerf: &Kerf, ran: Ran) -> Ran {
    let ran = ran.expect(130);
    assert_eq!(ran.only("turn.completed")["cancelled"], true);
    assert_eq!(ran.types().last(), Some(&"turn.completed"));
    let transcript = kerf
        .run(&["sessions", "export", &ran.session()])
        .expect(0)
        .json();
    assert_eq!(transcript["turns"][0]["state"], "cancelled");
    assert_eq!(transcript["session"]["state"], "idle");
    ran
}

fn last_texts(server: &ModelServer) -> Vec<String> {
    let seen = server.requests().pop().unwrap().seen();
    seen.texts.into_iter().map(|(_, text)| text).collect()
}

#[rstest]
fn a_stop_while_the_model_talks(
    #[values(Signal::INT, Signal::TERM, Signal::HUP)] signal: Signal,
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let turn = Turn::text("Half").and(Step::Hold).and_call(
        "write_file",
        json!({"path": "canary.txt", "content": "dead"}),
    );
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Back.")));
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "--approve", "never", "Go"]);
    running.wait_for("the text", says("Half"));
    running.signal(signal);
    // The server still holds, so nothing but the signal can have ended it.
    let ran = stopped(&kerf, running.finish());
    let half = &ran.items_of("agent_message")[0];
    assert_eq!(
        (&half["text"], &half["status"]),
        (&json!("Half"), &json!("cancelled"))
    );
    server.wait_until(|requests| requests[0].outcome == Outcome::Abandoned);
    kerf.run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    assert_eq!(last_texts(&server), ["Go", "Half", "Go on"]);
    assert!(!repo.exists("canary.txt"));
}

#[test]
fn a_stop_before_the_first_byte() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::text("Never").stall_first())
            .turn(Turn::text("Back.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let running = kerf.spawn(&["exec", "--json", "Go"]);
    let _ = server.wait_for(1);
    running.signal(Signal::INT);
    let ran = stopped(&kerf, running.finish());
    kerf.run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    assert_eq!(last_texts(&server), ["Go", "Go on"]);
}

#[test]
fn a_stop_while_it_waits_to_ask_again() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::status(429).header("retry-after", "100"))
            .turn(Turn::text("Back.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Anthropic).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "Go"]);
    assert_eq!(running.wait_for_type("request.retried")["wait_ms"], 100_000);
    running.signal(Signal::INT);
    let ran = stopped(&kerf, running.finish());
    kerf.run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_stop_while_a_command_runs_takes_its_whole_tree_along() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let time = long_time();
    let command = format!(
        "trap '' INT TERM HUP; (setsid sleep {time} &) ; sleep {time} & echo up; sleep {time}"
    );
    let turn = Turn::call("run_command", json!({"command": command})).and_call(
        "write_file",
        json!({"path": "canary.txt", "content": "dead"}),
    );
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Back.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "--approve", "never", "Go"]);
    running.wait_for("the command's output", says("up"));
    wait_for_sleepers(&time, 3);
    running.signal(Signal::INT);
    let ran = stopped(&kerf, running.finish());
    assert_eq!(
        processes(&time),
        Vec::<String>::new(),
        "nothing of the command is left"
    );
    let statuses: Vec<&str> = ran
        .calls()
        .iter()
        .map(|call| call["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["cancelled", "cancelled"]);
    assert!(
        ran.calls()[0]["output"].as_str().unwrap().contains("up"),
        "what it said is kept"
    );
    assert!(!repo.exists("canary.txt"));
    kerf.run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    let seen = server.requests().pop().unwrap().seen();
    assert_eq!((seen.calls.len(), seen.results.len()), (2, 2));
}

fn follow(kerf: &Kerf, message: &str) -> Running {
    kerf.spawn(&["exec", "--json", "--approve", "never", "--follow", message])
}

/// Says something to a running turn. No event tells that a line was taken, so this waits until it has left the
/// pipe, and then as long as another process takes to see the session run.
fn say(kerf: &Kerf, running: &mut Running, lines: &str) {
    running.send(lines).unwrap();
    running.drained();
    let listed = kerf.run(&["sessions", "list", "--json"]).expect(0);
    assert_eq!(listed.events[0]["state"], "running");
}

#[test]
fn a_line_is_read_after_the_running_command() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let command = "echo up; until [ -e go ]; do sleep 0.02; done; echo finished";
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("run_command", json!({"command": command})))
            .otherwise(Turn::text("Done.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut running = follow(&kerf, "Go");
    running.wait_for("the command's output", says("up"));
    say(&kerf, &mut running, "\nby the way\n");
    repo.write("go", "");
    let ran = running.finish().expect(0);
    assert_eq!(
        ran.calls()[0]["status"],
        "completed",
        "the line did not stop it"
    );
    assert!(
        ran.calls()[0]["output"]
            .as_str()
            .unwrap()
            .contains("finished")
    );
    let heard: Vec<&Value> = ran
        .items_of("user_message")
        .iter()
        .map(|item| &item["text"])
        .collect();
    assert_eq!(heard, ["Go", "by the way"], "an empty line is no message");
    let seen = server.requests().pop().unwrap().seen();
    assert_eq!(seen.last_user_text(), Some("by the way"));
    assert_eq!(seen.results.len(), 1);
}

#[test]
fn a_line_with_a_bang_stops_the_command_and_comes_behind_the_others() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let time = long_time();
    let turn = Turn::call(
        "run_command",
        json!({"command": format!("echo up; sleep {time}")}),
    )
    .and_call(
        "write_file",
        json!({"path": "canary.txt", "content": "dead"}),
    );
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Understood.")));
    let kerf = Kerf::new().server(&server, Wire::Anthropic).in_repo(&repo);
    let mut running = follow(&kerf, "Go");
    running.wait_for("the command's output", says("up"));
    running.send("by the way\n!never mind\n").unwrap();
    let ran = running.finish().expect(0);
    assert_eq!(processes(&time), Vec::<String>::new());
    assert!(!repo.exists("canary.txt"));
    assert_eq!(ran.of("turn.started").len(), 1, "it is the same turn");
    assert_eq!(last_texts(&server), ["Go", "by the way", "never mind"]);
    assert_eq!(server.requests()[1].seen().results.len(), 2);
}

#[rstest]
fn a_line_with_a_bang_stops_a_stalled_reply(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::text("Half").and(Step::Hold))
            .turn(Turn::text("As you like.")),
    );
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let mut running = follow(&kerf, "Do A");
    running.wait_for("the text", says("Half"));
    running.send("!Do B instead\n").unwrap();
    let ran = running.finish().expect(0);
    assert_eq!(last_texts(&server), ["Do A", "Half", "Do B instead"]);
    let told: Vec<(&str, &str)> = ran
        .items()
        .iter()
        .map(|item| {
            (
                item["text"].as_str().unwrap(),
                item["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Do A", "completed"),
            ("Half", "cancelled"),
            ("Do B instead", "completed"),
            ("As you like.", "completed")
        ]
    );
    assert_eq!(ran.of("turn.started").len(), 1);
}

#[test]
fn a_line_during_the_last_reply_gets_an_answer() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::text("That is all.").and(Step::Hold))
            .turn(Turn::text("One more.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Responses).in_repo(&repo);
    let mut running = follow(&kerf, "Go");
    running.wait_for("the text", says("That is all"));
    say(&kerf, &mut running, "One thing more\n");
    server.release();
    running.finish().expect(0);
    assert_eq!(
        last_texts(&server),
        ["Go", "That is all.", "One thing more"]
    );
}

#[test]
fn what_was_said_before_a_stop_waits_for_the_next_turn() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::text("Half").and(Step::Hold))
            .turn(Turn::text("Back.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut running = follow(&kerf, "Go");
    running.wait_for("the text", says("Half"));
    say(&kerf, &mut running, "still to do\n");
    running.signal(Signal::INT);
    let ran = stopped(&kerf, running.finish());
    assert_eq!(server.requests().len(), 1, "a stop is a stop");
    kerf.run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    let texts = last_texts(&server);
    assert_eq!(texts, ["Go", "Half", "still to do", "Go on"]);
}
