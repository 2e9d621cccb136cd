//! The tools that change files: what they refuse, what they keep, and that they do all or nothing.

use crate::kit::{Rig, script};
use kerf_agent::TurnEnd;
use kerf_protocol::item::ItemStatus;
use kerf_test_support::{Fixture, Turn};
use rstest::rstest;
use serde_json::{Value, json};

fn read(path: &str) -> Turn {
    Turn::call("read_file", json!({ "path": path }))
}

fn write(path: &str, content: &str) -> Turn {
    Turn::call("write_file", json!({"path": path, "content": content}))
}

fn edit(path: &str, old: &str, new: &str) -> Turn {
    Turn::call(
        "edit_file",
        json!({"path": path, "edits": [{"old": old, "new": new}]}),
    )
}

fn patch(text: &str) -> Turn {
    Turn::call(
        "apply_patch",
        json!({"patch": format!("*** Begin Patch\n{text}\n*** End Patch")}),
    )
}

/// The statuses of all calls, after the turns of a script in a folder with `a.txt`.
async fn statuses(turns: Vec<Turn>) -> (Rig, Vec<ItemStatus>) {
    let mut rig = Rig::new("//- /a.txt\none\ntwo\n", script(turns));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let statuses = rig
        .host
        .calls()
        .into_iter()
        .map(|(_, status)| status)
        .collect();
    (rig, statuses)
}

use ItemStatus::{Completed, Failed};

#[tokio::test]
async fn a_file_that_was_not_read_is_not_written_over() {
    let (rig, statuses) = statuses(vec![write("a.txt", "x\n")]).await;
    assert_eq!(statuses, [Failed]);
    assert_eq!(rig.fixture.read("a.txt"), "one\ntwo\n");
    assert!(
        rig.result().contains("a.txt exists and was not read"),
        "{}",
        rig.result()
    );
}

#[tokio::test]
async fn a_file_that_was_read_or_made_can_be_written_again_and_again() {
    let (rig, all) = statuses(vec![
        read("a.txt"),
        write("a.txt", "x\n"),
        write("a.txt", "y\n"),
    ])
    .await;
    assert_eq!(all, [Completed; 3]);
    assert_eq!(rig.fixture.read("a.txt"), "y\n");
    let (rig, all) = statuses(vec![write("new/b.txt", "x\n"), write("new/b.txt", "y\n")]).await;
    assert_eq!(all, [Completed; 2]);
    assert_eq!(rig.fixture.read("new/b.txt"), "y\n");
}

#[tokio::test]
async fn a_file_that_changed_outside_since_it_was_read_is_not_written_over() {
    let mut rig = Rig::new("//- /a.txt\none\n", script([read("a.txt")]));
    rig.turn("read").await;
    rig.fixture.write("a.txt", "the user's\n");
    rig.server.push(write("a.txt", "x\n"));
    rig.turn("write").await;
    assert_eq!(rig.fixture.read("a.txt"), "the user's\n");
    assert!(
        rig.results()[1].contains("a.txt changed since it was read"),
        "{:?}",
        rig.results()
    );
}

#[tokio::test]
async fn an_edit_does_not_count_as_having_read_the_rest() {
    // The model read the first version; the user added a line; an exact edit still fits, a whole write would lose it.
    let mut rig = Rig::new("//- /a.txt\none\n", script([read("a.txt")]));
    rig.turn("read").await;
    rig.fixture.write("a.txt", "one\nthe user's\n");
    rig.server.push(edit("a.txt", "one", "two"));
    rig.server.push(write("a.txt", "three\n"));
    rig.turn("go").await;
    assert_eq!(rig.fixture.read("a.txt"), "two\nthe user's\n");
    assert!(
        rig.results()[2].contains("changed since it was read"),
        "{:?}",
        rig.results()
    );
}

#[tokio::test]
async fn a_file_that_changes_while_the_user_is_asked_is_left_alone() {
    let mut rig = Rig::new(
        "//- /a.txt\none\n",
        script([
            read("a.txt"),
            edit("a.txt", "one", "two"),
            write("a.txt", "three\n"),
        ]),
    )
    .asking();
    for _ in 0..2 {
        rig.host.say(crate::kit::Say::Answer(
            kerf_protocol::policy::Answer::Allow,
        ));
    }
    let path = rig.fixture.join("a.txt");
    rig.host.on_event(move |event| {
        if matches!(
            event,
            kerf_protocol::event::EventBody::ApprovalRequested { .. }
        ) {
            std::fs::write(&path, "the user's work\n").unwrap();
        }
    });
    rig.turn("go").await;
    assert_eq!(rig.fixture.read("a.txt"), "the user's work\n");
    let results = rig.results();
    assert!(
        results[1].contains("has changed on disk since it was read"),
        "{results:?}"
    );
    assert!(
        results[2].contains("changed since it was read"),
        "the conflict was no look: {results:?}"
    );
}

#[rstest]
#[case::nearly(edit("a.txt", "ona\ntwo", "x"), &["`old` is not in the file", "line 1"])]
#[case::twice(edit("twice.txt", "x", "y"), &["2 times", "on lines 1, 2"])]
#[case::nothing(edit("a.txt", "", "y"), &["`old` is empty"])]
#[case::same(edit("a.txt", "one", "one"), &["are the same"])]
#[case::no_edits(Turn::call("edit_file", json!({"path": "a.txt", "edits": []})), &["edits is empty"])]
#[case::no_file(edit("b.txt", "one", "two"), &["`b.txt` does not exist"])]
#[case::elsewhere(edit("deep.txt", "one", "two"), &["did you mean sub/deep.txt?"])]
#[case::binary(edit("binary", "one", "two"), &["binary is not a text file"])]
#[case::folder(edit("sub", "one", "two"), &["`sub` is a folder"])]
#[tokio::test]
async fn an_edit_that_does_not_fit_says_why(#[case] turn: Turn, #[case] expected: &[&str]) {
    let tree = "//- /a.txt\none\ntwo\n//- /twice.txt\nx\nx\n//- /sub/deep.txt\none\n";
    let mut rig = Rig::new(tree, script([turn]));
    rig.fixture.write("binary", [0, 159, 0]);
    let before = rig.fixture.tree();
    rig.turn("go").await;
    for text in expected {
        assert!(rig.result().contains(text), "`{text}` in {}", rig.result());
    }
    assert_eq!(rig.host.calls()[0].1, Failed);
    assert_eq!(rig.fixture.tree(), before);
}

#[tokio::test]
async fn edits_are_all_or_none() {
    let edits = json!([{"old": "one", "new": "1"}, {"old": "three", "new": "3"}]);
    let (rig, all) = statuses(vec![Turn::call(
        "edit_file",
        json!({"path": "a.txt", "edits": edits}),
    )])
    .await;
    assert_eq!(all, [Failed]);
    assert_eq!(rig.fixture.read("a.txt"), "one\ntwo\n");
}

#[rstest]
#[case::a_list(json!([{"old": "one", "new": "1"}, {"old": "two", "new": "2"}]))]
#[case::a_list_as_text(json!("[{\"old\": \"one\", \"new\": \"1\"}, {\"old\": \"two\", \"new\": \"2\"}]"))]
#[tokio::test]
async fn edits_may_come_as_text(#[case] edits: Value) {
    let (rig, all) = statuses(vec![Turn::call(
        "edit_file",
        json!({"path": "a.txt", "edits": edits}),
    )])
    .await;
    assert_eq!(all, [Completed]);
    assert_eq!(rig.fixture.read("a.txt"), "1\n2\n");
}

/// UTF-16, little end first, with its mark.
fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[rstest]
#[case::crlf(b"one\r\ntwo\r\n".to_vec(), b"uno\r\ndos\r\ntwo\r\n".to_vec())]
#[case::bom(b"\xEF\xBB\xBFone\ntwo\n".to_vec(), b"\xEF\xBB\xBFuno\ndos\ntwo\n".to_vec())]
#[case::latin(b"one \xE9t\xE9\ntwo\n".to_vec(), b"uno\ndos \xE9t\xE9\ntwo\n".to_vec())]
#[case::utf16(utf16("one\r\ntwo\r\n"), utf16("uno\r\ndos\r\ntwo\r\n"))]
#[case::no_final_newline(b"one\ntwo".to_vec(), b"uno\ndos\ntwo".to_vec())]
#[tokio::test]
async fn an_edit_keeps_how_a_file_is_written(#[case] before: Vec<u8>, #[case] after: Vec<u8>) {
    let mut rig = Rig::new("", script([edit("a.txt", "one", "uno\ndos")]));
    rig.fixture.write("a.txt", &before);
    rig.turn("go").await;
    assert_eq!(rig.fixture.bytes("a.txt"), after, "{}", rig.result());
}

#[rstest]
#[case::crlf(b"one\r\ntwo\r\n".to_vec(), b"x\r\ny\r\n".to_vec())]
#[case::bom(b"\xEF\xBB\xBFone\n".to_vec(), b"\xEF\xBB\xBFx\ny\n".to_vec())]
#[case::utf16(utf16("one\n"), utf16("x\ny\n"))]
#[tokio::test]
async fn a_whole_write_keeps_how_a_file_is_written(
    #[case] before: Vec<u8>,
    #[case] after: Vec<u8>,
) {
    let mut rig = Rig::new("", script([read("a.txt"), write("a.txt", "x\ny\n")]));
    rig.fixture.write("a.txt", &before);
    rig.turn("go").await;
    assert_eq!(rig.fixture.bytes("a.txt"), after, "{:?}", rig.results());
}

#[cfg(unix)]
#[tokio::test]
async fn every_change_keeps_the_mode() {
    let tree = "//- /run.sh mode=755\none\n";
    for turns in [
        vec![edit("run.sh", "one", "two")],
        vec![read("run.sh"), write("run.sh", "two\n")],
        vec![patch("*** Update File: run.sh\n@@\n-one\n+two")],
    ] {
        let mut rig = Rig::new(tree, script(turns));
        rig.turn("go").await;
        assert_eq!(rig.fixture.tree(), "//- /run.sh mode=755\ntwo\n");
    }
}

#[tokio::test]
async fn a_patch_changes_several_files() {
    let mut rig = Rig::new(
        "//- /a.txt\none\ntwo\n//- /gone.txt\nx\n//- /old.txt\nkeep\n",
        script([patch(
            "*** Add File: new/b.txt\n+hello\n*** Update File: a.txt\n@@\n one\n-two\n+2\n*** Delete File: gone.txt\n*** Update File: old.txt\n*** Move to: moved.txt\n@@\n-keep\n+kept",
        )]),
    );
    rig.turn("go").await;
    assert_eq!(
        rig.fixture.tree(),
        "//- /a.txt\none\n2\n//- /moved.txt\nkept\n//- /new/b.txt\nhello\n"
    );
    let changes: Vec<String> = rig.host.calls()[0]
        .0
        .changes
        .iter()
        .map(|change| change.path.clone())
        .collect();
    assert_eq!(
        changes,
        ["a.txt", "gone.txt", "moved.txt", "new/b.txt", "old.txt"]
    );
}

#[rstest]
#[case::a_hunk("*** Add File: b.txt\n+x\n*** Update File: a.txt\n@@\n-three\n+3")]
#[case::a_missing_file("*** Update File: a.txt\n@@\n-one\n+1\n*** Delete File: nowhere.txt")]
#[case::an_existing_file("*** Update File: a.txt\n@@\n-one\n+1\n*** Add File: c.txt\n+x")]
#[case::outside("*** Update File: a.txt\n@@\n-one\n+1\n*** Add File: ../c.txt\n+x")]
#[tokio::test]
async fn a_patch_of_which_one_part_does_not_apply_changes_nothing(#[case] text: &str) {
    let mut rig = Rig::new(
        "//- /a.txt\none\ntwo\n//- /c.txt\nc\n",
        script([patch(text)]),
    );
    let before = rig.fixture.tree();
    rig.turn("go").await;
    assert_eq!(rig.host.calls()[0].1, Failed, "{}", rig.result());
    assert_eq!(rig.fixture.tree(), before);
    assert!(
        rig.host
            .log()
            .iter()
            .all(|entry| !matches!(entry, crate::kit::Entry::Before(_)))
    );
}

#[tokio::test]
async fn a_broken_patch_names_its_line() {
    let mut rig = Rig::new("", script([patch("*** Frobnicate: a.txt")]));
    rig.turn("go").await;
    assert!(rig.result().contains("line 2"), "{}", rig.result());
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_that_fails_half_way_is_put_back() {
    // The second file is a hard link, which is refused only when it is written.
    let fixture = Fixture::new("//- /a.txt\none\n//- /b.txt\ntwo\n");
    std::fs::hard_link(fixture.join("b.txt"), fixture.join("other-name.txt")).unwrap();
    let before = fixture.tree();
    let mut rig = Rig::with_history(
        kerf_protocol::endpoint::Wire::Chat,
        fixture,
        script([patch(
            "*** Update File: a.txt\n@@\n-one\n+1\n*** Update File: b.txt\n@@\n-two\n+2",
        )]),
        &[],
    );
    rig.turn("go").await;
    assert_eq!(rig.host.calls()[0].1, Failed);
    assert!(rig.result().contains("hard links"), "{}", rig.result());
    assert_eq!(rig.fixture.tree(), before);
}

fn read_lines(first: u32, last: u32) -> Turn {
    Turn::call(
        "read_file",
        json!({"path": "long.txt", "first_line": first, "last_line": last}),
    )
}

/// What a whole write of a file of so many lines is told after these calls; none: it was done.
async fn overwrite(lines: usize, turns: Vec<Turn>) -> Option<String> {
    let mut rig = Rig::new(
        "",
        script(turns.into_iter().chain([write("long.txt", "new\n")])),
    );
    let text: String = (1..=lines).map(|line| format!("line {line}\n")).collect();
    rig.fixture.write("long.txt", &text);
    rig.turn("go").await;
    let (call, status) = rig.host.calls().pop().unwrap();
    if status == Completed {
        assert_eq!(rig.fixture.read("long.txt"), "new\n");
        return None;
    }
    assert_ne!(rig.fixture.read("long.txt"), "new\n");
    Some(call.output)
}

#[rstest]
#[case::some(10, vec![read_lines(2, 4)], Some("10 lines; not read since it last changed: 1, 5 to 10 ("))]
#[case::gaps(10, vec![read_lines(8, 9), read_lines(2, 4)], Some("not read since it last changed: 1, 5 to 7, 10 ("))]
#[case::all_at_last(10, vec![read_lines(5, 10), read_lines(1, 6)], None)]
#[case::touching(10, vec![read_lines(1, 5), read_lines(6, 10)], None)]
#[case::further_than_the_end(10, vec![read_lines(1, 99)], None)]
#[case::cut(3000, vec![read("long.txt")], Some("not read since it last changed: 2001 to 3000 ("))]
#[case::cut_and_the_rest(3000, vec![read("long.txt"), read_lines(2001, 3000)], None)]
#[case::other_version(
    10,
    vec![read_lines(1, 5), edit("long.txt", "line 10\n", "last\n"), read_lines(6, 10)],
    Some("not read since it last changed: 1 to 5 ("),
)]
#[case::edited_when_all_was_known(10, vec![read("long.txt"), edit("long.txt", "line 10\n", "last\n")], None)]
#[case::moved_unread(
    10,
    vec![
        patch("*** Update File: long.txt\n*** Move to: b.txt\n@@\n-line 10\n+last"),
        patch("*** Update File: b.txt\n*** Move to: long.txt\n@@\n-last\n+line 10"),
    ],
    Some("long.txt exists and was not read"),
)]
#[case::moved_known(
    10,
    vec![
        read("long.txt"),
        patch("*** Update File: long.txt\n*** Move to: b.txt\n@@\n-line 10\n+last"),
        patch("*** Update File: b.txt\n*** Move to: long.txt\n@@\n-last\n+line 10"),
    ],
    None,
)]
#[tokio::test]
async fn only_lines_that_were_shown_are_written_over(
    #[case] lines: usize,
    #[case] turns: Vec<Turn>,
    #[case] expected: Option<&str>,
) {
    match (overwrite(lines, turns).await, expected) {
        (None, None) => {}
        (Some(told), Some(expected)) => {
            assert!(told.contains(expected), "{told}");
            assert!(told.contains("edit_file"), "{told}");
        }
        (told, expected) => panic!("{told:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn a_line_that_was_cut_was_not_read() {
    let long = "x".repeat(1_001);
    let mut rig = Rig::new(
        &format!("//- /a.txt\none\n{long}\ntwo\n"),
        script([read("a.txt"), write("a.txt", "new\n")]),
    );
    rig.turn("go").await;
    let told = rig.result_at(1);
    assert!(
        told.contains("not read since it last changed: 2 ("),
        "{told}"
    );
    assert!(rig.fixture.read("a.txt").contains(&long));
}
