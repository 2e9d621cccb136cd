//! Instruction files: which are given, where, how much of them, and that it is told.

use crate::kit::{Rig, script};
use kerf_agent::{MAX_INSTRUCTION_BYTES, UserInstructions};
use kerf_protocol::event::{EventBody, LoadedInstructions};
use kerf_test_support::Turn;
use serde_json::json;

fn read(path: &str) -> Turn {
    Turn::call("read_file", json!({ "path": path }))
}

/// The files that were told to be given, by event.
fn told(rig: &Rig) -> Vec<Vec<LoadedInstructions>> {
    let events = rig.host.events().into_iter();
    events
        .filter_map(|event| match event {
            EventBody::TurnStarted { instructions, .. }
            | EventBody::InstructionsLoaded { instructions } => Some(instructions),
            _ => None,
        })
        .collect()
}

fn paths(loaded: &[LoadedInstructions]) -> Vec<&str> {
    loaded.iter().map(|file| file.path.as_str()).collect()
}

#[tokio::test]
async fn the_user_s_come_first_then_the_root_s() {
    let mut rig = Rig::new(
        "//- /AGENTS.md\nUse tabs.\n//- /CLAUDE.md\nBe brief.\n",
        script([]),
    );
    rig.agent.setup_mut().user_instructions = Some(UserInstructions {
        path: "~/.config/kerf/AGENTS.md".to_owned(),
        text: "Speak plainly.\n".to_owned(),
    });
    rig.turn("hello").await;
    let system = rig.seen(0).system;
    let at = |text: &str| {
        system
            .find(text)
            .unwrap_or_else(|| panic!("`{text}` in {system}"))
    };
    assert!(at("Speak plainly.") < at("Use tabs.") && at("Use tabs.") < at("Be brief."));
    assert_eq!(
        paths(&told(&rig)[0]),
        ["~/.config/kerf/AGENTS.md", "AGENTS.md", "CLAUDE.md"]
    );
    for file in &told(&rig)[0] {
        assert_eq!(
            file.bytes, file.total_bytes,
            "a file that was given whole is not told to be cut"
        );
    }
}

#[tokio::test]
async fn a_folder_s_own_are_given_when_the_work_first_comes_there() {
    let tree = "//- /AGENTS.md\nroot\n//- /a/AGENTS.md\ntabs in a\n//- /a/b/CLAUDE.md\ntabs in b\n//- /a/b/x.txt\nx\n//- /a/y.txt\ny\n//- /c/AGENTS.md\ntabs in c\n";
    let mut rig = Rig::new(
        tree,
        script([read("a/b/x.txt"), read("a/y.txt"), read("a/b/x.txt")]),
    );
    rig.turn("go").await;
    assert_eq!(
        told(&rig)
            .iter()
            .map(|loaded| paths(loaded))
            .collect::<Vec<_>>(),
        [vec!["AGENTS.md"], vec!["a/AGENTS.md", "a/b/CLAUDE.md"]]
    );
    let results = rig.results();
    assert!(
        results[0].find("tabs in a").unwrap() < results[0].find("tabs in b").unwrap(),
        "{results:?}"
    );
    assert!(
        !results[1].contains("tabs in a") && !results[2].contains("tabs in b"),
        "{results:?}"
    );
    assert!(!rig.seen(3).system.contains("tabs in a"));
}

#[tokio::test]
async fn a_new_file_brings_the_instructions_of_its_folder_too() {
    let write = Turn::call("write_file", json!({"path": "a/new.txt", "content": "x"}));
    let mut rig = Rig::new("//- /a/AGENTS.md\nin a\n", script([write]));
    rig.turn("go").await;
    assert!(rig.result().contains("in a"), "{}", rig.result());
}

#[cfg(unix)]
#[tokio::test]
async fn the_same_text_under_both_names_is_given_once() {
    for tree in [
        "//- /AGENTS.md\nUse tabs.\n//- /CLAUDE.md\nUse tabs.\n\n",
        "//- /AGENTS.md\nUse tabs.\n//- /CLAUDE.md link=AGENTS.md\n",
    ] {
        let mut rig = Rig::new(tree, script([]));
        rig.turn("hello").await;
        assert_eq!(rig.seen(0).system.matches("Use tabs.").count(), 1);
        assert_eq!(paths(&told(&rig)[0]), ["AGENTS.md"]);
    }
}

#[tokio::test]
async fn all_together_are_capped_and_the_cut_is_told() {
    let root = "ä".repeat(MAX_INSTRUCTION_BYTES / 2 - 1) + "zz";
    let over = format!("{root}this is over");
    let tree = format!("//- /AGENTS.md\n{over}\n//- /a/AGENTS.md\nin a\n//- /a/x.txt\nx\n");
    let mut rig = Rig::new(&tree, script([read("a/x.txt")]));
    rig.turn("go").await;
    let system = rig.seen(0).system;
    assert!(system.contains("ääzz\n") && !system.contains("this is over"));
    assert!(system.contains("(the other 12 bytes of this file were left out)"));
    let told = told(&rig);
    assert_eq!(told[0][0].bytes, MAX_INSTRUCTION_BYTES as u64);
    assert_eq!(told[0][0].total_bytes, over.len() as u64);
    assert_eq!((told[1][0].bytes, told[1][0].total_bytes), (0, 4));
    assert_eq!(
        rig.result(),
        "1\tx\n",
        "what was left out leaves no heading behind"
    );
}

#[tokio::test]
async fn a_cut_does_not_split_a_character() {
    let text = "x".to_owned() + &"ä".repeat(MAX_INSTRUCTION_BYTES);
    let mut rig = Rig::new(&format!("//- /AGENTS.md\n{text}\n"), script([]));
    rig.turn("go").await;
    assert_eq!(told(&rig)[0][0].bytes, MAX_INSTRUCTION_BYTES as u64 - 1);
}

#[tokio::test]
async fn changes_count_from_the_next_turn_on() {
    let mut rig = Rig::new(
        "//- /AGENTS.md\nold rule\n//- /a/AGENTS.md\nold in a\n//- /a/x.txt\nx\n",
        script([read("a/x.txt")]),
    );
    rig.turn("one").await;
    rig.fixture.write("AGENTS.md", "new rule\n");
    rig.fixture.write("a/AGENTS.md", "new in a\n");
    rig.server.push(read("a/x.txt"));
    rig.turn("two").await;
    let last = rig.server.requests().last().unwrap().seen();
    assert!(last.system.contains("new rule") && !last.system.contains("old rule"));
    assert!(last.results[1].1.contains("new in a"), "{:?}", last.results);
    rig.fixture.remove("AGENTS.md");
    rig.turn("three").await;
    let last = rig.server.requests().last().unwrap().seen();
    assert!(!last.system.contains("rule"), "{}", last.system);
}
