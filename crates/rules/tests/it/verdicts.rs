//! Which rule counts, and what rules of each kind say.

use kerf_protocol::rule::{RuleOrigin, RuleVerdict};
use kerf_rules::{Entry, PathAt, Rule, Rules};
use rstest::rstest;

fn rules(texts: &[(RuleVerdict, &str)]) -> Rules {
    let entry = |(verdict, text): &(RuleVerdict, &str)| Entry {
        verdict: *verdict,
        origin: RuleOrigin::Settings,
        rule: Rule::parse(text).unwrap(),
    };
    Rules::new(
        "/srv/p",
        Some("/home/ada"),
        texts.iter().map(entry).collect(),
    )
}

const ALLOW: RuleVerdict = RuleVerdict::Allow;
const ASK: RuleVerdict = RuleVerdict::Ask;
const DENY: RuleVerdict = RuleVerdict::Deny;

#[rstest]
#[case("git status", Some(ALLOW))]
#[case("git status -s", Some(ALLOW))]
#[case("git  status\t-s", Some(ALLOW))]
#[case("'git' \"status\"", Some(ALLOW))]
#[case("git status && cargo test", Some(ALLOW))]
#[case("git status | cargo test 2>&1", Some(ALLOW))]
#[case("git status\ncargo test", Some(ALLOW))]
#[case("cargo test -p a > /dev/null 2>&1", Some(ALLOW))]
#[case("cargo test *.rs", Some(ALLOW))]
#[case("git status && make", None)]
#[case("cargo test $X", None)]
#[case("make all && rm -rf target", Some(ALLOW))]
#[case("make all", None)]
#[case("git push", Some(ASK))]
#[case("git status && git push", Some(ASK))]
#[case("git push --force", Some(DENY))]
#[case("git status && git push --force", Some(DENY))]
#[case("timeout 60 cargo test", None)]
#[case("sudo apt install x", Some(ALLOW))]
#[case("sudo apt remove x", None)]
fn deny_counts_before_ask_and_ask_before_allow(
    #[case] line: &str,
    #[case] expected: Option<RuleVerdict>,
) {
    let rules = rules(&[
        (ALLOW, "Bash(git status:*)"),
        (ALLOW, "Bash(cargo test *)"),
        (ALLOW, "Bash(git push:*)"),
        (ALLOW, "Bash(make all && rm -rf target)"),
        (ALLOW, "Bash(sudo apt install:*)"),
        (ASK, "Bash(git push:*)"),
        (DENY, "Bash(git push --force:*)"),
    ]);
    let said = rules.command(line, "");
    assert_eq!(said.verdict, expected, "{line:?}: {:?}", said.entry);
}

#[test]
fn files_are_judged_by_where_they_are_and_where_they_lead() {
    let rules = rules(&[
        (ALLOW, "Edit(src/**)"),
        (ASK, "Edit(src/generated/**)"),
        (DENY, "Read(*.pem)"),
    ]);
    let named = |named| PathAt { named, real: None };
    let linked = |named, real| PathAt {
        named,
        real: Some(real),
    };
    assert_eq!(rules.edit(&[named("src/a.rs")]).verdict, Some(ALLOW));
    assert_eq!(
        rules.edit(&[named("src/a.rs"), named("lib/b.rs")]).verdict,
        None
    );
    assert_eq!(
        rules
            .edit(&[named("src/generated/a.rs"), named("src/a.rs")])
            .verdict,
        Some(ASK)
    );
    assert_eq!(rules.edit(&[linked("src/a.rs", "lib/b.rs")]).verdict, None);
    assert_eq!(
        rules
            .edit(&[linked("lib/b.rs", "src/generated/a.rs")])
            .verdict,
        Some(ASK)
    );
    assert_eq!(rules.read(named("keys/A.PEM")).verdict, Some(DENY));
    assert_eq!(
        rules.read(linked("notes", "keys/a.pem")).verdict,
        Some(DENY)
    );
    assert_eq!(rules.read(named("src/a.rs")).verdict, None);
}

#[rstest]
#[case(".claude/settings.json")]
#[case(".claude/settings.local.json")]
#[case("sub/.claude/hooks/x.sh")]
#[case(".CLAUDE/settings.json")]
#[case(".kerf/config.toml")]
fn mc9_no_rule_opens_the_places_that_hold_rules(#[case] path: &str) {
    let rules = rules(&[
        (ALLOW, "Edit"),
        (ALLOW, "Edit(.claude/**)"),
        (ALLOW, "Bash"),
    ]);
    let path_at = PathAt {
        named: path,
        real: None,
    };
    let said = rules.edit(&[path_at]);
    assert_eq!(said.verdict, Some(DENY));
    assert_eq!(said.entry.unwrap().origin, RuleOrigin::Kerf);
    let line = format!("echo x > {path}");
    assert_eq!(rules.command(&line, "").verdict, Some(DENY));
    assert_eq!(
        rules
            .command("echo x > ../.claude/settings.json", "sub")
            .verdict,
        Some(DENY)
    );
}

#[test]
fn hosts_and_tools_of_servers_have_rules_too() {
    let rules = rules(&[
        (ALLOW, "Network(*.crates.io)"),
        (DENY, "Network(evil.crates.io)"),
        (ASK, "WebFetch(domain:docs.rs)"),
        (ALLOW, "mcp__github"),
        (DENY, "mcp__github__delete_repo"),
    ]);
    assert_eq!(rules.network("index.crates.io").verdict, Some(ALLOW));
    assert_eq!(rules.network("evil.crates.io").verdict, Some(DENY));
    assert_eq!(rules.network("docs.rs").verdict, None);
    assert_eq!(rules.fetch("docs.rs").verdict, Some(ASK));
    assert_eq!(rules.fetch("docs.rs.evil.example").verdict, None);
    assert_eq!(rules.tool("github", "get_issue").verdict, Some(ALLOW));
    assert_eq!(rules.tool("github", "delete_repo").verdict, Some(DENY));
    assert_eq!(rules.tool("git", "hub__get_issue").verdict, None);
}
