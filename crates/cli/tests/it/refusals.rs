//! What the tools refuse: nothing is changed, and the model is told why.

use crate::files::{PNG, raw};
use crate::scene::{Call, Scene, command, edit, patch, read, write};
use kerf_test_support::Fixture;
use rstest::rstest;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

/// A call, and parts of what the model is told.
#[rstest]
#[case::edit_what_is_not_there(edit("no.txt", &[("1", "2")]), &["no.txt", "does not exist"])]
#[case::edit_a_near_name(edit("c/a.txt", &[("1", "2")]), &["does not exist", "did you mean a.txt"])]
#[case::edit_text_that_is_not_there(edit("a.txt", &[("one\n  two\n", "2")]), &["a.txt", "line 1"])]
#[case::edit_text_that_is_there_twice(edit("a.txt", &[("e", "E")]), &["a.txt", "1", "3"])]
#[case::edit_nothing(edit("a.txt", &[]), &["edits is empty"])]
#[case::edit_to_the_same(edit("a.txt", &[("two", "two")]), &["a.txt"])]
#[case::edit_a_folder(edit("d", &[("1", "2")]), &["`d`", "a folder"])]
#[case::edit_a_binary_file(edit("a.png", &[("1", "2")]), &["a.png", "not a text file"])]
#[case::edit_what_latin_1_cannot_hold(edit("l.txt", &[("café", "漢")]), &["l.txt", "漢"])]
#[case::edit_outside(edit("../x", &[("1", "2")]), &["../x"])]
#[case::edit_through_a_link(edit("link", &[("1", "2")]), &["link"])]
#[case::edit_in_git(edit(".git/HEAD", &[("ref", "x")]), &["git"])]
#[case::write_in_git(write(".git/hooks/pre-commit", "x"), &["git"])]
#[case::write_what_was_not_read(write("a.txt", "x"), &["a.txt", "was not read"])]
#[case::write_over_a_folder(write("d", "x"), &["`d`", "a folder"])]
#[case::write_outside(write("/etc/kerf-was-here", "x"), &["/etc/kerf-was-here"])]
#[case::write_below_a_file(write("a.txt/b.txt", "x"), &["a.txt"])]
#[case::edit_with_a_second_name(edit("hard.txt", &[("1", "2")]), &["hard.txt", "2 hard links", "copy"])]
#[case::patch_a_second_name(patch("*** Update File: hard.txt\n@@\n-1\n+2\n"), &["hard.txt", "2 hard links"])]
#[case::patch_over_a_file(patch("*** Add File: a.txt\n+x\n"), &["a.txt"])]
#[case::patch_that_does_not_fit(patch("*** Update File: a.txt\n@@\n-four\n+4\n"), &["a.txt"])]
#[case::read_what_is_not_there(read("src/a.txt"), &["did you mean a.txt"])]
fn a_tool_that_refuses_changes_nothing_and_says_why(#[case] call: Call, #[case] told: &[&str]) {
    let folder = Fixture::new(&format!(
        "//- /a.txt\none\ntwo\nthree\n//- /d/x\n1\n//- /link link=a.txt\n//- /hard.txt\n1\n{}{}",
        raw("a.png", PNG),
        raw("l.txt", b"caf\xe9\n"),
    ))
    .git();
    fs::hard_link(folder.join("hard.txt"), folder.join("d/same.txt")).unwrap();
    let scene = Scene::new(folder);
    let before = scene.look();
    let ran = scene.turn_of([call]);
    let done = ran.calls()[0];
    assert_eq!(done["status"], "failed", "{done:#}");
    let output = done["output"].as_str().unwrap();
    for part in told {
        assert!(output.contains(part), "{part:?} is not in {output:?}");
    }
    assert_eq!(scene.look(), before);
    assert!(scene.hunks().is_empty());
    // The model reads the same words.
    let seen = scene.server.requests().last().unwrap().seen();
    assert!(seen.results.last().unwrap().1.ends_with(output));
}

#[test]
fn a_file_that_changed_since_it_was_read_is_not_written_over() {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    scene.turn([read("a.txt")]);
    scene.folder.write("a.txt", "the user's\n");
    let ran = scene.turn_of([write("a.txt", "the agent's\n")]);
    let output = ran.calls()[0]["output"].as_str().unwrap().to_owned();
    assert_eq!(ran.calls()[0]["status"], "failed");
    assert!(output.contains("a.txt"), "{output}");
    assert!(output.contains("read it"), "{output}");
    assert_eq!(scene.folder.read("a.txt"), "the user's\n");
    scene.turn([read("a.txt"), write("a.txt", "the agent's\n")]);
    scene.decide("reject", []);
    assert_eq!(scene.folder.read("a.txt"), "the user's\n");
}

#[test]
fn a_file_that_a_command_changed_since_it_was_read_is_not_written_over() {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    let ran = scene.turn_of([
        read("a.txt"),
        command("echo 22 > a.txt"),
        write("a.txt", "3\n"),
    ]);
    let calls = ran.calls();
    assert_eq!(calls[2]["status"], "failed");
    let output = calls[2]["output"].as_str().unwrap();
    assert!(output.contains("changed since it was read"), "{output}");
    assert_eq!(scene.folder.read("a.txt"), "22\n");
}

#[test]
fn a_patch_that_fits_one_of_two_files_changes_none() {
    let scene = Scene::on("//- /a.txt\n1\n2\n//- /b.txt\n1\n", false);
    scene.turn([read("a.txt"), read("b.txt")]);
    scene.folder.write("b.txt", "the user's\n");
    let before = scene.look();
    let ran = scene.turn_of([patch(
        "*** Update File: a.txt\n@@\n-1\n+one\n*** Update File: b.txt\n@@\n-1\n+one\n",
    )]);
    assert_eq!(ran.calls()[0]["status"], "failed");
    assert_eq!(scene.look(), before);
    assert!(scene.hunks().is_empty());
}

#[test]
fn owner_and_mode_of_an_edited_file_are_kept() {
    let scene = Scene::on("//- /a.txt mode=640\n1\n", false);
    let path = scene.folder.join("a.txt");
    let before = path.metadata().unwrap();
    scene.turn([edit("a.txt", &[("1", "one")])]);
    let after = path.metadata().unwrap();
    assert_eq!(after.permissions().mode(), before.permissions().mode());
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
}
