//! Properties: no text makes the crate fail or wait, and quoting changes no verdict.

use kerf_protocol::rule::{RuleOrigin, RuleVerdict};
use kerf_rules::{Entry, Rule, Rules, offer_command, read_settings};
use proptest::prelude::*;

fn rules(verdict: RuleVerdict, texts: &[&str]) -> Rules {
    let entry = |text: &&str| Entry {
        verdict,
        origin: RuleOrigin::Settings,
        rule: Rule::parse(text).unwrap(),
    };
    Rules::new("/srv/p", None, texts.iter().map(entry).collect())
}

/// Text with much of what steers a shell.
fn line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,4}",
        Just("rm -rf x".to_owned()),
        "[ \t\n;&|<>(){}$`\"'\\\\#*?~!=-]{1,3}",
        Just("<<EOF\n".to_owned()),
        Just("EOF\n".to_owned()),
        Just("$(".to_owned()),
        Just("sh -c '".to_owned()),
        Just("sudo ".to_owned()),
        "\\PC{1,2}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The word as the shell reads it, quoted in one of its ways.
fn quoted(word: &str, way: u8) -> String {
    match way % 4 {
        0 => word.to_owned(),
        1 => format!("'{word}'"),
        2 => format!("\"{word}\""),
        _ => word.chars().map(|char| format!("\\{char}")).collect(),
    }
}

proptest! {
    #[test]
    fn no_line_makes_it_fail(line in line()) {
        let denying = rules(RuleVerdict::Deny, &["Bash(rm:*)", "Read(.env)", "Edit(src/**)"]);
        let _ = denying.command(&line, "sub");
        if let Some(offer) = offer_command(&line) {
            // What is offered is a rule, and settles the question that it was offered at.
            let kept = rules(RuleVerdict::Allow, &[&offer.text]);
            let said = kept.command(&line, "").verdict;
            prop_assert!(
                said == Some(RuleVerdict::Allow) || (said == Some(RuleVerdict::Deny) && line.contains(".claude")),
                "{:?} {:?}", offer, line
            );
        }
    }

    #[test]
    fn no_rule_makes_it_fail(text in "(Bash|Read|Edit|Network|WebFetch|mcp__a)?\\PC{0,40}") {
        if let Ok(rule) = Rule::parse(&text) {
            let _ = rule.words();
            let entry = Entry { verdict: RuleVerdict::Deny, origin: RuleOrigin::Settings, rule };
            let _ = Rules::new("/p", Some("/h"), vec![entry]).command(&text, "");
        }
        let _ = read_settings("f", &text);
    }

    #[test]
    fn quoting_hides_nothing(ways in prop::collection::vec(any::<u8>(), 3)) {
        let words = ["git", "push", "origin"];
        let line: Vec<String> = words.iter().zip(&ways).map(|(word, way)| quoted(word, *way)).collect();
        let line = line.join(" ");
        let denying = rules(RuleVerdict::Deny, &["Bash(git push:*)"]);
        prop_assert_eq!(denying.command(&line, "").verdict, Some(RuleVerdict::Deny));
        let allowing = rules(RuleVerdict::Allow, &["Bash(git push:*)"]);
        prop_assert_eq!(allowing.command(&line, "").verdict, Some(RuleVerdict::Allow));
    }

    #[test]
    fn a_line_is_allowed_only_when_each_part_is(parts in prop::collection::vec(0..3_usize, 1..6), joint in 0..4_usize) {
        let all = ["git status", "cargo test", "rm x"];
        let joint = [" && ", "; ", " | ", "\n"][joint];
        let line: Vec<&str> = parts.iter().map(|part| all[*part]).collect();
        let rules = rules(RuleVerdict::Allow, &["Bash(git status:*)", "Bash(cargo test:*)"]);
        let allowed = rules.command(&line.join(joint), "").verdict == Some(RuleVerdict::Allow);
        prop_assert_eq!(allowed, !parts.contains(&2));
    }
}
