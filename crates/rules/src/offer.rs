//! What "always for this project" would keep, and rules in plain words.

use crate::{
    command::{self, CommandPattern},
    host::HostPattern,
    path,
    rule::{About, MAX_BYTES, Rule},
    shell::{Word, take_apart},
    wrapper,
};
use kerf_protocol::rule::RuleOffer;

/// A longer line is not kept as a rule: nobody reads it again. In bytes.
const MAX_LINE: usize = 2000;

/// Commands whose arguments change nothing about what they may do: they build and test the project's own code, whose
/// scripts can do all that an argument can, or only look at the repository.
const GENERAL: &[&[&str]] = &[
    &["cargo", "bench"],
    &["cargo", "build"],
    &["cargo", "check"],
    &["cargo", "clippy"],
    &["cargo", "doc"],
    &["cargo", "fmt"],
    &["cargo", "nextest", "run"],
    &["cargo", "test"],
    &["dotnet", "build"],
    &["dotnet", "test"],
    &["git", "diff"],
    &["git", "log"],
    &["git", "show"],
    &["git", "status"],
    &["go", "build"],
    &["go", "test"],
    &["go", "vet"],
    &["mvn", "test"],
    &["npm", "test"],
    &["pnpm", "test"],
    &["pytest"],
    &["python", "-m", "pytest"],
    &["python3", "-m", "pytest"],
    &["yarn", "test"],
];

/// Programs that run a script of the project by its name: with it, they are the same.
const RUNNERS: &[&[&str]] = &[
    &["npm", "run"],
    &["pnpm", "run"],
    &["yarn", "run"],
    &["bun", "run"],
];

/// The rule that an answer to a question about this command would keep: the line as it is, unless the arguments change
/// nothing about what it may do. None: it cannot be shown so that a reader sees all of it.
#[must_use]
pub fn offer_command(line: &str) -> Option<RuleOffer> {
    let line = line.trim_matches([' ', '\t', '\n']);
    if line.is_empty() || line.len() > MAX_LINE || line.chars().any(hides) {
        return None;
    }
    let taken = take_apart(line);
    if let ([part], true) = (taken.parts.as_slice(), taken.plain) {
        let words: Option<Vec<&str>> = part.words.iter().map(Word::known).collect();
        let words = words.unwrap_or_default();
        let risky = words
            .first()
            .is_some_and(|program| wrapper::risky_option(program, &part.words).is_some());
        if let Some(general) = general(&words).filter(|_| !risky) {
            return offer(format!("Bash({general}:*)"));
        }
    }
    offer(format!("Bash({})", command::exactly(line)))
}

/// The same for a change of one file.
#[must_use]
pub fn offer_edit(path: &str) -> Option<RuleOffer> {
    if path.is_empty() || path.len() > MAX_LINE || path.chars().any(hides) {
        return None;
    }
    offer(format!("Edit({})", path::exactly(path)))
}

fn offer(text: String) -> Option<RuleOffer> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let rule = Rule::parse(&text).ok()?;
    Some(RuleOffer {
        words: rule.words(),
        text,
    })
}

/// The words from the beginning that stand for all commands which begin like that.
fn general(words: &[&str]) -> Option<String> {
    let begins = |with: &&&[&str]| words.starts_with(with);
    if let Some(known) = GENERAL.iter().find(begins) {
        return Some(known.join(" "));
    }
    let runner = RUNNERS.iter().find(begins)?;
    let script = words.get(runner.len())?;
    let is_name = script.starts_with(|char: char| char.is_ascii_alphanumeric())
        && script
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | ':'));
    // A name that ends like a wildcard would be read as one.
    (is_name && !script.ends_with(':')).then(|| format!("{} {script}", runner.join(" ")))
}

fn hides(char: char) -> bool {
    (char.is_control() && char != '\n' && char != '\t')
        || ('\u{E000}'..='\u{F8FF}').contains(&char)
        || matches!(char, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

impl Rule {
    /// What the rule covers, in plain words.
    #[must_use]
    pub fn words(&self) -> String {
        let inner = self
            .text()
            .split_once('(')
            .map_or("", |(_, inner)| inner.strip_suffix(')').unwrap_or(inner));
        match &self.about {
            About::Command(CommandPattern::Any) => "every command".to_owned(),
            About::Command(CommandPattern::Exact { text, .. }) => format!("exactly `{text}`"),
            About::Command(CommandPattern::Words { words, tail }) => {
                let literal: Option<Vec<&str>> = words.iter().map(|word| word.literal()).collect();
                match literal {
                    Some(words) if *tail => format!("`{}` with any arguments", words.join(" ")),
                    _ => format!("commands like `{inner}`"),
                }
            }
            About::Read(path::PathPattern::Any) => "reading every file".to_owned(),
            About::Read(_) => format!("reading `{inner}`"),
            About::Edit(path::PathPattern::Any) => "changing every file".to_owned(),
            About::Edit(_) => format!("changing `{inner}`"),
            About::Network(host) => format!("connections of commands to {}", in_words(host)),
            About::Fetch(host) => format!("fetching pages of {}", in_words(host)),
            About::Mcp {
                server,
                tool: Some(tool),
            } => format!("the tool `{tool}` of the server `{server}`"),
            About::Mcp { server, tool: None } => format!("every tool of the server `{server}`"),
        }
    }
}

fn in_words(host: &HostPattern) -> String {
    match host {
        HostPattern::Any => "every host".to_owned(),
        HostPattern::Host(host) => format!("`{host}`"),
        HostPattern::Beneath(host) => format!("every host beneath `{host}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("cargo test", "Bash(cargo test:*)", "`cargo test` with any arguments")]
    #[case(
        "cargo test -p a -- --nocapture",
        "Bash(cargo test:*)",
        "`cargo test` with any arguments"
    )]
    #[case(
        "npm run build -- --x",
        "Bash(npm run build:*)",
        "`npm run build` with any arguments"
    )]
    #[case("git status", "Bash(git status:*)", "`git status` with any arguments")]
    #[case(
        "git push origin main",
        "Bash(git push origin main)",
        "exactly `git push origin main`"
    )]
    #[case("cargo run", "Bash(cargo run)", "exactly `cargo run`")]
    #[case(
        "cargo test --config x=1",
        "Bash(cargo test --config x=1)",
        "exactly `cargo test --config x=1`"
    )]
    #[case(
        "git diff --output=/x",
        "Bash(git diff --output=/x)",
        "exactly `git diff --output=/x`"
    )]
    #[case(
        "cargo test && rm -rf x",
        "Bash(cargo test && rm -rf x)",
        "exactly `cargo test && rm -rf x`"
    )]
    #[case("X=1 cargo test", "Bash(X=1 cargo test)", "exactly `X=1 cargo test`")]
    #[case("ls *.rs", r"Bash(ls \*.rs)", "exactly `ls *.rs`")]
    #[case("npm run a:*", r"Bash(npm run a:\*)", "exactly `npm run a:*`")]
    #[case(
        "sudo cargo test",
        "Bash(sudo cargo test)",
        "exactly `sudo cargo test`"
    )]
    fn an_offer_covers_no_more_than_was_asked_about(
        #[case] line: &str,
        #[case] text: &str,
        #[case] words: &str,
    ) {
        let offer = offer_command(line).unwrap();
        assert_eq!((offer.text.as_str(), offer.words.as_str()), (text, words));
    }

    #[test]
    fn what_cannot_be_shown_is_not_offered() {
        for line in [
            "",
            "  ",
            "echo \u{1b}[2K",
            "echo a\u{202e}b",
            "echo \u{e000}",
            &"x".repeat(2001),
        ] {
            assert_eq!(offer_command(line), None, "{line:?}");
        }
    }
}
