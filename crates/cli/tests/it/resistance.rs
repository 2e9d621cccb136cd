//! Decisions that the disk resists: nothing is lost, and what stands in the way is told.

use crate::files::{BYSTANDERS, goes_through};
use crate::scene::{Scene, command, edit};
use kerf_test_support::Fixture;
use std::fs;

#[test]
fn many_files_are_decided_at_once() {
    let scene = Scene::on(BYSTANDERS, false);
    let hunks: Vec<String> = (100..160)
        .map(|n| format!("many/{n}.txt:1 pending +1 -0"))
        .collect();
    let hunks: Vec<&str> = hunks.iter().map(String::as_str).collect();
    let text = "mkdir many && for n in $(seq 100 159); do echo $n > many/$n.txt; done";
    goes_through(&scene, vec![command(text)], &hunks);
}

#[test]
fn a_file_behind_a_folder_that_became_a_link_is_not_written() {
    let outside = Fixture::new("//- /a.txt\noutside\n");
    let scene = Scene::on("//- /d/a.txt\n1\n", false);
    scene.turn([edit("d/a.txt", &[("1", "one")])]);
    scene.folder.remove("d");
    std::os::unix::fs::symlink(outside.path(), scene.folder.join("d")).unwrap();
    let ran = scene.kerf.run(&["reject", "last"]);
    assert_ne!(ran.code, 101, "{}", ran.stderr);
    assert_eq!(outside.read("a.txt"), "outside\n");
}

#[test]
fn a_folder_in_the_place_of_a_file_is_not_removed() {
    let scene = Scene::on(BYSTANDERS, false);
    scene.turn([command("echo 1 > a.txt"), command("rm mine.txt")]);
    scene.folder.write("mine.txt/kept.txt", "kept\n");
    let ran = scene.kerf.run(&["reject", "last", "mine.txt"]).expect(1);
    assert!(ran.stderr.contains("mine.txt"), "{}", ran.stderr);
    assert_eq!(scene.folder.read("mine.txt/kept.txt"), "kept\n");
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_the_rest_is_decided() {
    let scene = Scene::on("//- /d/a.txt\n1\n//- /z.txt\n1\n", false);
    scene.turn([
        edit("d/a.txt", &[("1", "one")]),
        edit("z.txt", &[("1", "one")]),
    ]);
    // A second name makes the file one that is not written.
    fs::hard_link(
        scene.folder.join("d/a.txt"),
        scene.folder.join("other-name"),
    )
    .unwrap();
    let ran = scene.kerf.run(&["reject", "last", "--json"]).expect(1);
    let message = ran.error()["message"].as_str().unwrap();
    assert!(message.contains("d/a.txt"), "{message}");
    assert_eq!(scene.folder.read("d/a.txt"), "one\n");
    assert_eq!(scene.folder.read("z.txt"), "1\n");
    assert_eq!(
        scene.hunks(),
        ["d/a.txt:1 pending +1 -1", "z.txt:1 rejected +1 -1"]
    );
    scene.decide("undo", []);
    assert_eq!(scene.folder.read("z.txt"), "one\n");
    // What stood in the way is gone, so the rest goes too.
    scene.folder.remove("other-name");
    scene.decide("reject", []);
    assert_eq!(scene.folder.read("d/a.txt"), "1\n");
}

#[test]
fn an_undo_that_one_file_resists_is_done_in_none() {
    let scene = Scene::on("//- /a.txt\n1\n//- /z.txt\n1\n", false);
    scene.turn([
        edit("a.txt", &[("1", "one")]),
        edit("z.txt", &[("1", "one")]),
    ]);
    scene.decide("reject", []);
    fs::hard_link(scene.folder.join("z.txt"), scene.folder.join("other-name")).unwrap();
    let before = scene.look();
    let ran = scene.kerf.run(&["undo", "last"]).expect(1);
    assert!(ran.stderr.contains("z.txt"), "{}", ran.stderr);
    assert_eq!(scene.look(), before);
    assert_eq!(scene.states(), "RR");
    scene.folder.remove("other-name");
    scene.decide("undo", []);
    assert_eq!(scene.folder.read("a.txt"), "one\n");
    assert_eq!(scene.folder.read("z.txt"), "one\n");
    assert_eq!(scene.states(), "PP");
}
