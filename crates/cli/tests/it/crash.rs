//! Kerf killed in the middle of its work: what it had told is kept, nothing runs twice, and the session goes on.

use crate::{
    control::{long_time, processes},
    support::{Kerf, Ran, items_of},
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Step, Turn};
use rstest::rstest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Kills a session after so many lines; many times, in a few sessions side by side.
const SESSIONS: u64 = 4;
const ROUNDS: u64 = 25;
/// Calls in the script of a session: more than its rounds can use up.
const CALLS: usize = 600;
/// The round of a session whose kill is sure to meet a call; where the others fall is left to chance.
const HELD: u64 = 12;
/// What the one message says that is not interrupted.
const LAST: &str = "the last round";

/// A generator with a period that is long enough here; the standard library has none.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Call number `n` of the script. Each command says who it was in a file that no review looks at.
fn call(n: usize) -> Turn {
    match n % 4 {
        0 => Turn::text(format!("Step {n}.")).and_call("run_command", json!({"command": format!("echo {n} >> runs.log; echo {n} >> list.txt")})),
        1 => Turn::call("read_file", json!({"path": "list.txt"})).and_call("grep", json!({"pattern": "line"})),
        2 => Turn::call("write_file", json!({"path": format!("new/{n}.txt"), "content": format!("{n}\n")})),
        _ => Turn::steps([])
            .and_reasoning("Hm.", Some("b3BhcXVl"))
            .and_call("edit_file", json!({"path": "lines.txt", "edits": [{"old": format!("line {n};"), "new": format!("done {n};")}]})),
    }
}

fn workshop() -> Fixture {
    let mut text = "//- /.gitignore\nruns.log\n//- /list.txt\nline\n//- /lines.txt\n".to_owned();
    for n in 0..CALLS {
        text.push_str(&format!("line {n};\n"));
    }
    Fixture::new(&text).git()
}

/// Plays one session, killing it again and again; returns how many calls were found interrupted.
fn a_life_with_many_deaths(seed: u64) -> usize {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (seed << 32));
    let repo = workshop();
    let held = format!("echo held; exec sleep {}", long_time());
    let mut script = Script::new().turn(
        Turn::call("run_command", json!({"command": held}))
            .when(|request| request.to_string().contains(&format!("round {HELD}"))),
    );
    for n in 0..CALLS {
        script = script.turn(call(n).when(|request| !request.to_string().contains(LAST)));
    }
    let server = ModelServer::start(script.turn(Turn::text("Rest in peace.")));
    let wire = crate::support::WIRES[(seed % 3) as usize];
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let mut acknowledged: BTreeMap<String, Value> = BTreeMap::new();
    let mut session: Option<String> = None;
    let mut last_seq = 0;
    for round in 0..ROUNDS {
        let text = format!("round {round}");
        let args: Vec<&str> = match &session {
            None => vec!["exec", "--json", "--approve", "never", &text],
            Some(id) => vec!["resume", "--json", id, &text],
        };
        let mut running = kerf.spawn(&args);
        running.wait_for_type("session.started");
        if round == HELD {
            running.wait_for("the command's output", |event| event["delta"] == "held\n");
        } else {
            for _ in 0..dice.below(40) {
                running.wait_for("any event", |_| true);
            }
        }
        let ran: Ran = running.kill();
        assert_eq!(
            ran.code,
            128 + 9,
            "it was still at work\n{}\n{}",
            ran.stdout,
            ran.stderr
        );
        for event in &ran.events {
            let seq = event["seq"].as_u64().unwrap();
            assert!(seq > last_seq, "a number was used twice: {event}");
            last_seq = seq;
        }
        for item in ran.items() {
            let id = item["id"].as_str().unwrap().to_owned();
            assert!(
                acknowledged.insert(id, item.clone()).is_none(),
                "an item was told twice: {item}"
            );
        }
        session.get_or_insert_with(|| ran.session());
    }
    let id = session.unwrap();
    let transcript = kerf.run(&["sessions", "export", &id]).expect(0).json();
    let kept: BTreeMap<String, Value> = items_of(&transcript)
        .into_iter()
        .map(|item| (item["id"].as_str().unwrap().to_owned(), item))
        .collect();
    for (id, item) in &acknowledged {
        assert_eq!(
            kept.get(id),
            Some(item),
            "what was told is not what is kept"
        );
    }
    let turns = transcript["turns"].as_array().unwrap();
    for (n, turn) in turns[..turns.len() - 1].iter().enumerate() {
        assert_eq!(turn["state"], "interrupted", "turn {n}");
    }
    let runs = repo.read("runs.log");
    let ran: Vec<&str> = runs.lines().collect();
    assert_eq!(
        ran.iter().collect::<BTreeSet<_>>().len(),
        ran.len(),
        "a command ran twice: {ran:?}"
    );
    let commands = kept
        .values()
        .filter(|item| item["tool"] == "run_command")
        .count();
    assert!(ran.len() <= commands, "a command ran that nobody knows of");
    let listed = kerf.run(&["sessions", "list", "--json"]).expect(0);
    assert_eq!(listed.events[0]["state"], "interrupted");
    let last = kerf.run(&["resume", "--json", &id, LAST]).expect(0);
    assert_eq!(last.items().last().unwrap()["text"], "Rest in peace.");
    let seen = server.requests().pop().unwrap().seen();
    let calls: Vec<&String> = seen.calls.iter().map(|(id, ..)| id).collect();
    let results: Vec<&String> = seen.results.iter().map(|(id, _)| id).collect();
    assert_eq!(calls, results, "the model is shown a result for every call");
    let kept = kerf.exported_items(&id);
    assert!(
        kept.iter()
            .all(|item| !matches!(item["status"].as_str(), Some("running" | "waiting")))
    );
    kept.iter()
        .filter(|item| item["status"] == "interrupted")
        .count()
}

#[test]
fn a_hundred_deaths() {
    let threads: Vec<_> = (1..=SESSIONS)
        .map(|seed| std::thread::spawn(move || a_life_with_many_deaths(seed)))
        .collect();
    let interrupted: usize = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    assert!(
        interrupted >= SESSIONS as usize,
        "{interrupted} of the kills met a call"
    );
}

#[test]
fn a_command_that_was_interrupted_is_told_as_such_and_not_run_again() {
    let repo = Fixture::new("//- /.gitignore\nruns.log\n").git();
    let time = long_time();
    let server = ModelServer::start(
        Script::new()
            .turn(
                Turn::text("I run it.")
                    .and_call("run_command", json!({"command": format!("echo run >> runs.log; echo up; exec sleep {time}")}))
                    .and_call("write_file", json!({"path": "canary.txt", "content": "dead"})),
            )
            .otherwise(Turn::text("I see.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Anthropic).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "--approve", "never", "Go"]);
    running.wait_for("the command's output", |event| event["delta"] == "up\n");
    let ran = running.kill();
    let id = ran.session();
    let listed = kerf.run(&["sessions", "list", "--json"]).expect(0);
    assert_eq!(listed.events[0]["state"], "interrupted");
    // Also once another process has opened it and gone.
    kerf.run(&["diff", "last"]).expect(0);
    let listed = kerf.run(&["sessions", "list", "--json"]).expect(0);
    assert_eq!(listed.events[0]["state"], "interrupted");

    let resumed = kerf
        .run(&["resume", "--json", &id, "Where are we?"])
        .expect(0);
    let seen = server.requests().pop().unwrap().seen();
    assert_eq!(seen.calls.len(), seen.results.len());
    assert!(
        seen.results[0].1.contains("Whether it finished is unknown"),
        "{seen:#?}"
    );
    assert_eq!(seen.last_user_text(), Some("Where are we?"));
    let kept = kerf.exported_items(&id);
    let command = kept
        .iter()
        .find(|item| item["tool"] == "run_command")
        .unwrap();
    assert_eq!(command["status"], "interrupted");
    assert_eq!(repo.read("runs.log"), "run\n");
    assert!(!repo.exists("canary.txt"));
    assert_eq!(resumed.only("session.started")["resumed"], true);
    if cfg!(target_os = "linux") {
        assert_eq!(
            processes(&time),
            Vec::<String>::new(),
            "the command did not outlive Kerf"
        );
    }
}

/// The files of a session's review with their states, and what a rejection of all of it makes of the folder.
fn changed(kerf: &Kerf, id: &str) -> Vec<(String, String)> {
    let hunks = kerf.run(&["diff", "--json", id]).expect(0).events;
    let text = |hunk: &Value, name: &str| hunk[name].as_str().unwrap().to_owned();
    hunks
        .iter()
        .map(|hunk| (text(hunk, "path"), text(hunk, "state")))
        .collect()
}

/// What a session keeps of the folder while a command may change it.
fn records(kerf: &Kerf) -> usize {
    std::fs::read_dir(kerf.home().join("records")).map_or(0, Iterator::count)
}

const TREE: &str =
    "//- /.gitignore\nup\ngo\n//- /a.txt\na\n//- /b.txt\nb\n//- /c.txt\nc\n//- /mine.txt\nmine\n";

#[rstest]
fn what_an_interrupted_command_changed_is_found(#[values(true, false)] git: bool) {
    let repo = Fixture::new(TREE);
    let repo = if git { repo.git() } else { repo };
    repo.write("mine.txt", "also mine\n");
    let time = long_time();
    let first = "echo A > a.txt; echo first > first.txt";
    let second =
        format!("echo AA > a.txt; rm b.txt; echo new > new.txt; echo up; exec sleep {time}");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("run_command", json!({"command": first})))
            .turn(Turn::call("run_command", json!({"command": second})))
            .otherwise(Turn::text("I see.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "--approve", "never", "Go"]);
    running.wait_for("the command's output", |event| event["delta"] == "up\n");
    let id = running.kill().session();
    assert_eq!(records(&kerf), 1);
    let pending = |path: &str| (path.to_owned(), "pending".to_owned());
    let all = ["a.txt", "b.txt", "first.txt", "new.txt"].map(pending);
    assert_eq!(changed(&kerf, &id), all);
    assert_eq!(records(&kerf), 0, "it was looked at");
    // Once is enough: from now on what changes is the user's.
    repo.write("c.txt", "mine too\n");
    assert_eq!(changed(&kerf, &id), all);
    kerf.run(&["reject", &id]).expect(0);
    assert_eq!(
        (repo.read("a.txt"), repo.read("b.txt")),
        ("a\n".into(), "b\n".into())
    );
    assert!(!repo.exists("new.txt") && !repo.exists("first.txt"));
    assert_eq!(repo.read("mine.txt"), "also mine\n");
    assert_eq!(repo.read("c.txt"), "mine too\n");
    kerf.run(&["resume", "--json", &id, "Go on"]).expect(0);
}

#[rstest]
fn what_a_job_changed_that_was_killed_with_kerf_is_found(#[values(true, false)] another: bool) {
    let repo = Fixture::new(TREE).git();
    let time = long_time();
    let job = format!(
        "until [ -e go ]; do sleep 0.02; done; echo A > a.txt; echo up > up; exec sleep {time}"
    );
    let mut script = Script::new().turn(Turn::call(
        "run_command",
        json!({"command": job, "background": true}),
    ));
    if another {
        script = script.turn(Turn::call(
            "run_command",
            json!({"command": "echo B > b.txt"}),
        ));
    }
    let script = script
        .turn(Turn::text("I wait.").and(Step::Hold))
        .otherwise(Turn::text("I see."));
    let server = ModelServer::start(script);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "--approve", "never", "Go"]);
    running.wait_for("the last reply", |event| event["delta"] == "I wait.");
    repo.write("go", "");
    while !repo.exists("up") {
        std::thread::yield_now();
    }
    let id = running.kill().session();
    let expected: &[&str] = if another {
        &["a.txt", "b.txt"]
    } else {
        &["a.txt"]
    };
    let found: Vec<String> = changed(&kerf, &id)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(found, expected);
    kerf.run(&["reject", &id]).expect(0);
    assert_eq!(
        (repo.read("a.txt"), repo.read("b.txt")),
        ("a\n".into(), "b\n".into())
    );
}

#[test]
fn between_turns_what_changes_is_the_users() {
    let repo = Fixture::new(TREE).git();
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call(
                "run_command",
                json!({"command": "echo A > a.txt"}),
            ))
            .turn(Turn::text("Done."))
            .turn(Turn::text("Half").and(Step::Hold))
            .otherwise(Turn::text("I see.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "never", "Go"])
        .expect(0);
    assert_eq!(records(&kerf), 0, "nothing is left of an orderly end");
    let id = ran.session();
    repo.write("c.txt", "mine\n");
    let mut running = kerf.spawn(&["resume", "--json", &id, "Go on"]);
    running.wait_for("the text", |event| event["delta"] == "Half");
    running.kill();
    assert_eq!(changed(&kerf, &id), [("a.txt".into(), "pending".into())]);
}
