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

/// Git asks for no UTF-8 in its settings. What is no text in the end is left out, and not shown as something else.
#[rstest]
#[case::to_a_base(
    b"[url \"https://evil.example/\xff/\"]\n\tinsteadOf = https://one.example/\n[remote \"origin\"]\n\turl = https://one.example/a\n"
)]
#[case::to_a_base_for_sending(
    b"[url \"https://evil.example/\xff/\"]\n\tpushInsteadOf = https://one.example/\n[remote \"origin\"]\n\turl = https://one.example/a\n"
)]
#[case::from_a_beginning(
    b"[url \"https://one.example/\"]\n\tinsteadOf = \xff\n[remote \"origin\"]\n\turl = https://evil.example/a\n"
)]
#[case::from_an_address(
    b"[url \"https://evil.example/\"]\n\tinsteadOf = \xff\n[remote \"origin\"]\n\turl = \xffa\n"
)]
fn a_rewrite_that_is_no_text_counts_as_it_does_for_git(#[case] config: &[u8]) {
    let fixture = Fixture::new();
    fixture.append_config_bytes(config);
    let [to_fetch, to_send] = [&[][..], &["--push", "--all"]].map(|words| {
        git(
            &fixture.ws,
            &[&["remote", "get-url"], words, &["origin"]].concat(),
        )
    });
    let is_text = |said: &str| !said.contains(char::REPLACEMENT_CHARACTER);
    let shown = fixture.repo().remotes().unwrap();
    let shown: Vec<_> = shown
        .into_iter()
        .map(|remote| (remote.url, remote.push_urls))
        .collect();
    if is_text(&to_fetch) && is_text(&to_send) {
        let to_send = to_send.lines().map(str::to_owned).collect();
        assert_eq!(shown, [(to_fetch.trim_end().to_owned(), to_send)]);
    } else {
        assert_eq!(shown, []);
    }
}

#[rstest]
#[case::said(
    b"[remote \"more\"]\n\tpromisor = true\n",
    Some("ssh://other.example/a")
)]
#[case::by_a_filter(
    b"[remote \"more\"]\n\tpartialclonefilter = blob:none\n",
    Some("ssh://other.example/a")
)]
#[case::in_the_old_way(
    b"[extensions]\n\tpartialClone = more\n",
    Some("ssh://other.example/a")
)]
#[case::no_text(
    b"[remote \"more\"]\n\tpromisor = true\n[url \"\xff\"]\n\tinsteadOf = more:\n",
    None
)]
fn a_remote_that_is_asked_for_missing_objects_is_known(
    #[case] config: &[u8],
    #[case] url: Option<&str>,
) {
    let fixture = Fixture::new();
    fixture.append_config("[remote \"more\"]\n\turl = more:a\n");
    assert_eq!(fixture.repo().promisors().unwrap(), []);
    fixture.append_config_bytes(config);
    fixture.append_config("[url \"ssh://other.example/\"]\n\tinsteadOf = more:\n");
    let expected = ("more".to_owned(), url.map(str::to_owned));
    assert_eq!(fixture.repo().promisors().unwrap(), [expected]);
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
#[case(
    Act::Fetch,
    "[fetch]\n\tbundleURI = https://evil.example\n",
    "fetch.bundleuri = https://evil.example"
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
