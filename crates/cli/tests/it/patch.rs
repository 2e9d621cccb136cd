//! `kerf apply-patch`: all of a patch, or nothing.

use crate::support::Kerf;
use kerf_test_support::Fixture;
use rstest::rstest;
use serde_json::json;

const TREE: &str = "\
//- /a.txt
one
two
three
//- /b.txt crlf
one
two
//- /run.sh mode=755
echo
";

fn patch(lines: &str) -> String {
    format!("*** Begin Patch\n{lines}*** End Patch\n")
}

#[rstest]
#[case::add("*** Add File: c/d.txt\n+x\n+y\n", "A c/d.txt\n", &[("//- /run.sh", "//- /c/d.txt\nx\ny\n//- /run.sh")])]
#[case::update("*** Update File: a.txt\n@@ one\n-two\n+2\n", "M a.txt\n", &[("two\nthree", "2\nthree")])]
#[case::update_crlf("*** Update File: b.txt\n@@\n one\n-two\n+2\n", "M b.txt\n", &[("one\ntwo\n//- /run", "one\n2\n//- /run")])]
#[case::update_keeps_the_mode("*** Update File: run.sh\n@@\n-echo\n+true\n", "M run.sh\n", &[("echo", "true")])]
#[case::delete("*** Delete File: b.txt\n", "D b.txt\n", &[("//- /b.txt crlf\none\ntwo\n", "")])]
#[case::move_("*** Update File: a.txt\n*** Move to: c.txt\n@@\n-two\n+2\n", "A c.txt\nD a.txt\n",
    &[("//- /a.txt\none\ntwo\nthree\n", ""), ("//- /run.sh", "//- /c.txt\none\n2\nthree\n//- /run.sh")])]
#[case::move_keeps_the_mode("*** Update File: run.sh\n*** Move to: go.sh\n@@\n-echo\n+true\n", "A go.sh\nD run.sh\n",
    &[("//- /run.sh mode=755\necho", "//- /go.sh mode=755\ntrue")])]
#[case::several("*** Delete File: a.txt\n*** Add File: c.txt\n+c\n*** Update File: run.sh\n@@\n+true\n echo\n",
    "D a.txt\nA c.txt\nM run.sh\n",
    &[("//- /a.txt\none\ntwo\nthree\n", ""), ("//- /run.sh mode=755\necho", "//- /c.txt\nc\n//- /run.sh mode=755\ntrue\necho")])]
fn a_patch_is_applied(#[case] lines: &str, #[case] shown: &str, #[case] changes: &[(&str, &str)]) {
    let folder = Fixture::new(TREE);
    let kerf = Kerf::new().in_repo(&folder);
    let ran = kerf.run_with(&["apply-patch"], patch(lines)).expect(0);
    assert_eq!(ran.stdout, shown);
    let wanted = changes.iter().fold(TREE.to_owned(), |tree, (from, to)| {
        assert!(tree.contains(from), "{from:?} is not in {tree:?}");
        tree.replace(from, to)
    });
    assert_eq!(folder.tree(), wanted);
    // It is no session, and nothing was asked of anybody.
    assert!(!kerf.home().join("kerf.db").exists());
}

#[test]
fn what_was_done_is_told_to_programs() {
    let folder = Fixture::new(TREE);
    let elsewhere = Fixture::new("");
    let kerf = Kerf::new().in_repo(&elsewhere);
    let lines = "*** Add File: c.txt\n+c\n*** Delete File: a.txt\n*** Update File: run.sh\n@@\n-echo\n+true\n";
    let args = [
        "apply-patch",
        "--json",
        "-C",
        folder.path().to_str().unwrap(),
    ];
    let ran = kerf.run_with(&args, patch(lines)).expect(0);
    assert_eq!(
        ran.events,
        [
            json!({ "path": "c.txt", "kind": "created" }),
            json!({ "path": "a.txt", "kind": "deleted" }),
            json!({ "path": "run.sh", "kind": "modified" }),
        ]
    );
    assert_eq!(elsewhere.tree(), "");
}

const GOOD: &str = "*** Add File: c.txt\n+c\n*** Update File: a.txt\n@@\n-two\n+2\n";

#[rstest]
#[case::nothing("", "patch line 1: the patch must start with '*** Begin Patch'")]
#[case::text("hello\n", "patch line 1: the patch must start with '*** Begin Patch'")]
#[case::no_end(
    "*** Begin Patch\n*** Add File: c.txt\n+c\n",
    "patch line 3: the patch must end with '*** End Patch'"
)]
#[case::empty(&patch(""), "the patch changes nothing")]
#[case::unified("--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+1\n", "patch line 1")]
#[case::lines_that_are_not_there(&patch(&format!("{GOOD}*** Update File: b.txt\n@@\n-four\n+4\n")), "patch line 9")]
#[case::file_that_is_not_there(&patch(&format!("{GOOD}*** Delete File: no.txt\n")), "no.txt")]
#[case::add_over_a_file(&patch(&format!("{GOOD}*** Add File: b.txt\n+b\n")), "b.txt")]
#[case::move_over_a_file(&patch("*** Update File: a.txt\n*** Move to: b.txt\n@@\n-two\n+2\n"), "b.txt")]
#[case::one_file_twice(&patch(&format!("{GOOD}*** Delete File: a.txt\n")), "a.txt")]
#[case::outside(&patch(&format!("{GOOD}*** Add File: ../out.txt\n+x\n")), "../out.txt")]
#[case::absolute(&patch(&format!("{GOOD}*** Add File: /out.txt\n+x\n")), "/out.txt")]
#[case::move_outside(&patch("*** Update File: a.txt\n*** Move to: ../out.txt\n@@\n-two\n+2\n"), "../out.txt")]
#[case::git(&patch(&format!("{GOOD}*** Add File: .git/hooks/pre-commit\n+x\n")), "git")]
#[case::git_in_capitals(&patch(&format!("{GOOD}*** Add File: .GIT/hooks/pre-commit\n+x\n")), "git")]
#[case::folder(&patch(&format!("{GOOD}*** Delete File: d\n")), "d")]
#[case::below_a_file(&patch("*** Add File: a.txt/b.txt\n+x\n"), "a.txt")]
fn a_patch_that_does_not_apply_changes_nothing(#[case] input: &str, #[case] told: &str) {
    let folder = Fixture::new(&format!("{TREE}//- /d/e\nx\n")).git();
    let before = folder.tree();
    let kerf = Kerf::new().in_repo(&folder);
    let ran = kerf.run_with(&["apply-patch"], input).expect(1);
    assert!(
        ran.stderr.contains(told),
        "{told:?} is not in {}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(folder.tree(), before);
    assert!(!folder.exists(".git/hooks/pre-commit"));
    let out = folder.path().parent().unwrap().join("out.txt");
    assert!(!out.exists());
    let ran = kerf.run_with(&["apply-patch", "--json"], input).expect(1);
    assert!(
        ran.error()["message"].as_str().unwrap().contains(told),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_patch_that_is_not_utf_8_is_refused() {
    let folder = Fixture::new(TREE);
    let input = b"*** Begin Patch\n*** Add File: c.txt\n+\xff\n*** End Patch\n";
    let ran = Kerf::new()
        .in_repo(&folder)
        .run_with(&["apply-patch"], input)
        .expect(2);
    assert!(ran.stderr.contains("not UTF-8"), "{}", ran.stderr);
    assert_eq!(folder.tree(), TREE);
}

/// A write that fails in the middle takes back what came before it.
#[cfg(unix)]
#[test]
fn a_patch_that_fails_in_the_middle_is_taken_back() {
    let folder = Fixture::new(&format!("{TREE}//- /z.txt\nz\n"));
    std::fs::hard_link(folder.join("z.txt"), folder.join("zz.txt")).unwrap();
    let before = folder.tree();
    let lines = format!("{GOOD}*** Add File: new/e.txt\n+e\n*** Update File: z.txt\n@@\n-z\n+Z\n");
    let ran = Kerf::new()
        .in_repo(&folder)
        .run_with(&["apply-patch"], patch(&lines))
        .expect(1);
    assert!(ran.stderr.contains("z.txt"), "{}", ran.stderr);
    assert_eq!(folder.tree(), before);
}
