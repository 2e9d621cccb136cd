//! `kerf checkpoints` and `kerf restore`: what scripts rely on, and restores that are killed.

use crate::support::{Kerf, Ran};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::{Value, json};

pub(crate) const TREE: &str = "//- /a.txt\none\n//- /b.txt\nb\n//- /gone.txt\ngone\n";

fn script() -> Script {
    let edit = |path: &str, old: &str, new: &str| {
        Turn::call(
            "edit_file",
            json!({"path": path, "edits": [{"old": old, "new": new}]}),
        )
    };
    let patch = "*** Begin Patch\n*** Delete File: gone.txt\n*** End Patch";
    Script::new()
        .turn(edit("a.txt", "one", "two"))
        .turn(edit("b.txt", "b", "changed"))
        .turn(Turn::call(
            "write_file",
            json!({"path": "new/file.txt", "content": "new\n"}),
        ))
        .turn(Turn::call("apply_patch", json!({"patch": patch})))
        .turn(Turn::text("Done."))
}

pub(crate) fn worked() -> (Kerf, Fixture, ModelServer) {
    let repo = Fixture::new(TREE).git();
    let server = ModelServer::start(script());
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    kerf.run(&["exec", "--json", "--approve", "never", "Change things"])
        .expect(0);
    (kerf, repo, server)
}

pub(crate) fn checkpoints(kerf: &Kerf) -> Vec<Value> {
    kerf.run(&["checkpoints", "last", "--json"])
        .expect(0)
        .events
}

#[test]
fn checkpoints_are_listed_and_restored() {
    let (kerf, repo, _server) = worked();
    let changed = repo.tree();
    assert_ne!(changed, TREE);
    let listed = checkpoints(&kerf);
    assert_eq!(listed.len(), 5, "{listed:?}");
    for (one, next) in listed.iter().zip(&listed[1..]) {
        assert!(one["id"].as_i64() < next["id"].as_i64(), "oldest first");
        assert!(one["turn"].is_string() && one["created_at"].is_number());
    }
    assert_eq!(listed[0]["label"], "Before “Change things”");
    assert_eq!(listed[0]["files"], 3);
    let first = listed[0]["id"].to_string();

    let preview = |kerf: &Kerf| -> Ran {
        kerf.run(&["restore", "last", &first, "--dry-run", "--json"])
            .expect(0)
    };
    let would = preview(&kerf).json();
    assert_eq!(would["files"].as_array().unwrap().len(), 4, "{would}");
    assert_eq!(would["messages"], json!(["Change things"]));
    assert_eq!(repo.tree(), changed);
    let told = kerf
        .run(&["restore", "last", &first, "--dry-run"])
        .expect(0);
    for words in [
        "make    gone.txt",
        "delete  new/file.txt",
        "hidden: Change things",
    ] {
        assert!(told.stdout.contains(words), "{}", told.stdout);
    }

    // A file by its name, and nothing else.
    kerf.run(&["restore", "last", &first, "a.txt"]).expect(0);
    assert_eq!(repo.read("a.txt"), "one\n");
    assert_eq!(repo.read("b.txt"), "changed\n");
    let done = kerf
        .run(&["restore", "last", &first, "--json"])
        .expect(0)
        .json();
    assert_eq!(repo.tree(), TREE);
    assert_eq!(done["hidden_messages"], 1);
    let diff = kerf.run(&["diff", "last", "--json"]).expect(0);
    assert_eq!(diff.events, [] as [Value; 0]);
    let shown = kerf.run(&["sessions", "show", "last", "--json"]).expect(0);
    assert_eq!(shown.events, [] as [Value; 0]);

    let undo = done["undo"].to_string();
    kerf.run(&["restore", "last", &undo, "--conversation"])
        .expect(0);
    let shown = kerf.run(&["sessions", "show", "last", "--json"]).expect(0);
    assert!(!shown.events.is_empty());
    assert_eq!(repo.tree(), TREE);
    kerf.run(&["restore", "last", &undo, "--files"]).expect(0);
    assert_eq!(repo.read("b.txt"), "changed\n");

    kerf.run(&["restore", "last", "99999"]).expect(2);
    kerf.run(&["restore", "last", &first, "nowhere.txt"])
        .expect(2);
    kerf.run(&["restore", "last", &first, "--files", "--conversation"])
        .expect(2);
    kerf.run(&["checkpoints", "0000000000"]).expect(2);
}

#[test]
fn what_a_command_takes_away_is_held_where_nobody_is_asked() {
    let tree = "//- /.gitignore\n*.log\n//- /a.txt\none\n//- /kept.log\nlog\n";
    for approve in ["auto", "never"] {
        let repo = Fixture::new(tree).git();
        let command = "rm kept.log; echo > a.txt";
        let call = Turn::call("run_command", json!({"command": command}));
        let server = ModelServer::start(Script::new().turn(call).turn(Turn::text("Done.")));
        let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
        let words = ["exec", "--json", "--sandbox", "off", "--approve", approve];
        kerf.run(&[&words[..], &["Clean up"]].concat()).expect(0);
        assert!(!repo.exists("kept.log"));
        let first = checkpoints(&kerf)[0]["id"].to_string();
        kerf.run(&["restore", "last", &first]).expect(0);
        assert_eq!(repo.tree(), tree, "also what is ignored");
    }
}

/// Kerf with room for a megabyte of checkpoints, after so many commands that each wrote what does not compress.
pub(crate) fn over_its_room(commands: usize) -> (Kerf, Fixture, ModelServer) {
    let repo = Fixture::new(TREE);
    let command = "head -c 400000 /dev/urandom > big";
    let writes = (0..commands).map(|_| Turn::call("run_command", json!({"command": command})));
    let script = writes.fold(Script::new(), Script::turn);
    let server = ModelServer::start(script.turn(Turn::text("Done.")));
    let kerf = Kerf::new()
        .server(&server, Wire::Chat)
        .config("[app]\ncheckpoint_room = 1\n")
        .in_repo(&repo);
    kerf.run(&["exec", "--json", "--approve", "never", "Change things"])
        .expect(0);
    (kerf, repo, server)
}

#[test]
fn checkpoints_over_their_room_are_given_up() {
    let (kerf, repo, _server) = over_its_room(6);
    let data = kerf.run(&["data", "--json"]).expect(0).json();
    assert_eq!(data["blob_room"], 1_000_000);
    assert!(data["blob_bytes"].as_u64() > Some(1_000_000), "{data}");
    // What is still to be decided keeps its checkpoints.
    let done = kerf.run(&["data", "--collect", "--json"]).expect(0).json();
    assert_eq!(done["checkpoints"], 0, "{done}");

    kerf.run(&["accept", "last"]).expect(0);
    let done = kerf.run(&["data", "--collect", "--json"]).expect(0).json();
    let given_up = done["checkpoints"].as_u64().unwrap() as usize;
    let listed = checkpoints(&kerf);
    assert!(given_up > 0 && given_up < listed.len(), "{done}");
    for (place, one) in listed.iter().enumerate() {
        assert_eq!(one["gone_at"].is_number(), place < given_up, "{one}");
    }
    let told = kerf.run(&["checkpoints", "last"]).expect(0);
    let gone = told.stdout.matches("given up for room").count();
    assert_eq!(gone, given_up, "{}", told.stdout);
    let data = kerf.run(&["data"]).expect(0);
    assert!(data.stdout.contains(" of 1.0 MB"), "{}", data.stdout);
    let doctor = kerf.run(&["doctor"]).stdout;
    assert!(doctor.contains(" of 1.0 MB"), "{doctor}");

    let (first, newest) = (listed[0]["id"].to_string(), repo.bytes("big"));
    let refused = kerf.run(&["restore", "last", &first]);
    assert!(refused.stderr.contains("given up"), "{}", refused.stderr);
    assert!(repo.bytes("big") == newest);
    let last = listed.last().unwrap()["id"].to_string();
    kerf.run(&["restore", "last", &last, "--files"]).expect(0);
    let earlier = repo.bytes("big");
    assert!(earlier.len() == newest.len() && earlier != newest);
}

#[test]
fn ignored_files_that_are_too_many_to_be_kept_are_told_of() {
    let repo = Fixture::new("//- /.gitignore\nbuild\n//- /a.txt\none\n");
    for number in 0..2_003 {
        repo.write(&format!("build/{number}.o"), "object");
    }
    let clean = Turn::call("run_command", json!({"command": "rm -r build"}));
    let server = ModelServer::start(Script::new().turn(clean).turn(Turn::text("Done.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    kerf.run(&["exec", "--json", "--approve", "never", "Clean up"])
        .expect(0);
    assert!(!repo.exists("build"));
    let listed = checkpoints(&kerf);
    let notes: Vec<&str> = listed
        .iter()
        .filter_map(|one| one["note"].as_str())
        .collect();
    let told = "not in it: 3 of the ignored files, beyond the 2,000 files and 64 MB that are kept";
    assert_eq!(notes, [told]);
}
