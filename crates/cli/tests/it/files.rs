//! Every kind of file and of change, by a tool and by a command: found, told, taken back to the byte, and brought back.

use crate::scene::{Call, Scene, command, edit, patch, read, write};
use crate::support::list;
use kerf_test_support::Fixture;
use rstest::rstest;
use serde_json::{Value, json};
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

/// What every folder has besides: nothing of it may ever change.
pub(crate) const BYSTANDERS: &str = "\
//- /mine.txt
the user's
//- /src/mine.rs mode=755
fn mine() {}
";

/// Takes a change through the whole review: it is told as `hunks`; rejecting it leaves the folder as it was before the
/// agent, undoing that leaves it as the agent made it, and accepting it changes nothing more.
#[track_caller]
pub(crate) fn goes_through(scene: &Scene, calls: Vec<Call>, hunks: &[&str]) -> Vec<Value> {
    let before = scene.look();
    scene.turn(calls);
    let after = scene.look();
    assert_ne!(after, before, "the agent changed nothing");
    let told = scene.diff();
    assert_eq!(scene.hunks(), hunks);

    scene.decide("reject", []);
    assert_eq!(scene.look(), before, "rejected");
    assert_eq!(scene.hunks(), in_state(hunks, "rejected"));
    scene.decide("undo", []);
    assert_eq!(scene.look(), after, "undone");
    assert_eq!(scene.diff(), told);
    scene.decide("accept", []);
    assert_eq!(scene.look(), after, "accepted");
    assert_eq!(scene.hunks(), in_state(hunks, "accepted"));
    told
}

fn in_state(hunks: &[&str], state: &str) -> Vec<String> {
    hunks
        .iter()
        .map(|hunk| hunk.replace("pending", state))
        .collect()
}

/// A file's text in the format of fixtures, from bytes.
pub(crate) fn raw(path: &str, bytes: &[u8]) -> String {
    use base64::Engine as _;
    let packed = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("//- /{path} base64\n{packed}\n")
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\xff\0";

#[rstest]
// Created.
#[case::created_by_tool("", vec![write("new.txt", "a\nb\n")], &["new.txt:1 pending +2 -0"])]
#[case::created_in_new_folders("", vec![write("a/b/new.txt", "a\n")], &["a/b/new.txt:1 pending +1 -0"])]
#[case::created_empty("", vec![write("empty.txt", "")], &["empty.txt:1 pending +0 -0"])]
#[case::created_by_command("", vec![command("printf 'a\\nb\\n' > new.txt")], &["new.txt:1 pending +2 -0"])]
#[case::created_in_new_folders_by_command(
    "", vec![command("mkdir -p a/b && echo a > a/b/new.txt")], &["a/b/new.txt:1 pending +1 -0"],
)]
#[case::created_empty_by_command("", vec![command(": > empty.txt")], &["empty.txt:1 pending +0 -0"])]
#[case::created_executable(
    "", vec![command("printf 'x\\n' > run.sh && chmod 755 run.sh")], &["run.sh:1 pending +1 -0"],
)]
#[case::created_by_patch("", vec![patch("*** Add File: new.txt\n+a\n")], &["new.txt:1 pending +1 -0"])]
#[case::created_binary(
    "", vec![command("printf '\\000\\001\\002' > new.bin")], &["new.bin:1 pending +0 -0"],
)]
// Deleted.
#[case::deleted_by_command("//- /a.txt\n1\n2\n", vec![command("rm a.txt")], &["a.txt:1 pending +0 -2"])]
#[case::deleted_by_patch("//- /a.txt\n1\n2\n", vec![patch("*** Delete File: a.txt\n")], &["a.txt:1 pending +0 -2"])]
#[case::deleted_executable("//- /run.sh mode=755\n1\n", vec![command("rm run.sh")], &["run.sh:1 pending +0 -1"])]
#[case::deleted_empty("//- /empty.txt\n", vec![command("rm empty.txt")], &["empty.txt:1 pending +0 -0"])]
#[case::deleted_binary(&raw("a.png", PNG), vec![command("rm a.png")], &["a.png:1 pending +0 -0"])]
#[case::deleted_folder(
    "//- /d/a.txt\na\n//- /d/e/b.txt\nb\n",
    vec![command("rm -r d")],
    &["d/a.txt:1 pending +0 -1", "d/e/b.txt:1 pending +0 -1"],
)]
// Modified.
#[case::modified_by_tool("//- /a.txt\n1\n2\n", vec![edit("a.txt", &[("1", "one")])], &["a.txt:1 pending +1 -1"])]
#[case::modified_by_command("//- /a.txt\n1\n2\n", vec![command("sed -i s/1/one/ a.txt")], &["a.txt:1 pending +1 -1"])]
#[case::written_whole(
    "//- /a.txt\n1\n2\n", vec![read("a.txt"), write("a.txt", "1\n2\n3\n")], &["a.txt:1 pending +1 -0"],
)]
#[case::emptied("//- /a.txt\n1\n2\n", vec![command(": > a.txt")], &["a.txt:1 pending +0 -2"])]
#[case::crlf("//- /a.txt crlf\n1\n2\n3\n", vec![edit("a.txt", &[("2\n", "two\nzwei\n")])], &["a.txt:1 pending +2 -1"])]
#[case::crlf_written_whole(
    "//- /a.txt crlf\n1\n2\n", vec![read("a.txt"), write("a.txt", "1\n2\n3\n")], &["a.txt:1 pending +1 -0"],
)]
#[case::crlf_to_lf("//- /a.txt crlf\n1\n2\n", vec![command("sed -i 's/\\r//' a.txt")], &["a.txt:1 pending +2 -2"])]
#[case::byte_order_mark(
    &raw("a.txt", b"\xef\xbb\xbf1\n2\n"), vec![edit("a.txt", &[("1", "one")])], &["a.txt:1 pending +1 -1"],
)]
#[case::no_final_newline("//- /a.txt no_eol\n1\n2\n", vec![edit("a.txt", &[("2", "two")])], &["a.txt:1 pending +1 -1"])]
#[case::a_final_newline_more("//- /a.txt no_eol\n1\n2\n", vec![command("echo >> a.txt")], &["a.txt:1 pending +1 -1"])]
#[case::a_final_newline_less(
    "//- /a.txt\n1\n2\n", vec![command("printf '1\\n2' > a.txt")], &["a.txt:1 pending +1 -1"],
)]
#[case::utf_16(&raw("a.txt", &utf16("1\r\n2\r\n")), vec![edit("a.txt", &[("2", "zwei")])], &["a.txt:1 pending +0 -0"])]
#[case::latin_1(
    &raw("a.txt", b"caf\xe9\nth\xe9\n"), vec![edit("a.txt", &[("café", "cafés")])], &["a.txt:1 pending +1 -1"],
)]
#[case::binary(&raw("a.png", PNG), vec![command("printf x >> a.png")], &["a.png:1 pending +0 -0"])]
#[case::text_to_binary("//- /a.txt\n1\n", vec![command("printf '\\000' > a.txt")], &["a.txt:1 pending +0 -0"])]
#[case::binary_to_text(&raw("a.png", PNG), vec![command("echo 1 > a.png")], &["a.png:1 pending +0 -0"])]
// Renamed: told as a pair, decided one by one.
#[case::moved_by_command(
    "//- /a.txt\n1\n2\n",
    vec![command("mkdir -p b && mv a.txt b/c.txt")],
    &["a.txt:1 pending +0 -2", "b/c.txt:1 pending +2 -0"],
)]
#[case::moved_by_patch(
    "//- /a.txt\n1\n2\n",
    vec![patch("*** Update File: a.txt\n*** Move to: b/c.txt\n@@\n 1\n-2\n+two\n")],
    &["a.txt:1 pending +0 -2", "b/c.txt:1 pending +2 -0"],
)]
#[case::renamed_by_case(
    "//- /a.txt\n1\n", vec![command("mv a.txt A.txt")], &["A.txt:1 pending +1 -0", "a.txt:1 pending +0 -1"],
)]
// Modes.
#[case::mode("//- /run.sh\n1\n", vec![command("chmod 755 run.sh")], &["run.sh:1 pending +0 -0"])]
#[case::mode_taken_away("//- /run.sh mode=755\n1\n", vec![command("chmod 644 run.sh")], &["run.sh:1 pending +0 -0"])]
#[case::mode_and_lines(
    "//- /run.sh\n1\n2\n",
    vec![command("chmod 755 run.sh && sed -i s/2/two/ run.sh")],
    &["run.sh:1 pending +0 -0", "run.sh:2 pending +1 -1"],
)]
#[case::mode_of_binary(
    &raw("a.png", PNG), vec![command("chmod 755 a.png")], &["a.png:1 pending +0 -0"],
)]
#[case::executable_edited("//- /run.sh mode=755\n1\n", vec![edit("run.sh", &[("1", "one")])], &["run.sh:1 pending +1 -1"])]
#[case::read_only_edited("//- /a.txt mode=444\n1\n", vec![edit("a.txt", &[("1", "one")])], &["a.txt:1 pending +1 -1"])]
#[case::read_only_deleted("//- /a.txt mode=444\n1\n", vec![command("rm -f a.txt")], &["a.txt:1 pending +0 -1"])]
#[case::private_edited("//- /a.txt mode=600\n1\n", vec![edit("a.txt", &[("1", "one")])], &["a.txt:1 pending +1 -1"])]
// Links.
#[case::link_created("", vec![command("ln -s mine.txt link")], &["link:1 pending +0 -0"])]
#[case::link_to_nowhere("", vec![command("ln -s nowhere link")], &["link:1 pending +0 -0"])]
#[case::link_to_outside("", vec![command("ln -s /etc/hosts link")], &["link:1 pending +0 -0"])]
#[case::link_to_a_folder("", vec![command("ln -s src link")], &["link:1 pending +0 -0"])]
#[case::link_retargeted("//- /link link=mine.txt\n", vec![command("ln -sfn src/mine.rs link")], &["link:1 pending +0 -0"])]
#[case::link_removed("//- /link link=mine.txt\n", vec![command("rm link")], &["link:1 pending +0 -0"])]
#[case::link_replaced_by_a_file(
    "//- /link link=mine.txt\n", vec![command("rm link && echo 1 > link")], &["link:1 pending +0 -0"],
)]
#[case::file_replaced_by_a_link("//- /a.txt\n1\n", vec![command("ln -sf mine.txt a.txt")], &["a.txt:1 pending +0 -0"])]
#[case::file_replaced_by_a_folder(
    "//- /a\n1\n", vec![command("rm a && mkdir a && echo 2 > a/b")], &["a:1 pending +0 -1", "a/b:1 pending +1 -0"],
)]
#[case::folder_replaced_by_a_file(
    "//- /a/b\n1\n", vec![command("rm -r a && echo 2 > a")], &["a:1 pending +1 -0", "a/b:1 pending +0 -1"],
)]
// Names.
#[case::name_with_a_space("//- /a b.txt\n1\n", vec![edit("a b.txt", &[("1", "one")])], &["a b.txt:1 pending +1 -1"])]
#[case::name_like_a_hunk("//- /a:1\n1\n", vec![edit("a:1", &[("1", "one")])], &["a:1:1 pending +1 -1"])]
#[case::name_with_a_line_end("//- /a\\nb\n1\n", vec![command("sed -i s/1/one/ a*")], &["a\\nb:1 pending +1 -1"])]
#[case::name_with_a_backslash("//- /a\\\\b\n1\n", vec![command("sed -i s/1/one/ a*")], &["a\\\\b:1 pending +1 -1"])]
#[case::name_that_runs_backward(
    "//- /a\\u{202e}b\n1\n", vec![command("sed -i s/1/one/ a*")], &["a\\u{202e}b:1 pending +1 -1"],
)]
#[case::name_not_utf_8("//- /a\\xFFb\n1\n", vec![command("sed -i s/1/one/ a*")], &["a\\xFFb:1 pending +1 -1"])]
#[case::name_not_utf_8_created("", vec![command("echo 1 > \"$(printf 'a\\377')\"")], &["a\\xFF:1 pending +1 -0"])]
#[case::name_with_a_dash("//- /-rf\n1\n", vec![edit("-rf", &[("1", "one")])], &["-rf:1 pending +1 -1"])]
#[case::hidden_name("//- /.hidden\n1\n", vec![edit(".hidden", &[("1", "one")])], &[".hidden:1 pending +1 -1"])]
fn a_change_is_taken_back_to_the_byte(
    #[case] before: &str,
    #[case] calls: Vec<Call>,
    #[case] hunks: &[&str],
    #[values(false, true)] git: bool,
) {
    let scene = Scene::on(&format!("{BYSTANDERS}{before}"), git);
    let by_command = calls.iter().any(|(tool, _)| *tool == "run_command");
    let told = goes_through(&scene, calls, hunks);
    let author = if by_command { "command" } else { "tool" };
    for line in &told {
        assert!(line["turn"].is_string(), "{line:#}");
        let authors = list(&line["authors"]);
        assert!(!authors.is_empty(), "{line:#}");
        assert!(authors.iter().all(|it| it["type"] == author), "{line:#}");
    }
}

#[rstest]
#[case::created("", "echo 1 > a.txt", "created", "")]
#[case::modified("//- /a.txt\n0\n", "echo 1 > a.txt", "modified", "")]
#[case::deleted("//- /a.txt\n0\n", "rm a.txt", "deleted", "")]
#[case::mode("//- /a.txt\n0\n", "chmod 755 a.txt", "mode", "644 → 755")]
#[case::binary("", "printf '\\000' > a.txt", "created", "binary of 1 byte")]
#[case::link("", "ln -s b a.txt", "created", "link to \"b\"")]
#[case::replaced(
    "//- /a.txt\n0\n",
    "ln -sf b a.txt",
    "replaced",
    "text of 2 bytes → link to \"b\""
)]
fn the_kind_of_a_change_is_told(
    #[case] before: &str,
    #[case] text: &str,
    #[case] status: &str,
    #[case] summary: &str,
) {
    let scene = Scene::on(before, false);
    scene.turn([command(text)]);
    let line = &scene.diff()[0];
    assert_eq!(line["status"], status);
    let told = line["summary"].as_str().unwrap_or_default();
    assert!(told.contains(summary), "{told:?} has no {summary:?}");
}

#[rstest]
fn a_renamed_file_is_told_with_its_old_name(#[values(false, true)] git: bool) {
    let text = "//- /old.rs\nfn a() {}\nfn b() {}\nfn c() {}\n";
    let scene = Scene::on(text, git);
    let mv = if git {
        "git mv old.rs new.rs"
    } else {
        "mv old.rs new.rs"
    };
    let told = goes_through(
        &scene,
        vec![command(mv)],
        &["new.rs:1 pending +3 -0", "old.rs:1 pending +0 -3"],
    );
    assert_eq!(told[0]["status"], "renamed");
    assert_eq!(told[0]["renamed_from"], "old.rs");
    assert_eq!(told[1]["status"], "deleted");
}

#[test]
fn a_huge_file_is_a_summary() {
    let scene = Scene::on(BYSTANDERS, false);
    let nine_mib = "9 * 1024 * 1024";
    let make = format!("yes 'a line of text' | head -c $(({nine_mib})) > huge.txt");
    let told = goes_through(&scene, vec![command(&make)], &["huge.txt:1 pending +0 -0"]);
    let summary = told[0]["summary"].as_str().unwrap();
    assert!(summary.contains("9"), "{summary}");
    assert_eq!(told[0]["lines"], json!([]));
}

#[test]
fn a_huge_file_that_a_tool_edits_is_taken_back() {
    let scene = Scene::on(BYSTANDERS, false);
    let lines: String = (0..700_000).map(|n| format!("line {n:08}\n")).collect();
    scene.folder.write("huge.txt", lines);
    let calls = vec![edit("huge.txt", &[("line 00000007\n", "")])];
    let told = goes_through(&scene, calls, &["huge.txt:1 pending +0 -0"]);
    assert_eq!(told[0]["status"], "modified");
}

#[test]
fn what_could_not_be_brought_back_is_not_removed() {
    let scene = Scene::on(BYSTANDERS, false);
    scene.turn([command("truncate -s 65M vast.bin")]);
    let ran = scene.kerf.run(&["reject", "last"]).expect(1);
    assert!(ran.stderr.contains("vast.bin"), "{}", ran.stderr);
    assert!(ran.stderr.contains("could not be undone"), "{}", ran.stderr);
    assert!(scene.folder.exists("vast.bin"));
    assert_eq!(scene.states(), "P");
    scene.decide("accept", []);
    assert_eq!(scene.states(), "A");
}

#[test]
fn a_huge_file_that_is_changed_or_deleted_is_told_and_not_lost_silently() {
    let scene = Scene::on(BYSTANDERS, false);
    scene
        .folder
        .write("huge.txt", "a line of text\n".repeat(700_000));
    scene
        .folder
        .write("gone.txt", "a line of text\n".repeat(700_000));
    scene.turn([command(
        "echo more >> huge.txt && rm gone.txt && echo x > small.txt",
    )]);
    assert_eq!(
        scene.hunks(),
        [
            "gone.txt:1 pending +0 -0",
            "huge.txt:1 pending +0 -0",
            "small.txt:1 pending +1 -0"
        ]
    );
    let after = scene.look();
    for path in ["gone.txt", "huge.txt"] {
        let ran = scene.kerf.run(&["reject", "last", path]).expect(1);
        assert!(
            ran.stderr.contains("too large to be kept"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(path), "{}", ran.stderr);
    }
    assert_eq!(scene.look(), after);
    // What can be taken back is, also when something else cannot.
    let ran = scene.kerf.run(&["reject", "last"]).expect(1);
    assert!(ran.stderr.contains("gone.txt"), "{}", ran.stderr);
    assert!(ran.stderr.contains("huge.txt"), "{}", ran.stderr);
    assert!(!scene.folder.exists("small.txt"));
    assert_eq!(
        scene.hunks(),
        [
            "gone.txt:1 pending +0 -0",
            "huge.txt:1 pending +0 -0",
            "small.txt:1 rejected +1 -0"
        ]
    );
    scene.decide("undo", []);
    assert_eq!(scene.look(), after);
}

#[test]
fn a_link_with_a_target_that_is_not_utf_8_is_put_back() {
    let scene = Scene::on(BYSTANDERS, false);
    std::os::unix::fs::symlink(OsStr::from_bytes(b"to/\xff"), scene.folder.join("link")).unwrap();
    goes_through(&scene, vec![command("rm link")], &["link:1 pending +0 -0"]);
}

#[test]
fn fs4_odd_names_are_written_changed_shown_and_taken_back() {
    let long = [b'n'; 255];
    let names: [&[u8]; 8] = [
        b"new\nline",
        b"\x1b]0;title\x07",
        "\u{202e}gpj.exe".as_bytes(),
        b"-rf",
        b"\xff\xfe",
        b"back\\slash",
        b" blank ",
        &long,
    ];
    let scene = Scene::on(BYSTANDERS, true);
    for name in names {
        fs::write(scene.folder.join("").join(OsStr::from_bytes(name)), "one\n").unwrap();
    }
    let before = scene.look();
    let line = "for f in ./*; do if [ -f \"$f\" ] && [ \"$f\" != ./mine.txt ]; then echo two >> \"$f\"; fi; done";
    scene.turn([command(line)]);
    let after = scene.look();
    let told = scene.diff();
    let paths: Vec<&str> = told
        .iter()
        .map(|hunk| hunk["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths.len(), names.len(), "{paths:?}");
    for path in &paths {
        let is_plain = |char: char| !char.is_control() && char != '\u{202e}';
        assert!(path.chars().all(is_plain), "{path:?}");
    }
    // What is shown is what names it.
    for path in &paths {
        scene.decide("reject", [format!("./{path}").as_str()]);
    }
    assert_eq!(scene.look(), before, "rejected");
    for _ in &paths {
        scene.decide("undo", []);
    }
    assert_eq!(scene.look(), after, "undone");
}

#[rstest]
fn what_is_ignored_is_left_alone(#[values(false, true)] git: bool) {
    let ignore = if git { ".gitignore" } else { ".kerfignore" };
    let scene = Scene::on(&format!("{BYSTANDERS}//- /{ignore}\ntarget/\n*.log\n"), git);
    scene.turn([command(
        "mkdir target && echo 1 > target/out && echo 1 > a.log && echo 1 > a.txt",
    )]);
    assert_eq!(scene.hunks(), ["a.txt:1 pending +1 -0"]);
    scene.decide("reject", []);
    assert_eq!(scene.folder.read("target/out"), "1\n");
    assert_eq!(scene.folder.read("a.log"), "1\n");
    assert!(!scene.folder.exists("a.txt"));
}

#[test]
fn a_file_that_was_ignored_until_now_is_still_reviewed_when_a_tool_changes_it() {
    let scene = Scene::on("//- /.gitignore\n*.log\n//- /a.log\n1\n", true);
    let hunks = ["a.log:1 pending +1 -1"];
    goes_through(&scene, vec![edit("a.log", &[("1", "one")])], &hunks);
}

/// The blob in git is not what is on disk.
#[test]
fn a_file_that_git_converts_is_taken_back_as_it_was_on_disk() {
    let text =
        "//- /.gitattributes\n*.txt text eol=crlf\n//- /a.txt crlf\n1\n2\n//- /b.txt crlf\n1\n2\n";
    let scene = Scene::on(text, true);
    let hunks = ["a.txt:1 pending +1 -1", "b.txt:1 pending +0 -2"];
    goes_through(
        &scene,
        vec![command("sed -i 's/2/two/' a.txt && rm b.txt")],
        &hunks,
    );
}

#[test]
fn a_folder_inside_a_repository_is_a_project_of_its_own() {
    let folder = Fixture::new("//- /outer.txt\n1\n//- /in/a.txt\n1\n//- /in/b.txt\n1\n").git();
    let mut scene = Scene::new(folder);
    scene.kerf = scene.kerf.in_folder(&scene.folder.join("in"));
    let hunks = ["a.txt:1 pending +1 -1", "b.txt:1 pending +0 -1"];
    goes_through(
        &scene,
        vec![command("sed -i 's/1/one/' a.txt && rm b.txt")],
        &hunks,
    );
    scene.turn([command("echo 2 > ../outer.txt")]);
    assert_eq!(scene.hunks().len(), 2, "what is outside is not reviewed");
}
