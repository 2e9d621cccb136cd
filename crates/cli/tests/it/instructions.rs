//! Instruction files: whose are read, when, how much of them, and what the events say about it.

use crate::support::{Kerf, Ran};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::{Value, json};

const MAX: usize = 32 * 1024;

/// The files that the events name, as `path bytes/total`, with the event's type before those of each event.
fn loaded(ran: &Ran) -> Vec<String> {
    let mut told = Vec::new();
    for event in &ran.events {
        for file in event["instructions"].as_array().into_iter().flatten() {
            told.push(format!(
                "{} {} {}/{}",
                event["type"].as_str().unwrap(),
                file["path"].as_str().unwrap(),
                file["bytes"],
                file["total_bytes"]
            ));
        }
    }
    told
}

#[test]
fn from_the_user_the_root_and_the_folders_on_the_way() {
    let repo = Fixture::new(
        "//- /AGENTS.md no_eol\nroot agents\n//- /CLAUDE.md no_eol\nroot claude\n//- /app/AGENTS.md no_eol\napp agents\n//- /app/api/CLAUDE.md no_eol\napi claude\n//- /app/api/h.txt\nhello\n//- /app/other/AGENTS.md no_eol\nnot on the way\n//- /lib/AGENTS.md no_eol\nlib agents\n//- /lib/x.txt\none\n",
    )
    .git();
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("read_file", json!({"path": "app/api/h.txt"})))
            .turn(Turn::call(
                "edit_file",
                json!({"path": "lib/x.txt", "edits": [{"old": "one", "new": "two"}]}),
            ))
            .turn(Turn::call("read_file", json!({"path": "app/api/h.txt"})))
            .turn(Turn::text("Read."))
            .turn(Turn::text("Still read.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let own = kerf.home().join("AGENTS.md");
    std::fs::write(&own, "my own").unwrap();
    let ran = kerf
        .run(&["exec", "--json", "--approve", "auto", "Go"])
        .expect(0);
    assert_eq!(
        loaded(&ran),
        [
            format!("turn.started {} 6/6", own.display()),
            "turn.started AGENTS.md 11/11".to_owned(),
            "turn.started CLAUDE.md 11/11".to_owned(),
            "instructions.loaded app/AGENTS.md 10/10".to_owned(),
            "instructions.loaded app/api/CLAUDE.md 10/10".to_owned(),
            "instructions.loaded lib/AGENTS.md 10/10".to_owned(),
        ]
    );
    let requests = server.requests();
    let system = requests[0].seen().system;
    let at = |text: &str| {
        system
            .find(text)
            .unwrap_or_else(|| panic!("`{text}` is not in\n{system}"))
    };
    assert!(at("my own") < at("root agents") && at("root agents") < at("root claude"));
    assert!(!system.contains("app agents"));
    // A folder's own come with the first result from there, once, and the system prompt stays the same.
    let seen = requests[3].seen();
    assert_eq!(seen.system, system);
    let outputs: Vec<&str> = seen
        .results
        .iter()
        .map(|(_, output)| output.as_str())
        .collect();
    assert!(
        outputs[0].contains("app agents") && outputs[0].contains("api claude"),
        "{outputs:?}"
    );
    assert!(outputs[1].contains("lib agents"), "{outputs:?}");
    assert_eq!(outputs[2], "1\thello\n");
    assert!(
        !seen
            .results
            .iter()
            .any(|(_, output)| output.contains("not on the way"))
    );

    // They are read anew at each turn.
    repo.write("AGENTS.md", "changed");
    std::fs::remove_file(&own).unwrap();
    let again = kerf
        .run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    assert_eq!(
        loaded(&again),
        ["turn.started AGENTS.md 7/7", "turn.started CLAUDE.md 11/11"]
    );
    let system = server.requests().pop().unwrap().seen().system;
    assert!(
        system.contains("changed") && !system.contains("root agents") && !system.contains("my own")
    );
}

#[test]
fn all_together_are_cut_at_32_kib_between_two_characters() {
    let repo = Fixture::new("//- /deep/x.txt\nx\n").git();
    let half = "r".repeat(MAX / 2);
    // Three bytes a character, so that the limit lies inside one.
    let long = "語".repeat(MAX / 3);
    repo.write("AGENTS.md", &half);
    repo.write("CLAUDE.md", &long);
    repo.write("deep/AGENTS.md", "no room for this");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("read_file", json!({"path": "deep/x.txt"})))
            .turn(Turn::text("Read.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Anthropic).in_repo(&repo);
    let ran = kerf.run(&["exec", "--json", "Go"]).expect(0);
    let cut = (MAX - half.len()) / 3 * 3;
    assert_eq!(
        loaded(&ran),
        [
            format!("turn.started AGENTS.md {}/{}", half.len(), half.len()),
            format!("turn.started CLAUDE.md {cut}/{}", long.len()),
            // What a character did not fit into is still room.
            "instructions.loaded deep/AGENTS.md 1/16".to_owned(),
        ]
    );
    let requests = server.requests();
    let system = requests[0].seen().system;
    assert_eq!(system.matches('語').count(), cut / 3);
    assert!(system.contains(&half));
    let output = &requests[1].seen().results[0].1;
    assert!(!output.contains("no room"), "{output}");
}

#[test]
fn a_file_under_both_names_is_given_once() {
    let repo = Fixture::new("//- /AGENTS.md\nthe same\n//- /CLAUDE.md link=AGENTS.md\n//- /b/AGENTS.md\nin b\n//- /b/CLAUDE.md\nin b\n//- /b/x.txt\nx\n").git();
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("read_file", json!({"path": "b/x.txt"})))
            .turn(Turn::text("Read.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf.run(&["exec", "--json", "Go"]).expect(0);
    let names: Vec<String> = loaded(&ran)
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(names, ["AGENTS.md", "b/AGENTS.md"]);
    assert_eq!(
        server.requests()[0]
            .seen()
            .system
            .matches("the same")
            .count(),
        1
    );
}

#[test]
fn what_is_no_instruction_file_is_none() {
    let repo = Fixture::new("//- /AGENTS.md/inside.txt\nfolder\n//- /CLAUDE.md base64\n//8A/wD/\n//- /sub/AGENTS.md link=/etc/hostname\n//- /sub/x.txt\nx\n").git();
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("read_file", json!({"path": "sub/x.txt"})))
            .turn(Turn::text("Read.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf.run(&["exec", "--json", "Go"]).expect(0);
    assert_eq!(loaded(&ran), Vec::<String>::new());
    assert!(ran.of("instructions.loaded").is_empty());
    let started: &Value = ran.only("turn.started");
    assert_eq!(started["instructions"], json!([]));
}
