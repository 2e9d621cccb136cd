//! The practice endpoint, by the program: rules inside Kerf with the real tools, the real sandbox and the real review.

use crate::support::{Kerf, Ran};
use kerf_test_support::Fixture;
use rstest::rstest;

/// A project whose tests are a shell script, so that they run at once.
const PROJECT: &str = "\
//- /Makefile
test:
\t@sh test.sh
//- /test.sh
. ./lib.sh
test \"$(greet you)\" = 'hello you' && echo '1 test passed'
//- /lib.sh
# The greeting; greeting is not greet.
greet() { echo \"hello $1\"; }
//- /src/main.rs
struct Greeter;

fn greet() {}

fn main() {
    greet();
}
";

fn ask(folder: &Fixture, request: &str) -> Ran {
    let kerf = Kerf::new().in_repo(folder);
    kerf.run(&[
        "exec",
        "--json",
        "--endpoint",
        "practice",
        "--approve",
        "auto",
        request,
    ])
}

/// The last words.
fn said(ran: &Ran) -> String {
    let messages = ran.items_of("agent_message");
    messages.last().unwrap()["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn tools(ran: &Ran) -> Vec<&str> {
    ran.calls()
        .iter()
        .map(|call| call["tool"].as_str().unwrap())
        .collect()
}

#[rstest]
fn it_renames(#[values(false, true)] git: bool) {
    let folder = Fixture::new(PROJECT);
    let folder = if git { folder.git() } else { folder };
    let ran = ask(&folder, "rename `greet` to `welcome` everywhere").expect(0);
    let lib = folder.read("lib.sh");
    assert_eq!(
        lib,
        "# The greeting; greeting is not welcome.\nwelcome() { echo \"hello $1\"; }\n"
    );
    assert!(
        folder
            .read("src/main.rs")
            .contains("fn welcome() {}\n\nfn main() {\n    welcome();")
    );
    assert!(folder.read("test.sh").contains("$(welcome you)"));
    for call in ran.calls() {
        assert_eq!(call["status"], "completed", "{call:#}");
    }
    assert!(tools(&ran).contains(&"edit_file"));
    // The tests ran in the sandbox, and were told.
    assert!(tools(&ran).contains(&"run_command"), "{:?}", tools(&ran));
    assert!(said(&ran).contains("1 test passed"), "{}", said(&ran));
}

#[test]
fn it_tells_where_a_thing_is_defined() {
    let folder = Fixture::new(PROJECT);
    let before = folder.tree();
    let ran = ask(&folder, "where is `Greeter` defined?").expect(0);
    assert!(said(&ran).contains("src/main.rs:1"), "{}", said(&ran));
    let ran = ask(&folder, "where is `nobody` defined?").expect(0);
    assert!(said(&ran).contains("I found no `nobody`"), "{}", said(&ran));
    assert_eq!(folder.tree(), before);
}

#[rstest]
#[case::passing("hello you", "ran", "completed", "1 test passed")]
#[case::failing("goodbye you", "did not succeed", "failed", "Error")]
fn it_runs_the_tests_in_the_sandbox(
    #[case] expected: &str,
    #[case] how: &str,
    #[case] status: &str,
    #[case] output: &str,
) {
    let folder = Fixture::new(&PROJECT.replace("hello you", expected));
    let ran = ask(&folder, "run the tests").expect(0);
    assert_eq!(tools(&ran), ["list_dir", "run_command"]);
    let call = ran.calls()[1];
    assert_eq!(call["status"], status);
    assert_eq!(call["arguments"]["command"], "make test");
    assert_ne!(call["exit"]["isolation"]["type"], "off");
    assert!(
        said(&ran).contains(&format!("The tests (`make test`) {how}")),
        "{}",
        said(&ran)
    );
    assert!(said(&ran).contains(output), "{}", said(&ran));
}

#[test]
fn it_replaces_and_the_review_takes_it_back() {
    let folder = Fixture::new(PROJECT).git();
    let before = folder.tree();
    let kerf = Kerf::new().in_repo(&folder);
    let request = "replace `hello` with `good day` in `lib.sh`";
    let args = [
        "exec",
        "--endpoint",
        "practice",
        "--approve",
        "auto",
        request,
    ];
    kerf.run(&args).expect(0);
    assert!(folder.read("lib.sh").contains("echo \"good day $1\""));
    let hunks = kerf.run(&["diff", "--json"]).expect(0).events;
    assert_eq!(hunks.len(), 1);
    assert_eq!(hunks[0]["path"], "lib.sh");
    kerf.run(&["reject", "last"]).expect(0);
    assert_eq!(folder.tree(), before);
}

#[test]
fn it_says_what_it_is() {
    let folder = Fixture::new(PROJECT);
    let before = folder.tree();
    let ran = ask(&folder, "What do you think of the weather?").expect(0);
    for part in [
        "I did not understand",
        "rename",
        "where is",
        "run the tests",
        "replace",
    ] {
        assert!(
            said(&ran).contains(part),
            "{part:?} is not in {}",
            said(&ran)
        );
    }
    let endpoint = &ran.only("session.started")["endpoint"];
    assert_eq!(endpoint["name"], "practice");
    assert_eq!(endpoint["origin"], "practice");
    let kerf = Kerf::new().in_repo(&folder);
    let shown = kerf
        .run(&["exec", "--endpoint", "practice", "Hello"])
        .expect(0)
        .stdout;
    assert!(
        shown.contains("practice (rules inside Kerf, not a language model"),
        "{shown}"
    );
    assert_eq!(folder.tree(), before);
}

#[test]
fn it_asks_before_it_edits_and_does_without_where_nobody_answers() {
    let folder = Fixture::new(PROJECT);
    let before = folder.tree();
    let kerf = Kerf::new().in_repo(&folder);
    let request = "replace `hello` with `good day` in `lib.sh`";
    kerf.run(&["exec", "--endpoint", "practice", request])
        .expect(3);
    assert_eq!(folder.tree(), before);
    let args = [
        "exec",
        "--endpoint",
        "practice",
        "--sandbox",
        "read-only",
        "--approve",
        "auto",
        request,
    ];
    let ran = kerf.run(&args).expect(0);
    assert!(ran.stdout.contains("read-only"), "{}", ran.stdout);
    assert_eq!(folder.tree(), before);
}
