//! Which commands of a task say whether its changes are right, and whether they still do.
//!
//! Every command that ended and changed no file counts. One that ran before a later change says nothing about what is
//! there now; the user can run it again.

mod again;
mod run;

pub(crate) use run::{CheckPlace, Checks, RunningCheck, checked};

use kerf_agent::SET_UP;
use kerf_protocol::{
    UnixMillis,
    attempt::CheckRun,
    item::ItemBody,
    scope::{CheckKind, CheckOutcome, TaskCheck},
    session::Transcript,
};

/// More are not told of one session.
const MAX_CHECKS: usize = 20;
/// So much of a command line is looked at to tell what it is.
const MAX_READ: usize = 4_000;

/// The checks of a session, oldest first, of the same command its last run. `changed_at`: when the user last changed
/// files by a decision or a restore; 0 for never.
pub(crate) fn checks(transcript: &Transcript, changed_at: UnixMillis) -> Vec<TaskCheck> {
    let mut checks: Vec<TaskCheck> = Vec::new();
    for item in transcript.turns.iter().flat_map(|turn| &turn.items) {
        let ItemBody::ToolCall(call) = &item.body else {
            continue;
        };
        if !call.changes.is_empty() {
            checks.iter_mut().for_each(|check| check.stale = true);
            // A command that made the change itself says nothing about it.
            continue;
        }
        let Some(exit) = &call.exit else { continue };
        let command = call.arguments["command"].as_str().unwrap_or_default();
        if command.is_empty() || call.tool == SET_UP {
            continue;
        }
        let cwd = call.arguments["cwd"].as_str().unwrap_or_default();
        let cwd = if cwd == "." { "" } else { cwd };
        checks.retain(|known| known.command != command || known.cwd != cwd);
        checks.push(TaskCheck {
            command: command.to_owned(),
            cwd: cwd.to_owned(),
            kind: kind_of(command),
            outcome: match exit.code {
                Some(0) => CheckOutcome::Passed,
                Some(_) => CheckOutcome::Failed,
                None => CheckOutcome::Stopped,
            },
            code: exit.code,
            stale: false,
            turn_id: item.turn_id,
            item_id: item.id,
            at: item.created_at,
            duration_ms: call.duration_ms,
            running: false,
        });
    }
    for check in &mut checks {
        // What changed while it ran may have been before its eyes or not.
        check.stale |= changed_at >= check.at && changed_at > 0;
    }
    let more = checks.len().saturating_sub(MAX_CHECKS);
    checks.split_off(more)
}

/// The checks that still count, oldest first.
pub(crate) fn counting(transcript: &Transcript) -> Vec<CheckRun> {
    checks(transcript, 0)
        .into_iter()
        .filter(|check| !check.stale)
        .map(|check| CheckRun {
            passed: check.outcome == CheckOutcome::Passed,
            command: check.command,
            cwd: check.cwd,
            code: check.code,
        })
        .collect()
}

/// In the order in which they are shown: what is known to check before the rest, what still counts before the stale, the
/// newest first.
pub(crate) fn in_order(mut checks: Vec<TaskCheck>) -> Vec<TaskCheck> {
    checks.reverse();
    checks.sort_by_key(|check| (check.kind == CheckKind::Other, check.stale));
    checks
}

/// What a program is run for, by its name and the first word that it is given; with an empty one, whatever it is given.
const KNOWN: &[(&str, &str, CheckKind)] = &[
    ("cargo", "test", CheckKind::Test),
    ("cargo", "nextest", CheckKind::Test),
    ("cargo", "clippy", CheckKind::Lint),
    ("cargo", "fmt", CheckKind::Lint),
    ("cargo", "check", CheckKind::Types),
    ("cargo", "build", CheckKind::Build),
    ("go", "test", CheckKind::Test),
    ("go", "vet", CheckKind::Lint),
    ("go", "build", CheckKind::Build),
    ("make", "test", CheckKind::Test),
    ("make", "check", CheckKind::Test),
    ("make", "lint", CheckKind::Lint),
    ("just", "test", CheckKind::Test),
    ("just", "lint", CheckKind::Lint),
    ("just", "build", CheckKind::Build),
    ("mvn", "test", CheckKind::Test),
    ("mvn", "verify", CheckKind::Test),
    ("mvn", "compile", CheckKind::Build),
    ("mvn", "package", CheckKind::Build),
    ("gradle", "test", CheckKind::Test),
    ("gradle", "check", CheckKind::Test),
    ("gradle", "build", CheckKind::Build),
    ("gradlew", "test", CheckKind::Test),
    ("gradlew", "check", CheckKind::Test),
    ("gradlew", "build", CheckKind::Build),
    ("dotnet", "test", CheckKind::Test),
    ("dotnet", "build", CheckKind::Build),
    ("mix", "test", CheckKind::Test),
    ("swift", "test", CheckKind::Test),
    ("swift", "build", CheckKind::Build),
    ("zig", "test", CheckKind::Test),
    ("zig", "build", CheckKind::Build),
    ("deno", "test", CheckKind::Test),
    ("deno", "lint", CheckKind::Lint),
    ("deno", "check", CheckKind::Types),
    ("ruff", "", CheckKind::Lint),
    ("npm", "test", CheckKind::Test),
    ("npm", "t", CheckKind::Test),
    ("pnpm", "test", CheckKind::Test),
    ("yarn", "test", CheckKind::Test),
    ("bun", "test", CheckKind::Test),
    ("yarn", "lint", CheckKind::Lint),
    ("pnpm", "lint", CheckKind::Lint),
    ("yarn", "build", CheckKind::Build),
    ("pnpm", "build", CheckKind::Build),
    ("cmake", "--build", CheckKind::Build),
    ("make", "", CheckKind::Build),
    ("ninja", "", CheckKind::Build),
    ("ctest", "", CheckKind::Test),
    ("pytest", "", CheckKind::Test),
    ("tox", "", CheckKind::Test),
    ("unittest", "", CheckKind::Test),
    ("vitest", "", CheckKind::Test),
    ("jest", "", CheckKind::Test),
    ("mocha", "", CheckKind::Test),
    ("playwright", "test", CheckKind::Test),
    ("rspec", "", CheckKind::Test),
    ("phpunit", "", CheckKind::Test),
    ("eslint", "", CheckKind::Lint),
    ("stylelint", "", CheckKind::Lint),
    ("biome", "", CheckKind::Lint),
    ("prettier", "", CheckKind::Lint),
    ("flake8", "", CheckKind::Lint),
    ("pylint", "", CheckKind::Lint),
    ("black", "", CheckKind::Lint),
    ("shellcheck", "", CheckKind::Lint),
    ("rubocop", "", CheckKind::Lint),
    ("golangci-lint", "", CheckKind::Lint),
    ("tsc", "", CheckKind::Types),
    ("vue-tsc", "", CheckKind::Types),
    ("svelte-check", "", CheckKind::Types),
    ("mypy", "", CheckKind::Types),
    ("pyright", "", CheckKind::Types),
    ("webpack", "", CheckKind::Build),
    ("vite", "build", CheckKind::Build),
];

/// What `npm run NAME` and the like run, by the name.
const SCRIPTS: &[(&str, CheckKind)] = &[
    ("test", CheckKind::Test),
    ("lint", CheckKind::Lint),
    ("format", CheckKind::Lint),
    ("type", CheckKind::Types),
    ("tsc", CheckKind::Types),
    ("check", CheckKind::Types),
    ("build", CheckKind::Build),
];

/// Programs that run the one named after them.
const RUNNERS: &[&str] = &[
    "npx", "bunx", "pnpx", "uv", "poetry", "pipenv", "bundle", "exec", "run", "time", "nice",
    "env", "python", "python3", "-m", "dlx", "command",
];

/// What a command line looks after: of several commands, the first that is known.
fn kind_of(line: &str) -> CheckKind {
    let read = line
        .char_indices()
        .nth(MAX_READ)
        .map_or(line, |(at, _)| &line[..at]);
    read.split(['\n', ';', '&', '|', '(', ')'])
        .find_map(kind_of_command)
        .unwrap_or(CheckKind::Other)
}

fn kind_of_command(command: &str) -> Option<CheckKind> {
    let mut words = command.split_whitespace().map(|word| {
        let word = word.trim_matches(['"', '\'']);
        word.rsplit('/').next().unwrap_or(word)
    });
    let mut program = words.next()?;
    loop {
        let is_setting = program.contains('=') && !program.starts_with('-');
        if !is_setting && !RUNNERS.contains(&program) {
            break;
        }
        program = words.next()?;
    }
    // Settings of the program itself stand before what it is to do.
    let rest: Vec<&str> = words.filter(|word| !word.starts_with('+')).collect();
    let word = rest
        .iter()
        .find(|word| !word.starts_with('-') || **word == "--build")
        .copied()
        .unwrap_or_default();
    if word == "run" && ["npm", "pnpm", "yarn", "bun", "deno"].contains(&program) {
        let script = rest.iter().skip_while(|other| **other != "run").nth(1)?;
        let known = SCRIPTS.iter().find(|(name, _)| script.contains(name));
        return known.map(|(_, kind)| *kind);
    }
    let is = |named: &str, wanted: &str| named == program && (wanted.is_empty() || wanted == word);
    KNOWN
        .iter()
        .find(|(named, wanted, _)| is(named, wanted))
        .map(|(_, _, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("cargo test -p kerf --locked", CheckKind::Test)]
    #[case("cd ui && npm run lint:fix", CheckKind::Lint)]
    #[case("RUST_LOG=off cargo +nightly clippy --all", CheckKind::Lint)]
    #[case("npx tsc --noEmit", CheckKind::Types)]
    #[case("uv run pytest -q tests/", CheckKind::Test)]
    #[case("python -m pytest", CheckKind::Test)]
    #[case("./gradlew test", CheckKind::Test)]
    #[case("npm run build", CheckKind::Build)]
    #[case("npm test", CheckKind::Test)]
    #[case("make", CheckKind::Build)]
    #[case("make lint", CheckKind::Lint)]
    #[case("go vet ./...", CheckKind::Lint)]
    #[case("node_modules/.bin/eslint .", CheckKind::Lint)]
    #[case("ls -la | grep test", CheckKind::Other)]
    #[case("echo cargo test", CheckKind::Other)]
    #[case("cat tests/run", CheckKind::Other)]
    #[case("cargo run", CheckKind::Other)]
    #[case("", CheckKind::Other)]
    #[case("=;&&|", CheckKind::Other)]
    fn the_words_tell_what_is_checked(#[case] line: &str, #[case] kind: CheckKind) {
        assert_eq!(kind_of(line), kind, "{line}");
    }

    #[test]
    fn a_long_line_is_read_in_part() {
        let line = format!("cargo test {}", "ä".repeat(1_000_000));
        assert_eq!(kind_of(&line), CheckKind::Test);
    }
}
