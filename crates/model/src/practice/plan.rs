//! What comes next: a tool call or the last word.
//!
//! Nothing is remembered between requests. Every plan is written as if it ran from its start to its end in one go;
//! [`Run::call`] hands it the results that the conversation already holds and stops it, by `?`, at the first one
//! that is missing. That one is then the next thing to do.

use super::{
    form::{self, Form},
    rename,
    request::{Asked, Step},
};
use serde_json::{Value, json};

/// What the practice endpoint does next.
#[derive(Debug)]
pub(super) enum Move {
    /// Calls tools, with a word to the user.
    Call { word: String, calls: Vec<Call> },
    /// Ends the turn.
    Say(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
}

impl Call {
    pub(super) fn new(tool: &'static str, arguments: Value) -> Self {
        Self { tool, arguments }
    }
}

/// A plan's way through the results there are.
pub(super) struct Run<'a> {
    tools: &'a [String],
    steps: std::slice::Iter<'a, Step>,
}

impl<'a> Run<'a> {
    pub(super) fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|offered| offered == tool)
    }

    /// The steps of these calls. `Err` when they are still to be made, or cannot be.
    fn steps(&mut self, word: &str, calls: Vec<Call>) -> Result<Vec<&'a Step>, Move> {
        if let Some(call) = calls.iter().find(|call| !self.has(call.tool)) {
            return Err(Move::Say(format!(
                "For this I need the tool `{}`, which is not offered in this request, so I stop here.",
                call.tool
            )));
        }
        let mut steps = Vec::new();
        for call in &calls {
            let Some(step) = self.steps.next() else { break };
            if step.tool != call.tool || step.arguments != call.arguments {
                return Err(Move::Say(
                    "The conversation does not go on the way I left it, so I stop here. Ask again to start anew."
                        .to_owned(),
                ));
            }
            steps.push(step);
        }
        match steps.len() {
            0 => Err(Move::Call {
                word: word.to_owned(),
                calls,
            }),
            n if n < calls.len() => Err(missing(calls[n].tool)),
            _ => Ok(steps),
        }
    }

    /// The results of these calls, which may be made side by side. The first that failed ends the plan.
    pub(super) fn calls(&mut self, word: &str, calls: Vec<Call>) -> Result<Vec<&'a str>, Move> {
        let mut outputs = Vec::new();
        for step in self.steps(word, calls)? {
            match &step.output {
                Some(output) if step.failed => {
                    return Err(Move::Say(format!(
                        "The tool `{}` did not do it, so I stop here:\n\n{}",
                        step.tool,
                        quote(output)
                    )));
                }
                Some(output) => outputs.push(output.as_str()),
                None => return Err(missing(&step.tool)),
            }
        }
        Ok(outputs)
    }

    /// The result of one call.
    pub(super) fn call(&mut self, word: &str, call: Call) -> Result<&'a str, Move> {
        let outputs = self.calls(word, vec![call])?;
        Ok(outputs.first().copied().unwrap_or_default())
    }

    /// The result of one call and whether it failed; a failure does not end the plan.
    fn attempt(&mut self, word: &str, call: Call) -> Result<(&'a str, bool), Move> {
        let steps = self.steps(word, vec![call])?;
        Ok(
            match steps.first().map(|step| (&step.output, step.failed)) {
                Some((Some(output), failed)) => (output, failed),
                _ => ("its result is missing", true),
            },
        )
    }
}

fn missing(tool: &str) -> Move {
    Move::Say(format!(
        "The result of the tool `{tool}` is missing, so I stop here."
    ))
}

/// The end of a long output, as a code block.
pub(super) fn quote(output: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = output.trim_end().lines().collect();
    let kept = &lines[lines.len().saturating_sub(LINES)..];
    format!("````text\n{}\n````", kept.join("\n"))
}

/// The next move for what was asked.
pub(super) fn next(asked: &Asked) -> Move {
    let mut run = Run {
        tools: &asked.tools,
        steps: asked.steps.iter(),
    };
    let moved = match form::read(&asked.text) {
        Some(Form::Rename { from, to }) => rename::rename(&mut run, &from, &to),
        Some(Form::Where { name }) => definition(&mut run, &name),
        Some(Form::RunTests) => tests(&mut run).map(|told| {
            told.unwrap_or_else(|| {
                "I found no `Cargo.toml`, `package.json`, `pyproject.toml`, `go.mod` or `Makefile` at the top of \
                 the workspace, so I do not know how to run the tests."
                    .to_owned()
            })
        }),
        Some(Form::Replace { old, new, path }) => replace(&mut run, &old, &new, &path),
        None => Ok(explain(asked)),
    };
    match moved {
        Ok(text) => Move::Say(text),
        Err(next) => next,
    }
}

/// A match of the `grep` tool: `path:line:column: text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match<'a> {
    pub(super) path: &'a str,
    pub(super) line: u32,
    pub(super) text: &'a str,
}

pub(super) fn matches(output: &str) -> Vec<Match<'_>> {
    output.lines().filter_map(one_match).collect()
}

fn one_match(line: &str) -> Option<Match<'_>> {
    // The path may hold colons itself: the first place where two numbers follow is its end.
    line.match_indices(':').find_map(|(at, _)| {
        let (number, rest) = line[at + 1..].split_once(':')?;
        let (column, text) = rest.split_once(':')?;
        column.parse::<u32>().ok()?;
        Some(Match {
            path: Some(&line[..at]).filter(|path| !path.is_empty())?,
            line: number.parse().ok()?,
            text: text.strip_prefix(' ').unwrap_or(text),
        })
    })
}

/// A regular expression for `name` as a whole word.
pub(super) fn whole_word(name: &str) -> String {
    if name.contains('$') {
        // `$` is no part of a word for regular expressions; the matches are checked afterwards anyway.
        return name.replace('$', "\\$");
    }
    format!("\\b{name}\\b")
}

fn definition(run: &mut Run<'_>, name: &str) -> Result<String, Move> {
    let word = whole_word(name);
    let pattern = format!(
        r"\b(?:fn|struct|enum|union|trait|type|const|static|mod|class|def|function|func|interface|let|var|val|object|module|record|namespace|typedef)\s+(?:mut\s+|\([^)]*\)\s*)?{word}|macro_rules!\s+{word}|#\s*define\s+{word}"
    );
    let output = run.call(
        &format!("I look for the definition of `{name}`."),
        Call::new("grep", json!({ "pattern": pattern })),
    )?;
    let found = matches(output);
    if !found.is_empty() {
        return Ok(format!("`{name}` is defined here:\n\n{}", places(&found)));
    }
    let output = run.call(
        &format!("No line looks like a definition of `{name}`; I look for its uses."),
        Call::new("grep", json!({ "pattern": word })),
    )?;
    let found = matches(output);
    Ok(if found.is_empty() {
        format!("I found no `{name}` in this workspace.")
    } else {
        format!(
            "I found no line that looks like a definition of `{name}`. It is mentioned here:\n\n{}",
            places(&found)
        )
    })
}

fn places(found: &[Match<'_>]) -> String {
    const SHOWN: usize = 10;
    let mut lines: Vec<String> = found
        .iter()
        .take(SHOWN)
        .map(|place| {
            let text: String = place.text.trim().chars().take(120).collect();
            format!(
                "- {}:{} `{}`",
                place.path,
                place.line,
                text.replace('`', "'")
            )
        })
        .collect();
    if found.len() > SHOWN {
        lines.push(format!("- and {} more", found.len() - SHOWN));
    }
    lines.join("\n")
}

fn replace(run: &mut Run<'_>, old: &str, new: &str, path: &str) -> Result<String, Move> {
    if old == new {
        return Ok("Both texts are the same, so there is nothing to replace.".to_owned());
    }
    let output = run.call(
        &format!("I read `{path}`."),
        Call::new("read_file", json!({ "path": path })),
    )?;
    let count = rename::file_text(output).matches(old).count();
    if count == 0 {
        return Ok(format!(
            "`{path}` does not contain `{old}`, so I changed nothing."
        ));
    }
    run.call(
        &format!("I replace `{old}` with `{new}` in `{path}`."),
        Call::new(
            "edit_file",
            json!({ "path": path, "edits": [{ "old": old, "new": new, "all": true }] }),
        ),
    )?;
    Ok(format!(
        "I replaced `{old}` with `{new}` in `{path}`, {}.",
        times(count)
    ))
}

pub(super) fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    }
}

/// Files that tell how a project runs its tests, the surest first.
const TESTS: &[(&str, &str)] = &[
    ("Cargo.toml", "cargo test"),
    ("package.json", "npm test"),
    (
        "pyproject.toml",
        if cfg!(windows) {
            "python -m pytest"
        } else {
            "python3 -m pytest"
        },
    ),
    ("go.mod", "go test ./..."),
    ("Makefile", "make test"),
];

/// Runs the project's tests and tells how they went; none when it cannot tell how to run them.
pub(super) fn tests(run: &mut Run<'_>) -> Result<Option<String>, Move> {
    let names = run.call(
        "I look how this project runs its tests.",
        Call::new("list_dir", json!({ "path": "." })),
    )?;
    let known = TESTS
        .iter()
        .find(|(file, _)| names.lines().any(|name| name.trim() == *file));
    let Some((file, command)) = known else {
        return Ok(None);
    };
    let (output, failed) = run.attempt(
        &format!("There is a `{file}`, so I run `{command}`."),
        Call::new("run_command", json!({ "command": command })),
    )?;
    let how = if failed || failing_exit(output) {
        "did not succeed"
    } else {
        "ran"
    };
    Ok(Some(format!(
        "The tests (`{command}`) {how}. The end of the output:\n\n{}",
        quote(output)
    )))
}

/// Whether the output states an exit code that is not 0.
fn failing_exit(output: &str) -> bool {
    let lower = output.to_lowercase();
    ["exit code", "exit status", "exited with"]
        .iter()
        .any(|words| {
            lower.match_indices(words).any(|(at, words)| {
                let rest = lower[at + words.len()..].trim_start_matches([':', ' ', '=']);
                let code: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || *c == '-')
                    .collect();
                code.parse::<i64>().is_ok_and(|code| code != 0)
            })
        })
}

fn explain(asked: &Asked) -> String {
    let tools: Vec<String> = asked.tools.iter().map(|tool| format!("`{tool}`")).collect();
    let tools = if tools.is_empty() {
        "This request offers me no tools.".to_owned()
    } else {
        format!("The tools I am offered: {}.", tools.join(", "))
    };
    format!(
        "I did not understand that. I follow a few rules, and these are the requests I can carry out:\n\n\
         - rename `old_name` to `new_name`\n\
         - where is `name` defined?\n\
         - run the tests\n\
         - replace `this text` with `that text` in `path/to/file`\n\n{tools}"
    )
}

#[cfg(test)]
mod tests_of_reading {
    use super::*;

    #[rstest::rstest]
    #[case("src/a.rs:3:7: let x = 1;", Some(("src/a.rs", 3, "let x = 1;")))]
    #[case("a:b.rs:3:7: x: y", Some(("a:b.rs", 3, "x: y")))]
    #[case("src/a.rs:3:7:", Some(("src/a.rs", 3, "")))]
    #[case("12 matches", None)]
    #[case(":1:2: x", None)]
    #[case("", None)]
    fn lines_of_grep(#[case] line: &str, #[case] expected: Option<(&str, u32, &str)>) {
        let found = one_match(line).map(|found| (found.path, found.line, found.text));
        assert_eq!(found, expected);
    }

    #[rstest::rstest]
    #[case("exit code: 0\nok", false)]
    #[case("Exit code 101", true)]
    #[case("process exited with 2", true)]
    #[case("all fine", false)]
    fn exits(#[case] output: &str, #[case] failing: bool) {
        assert_eq!(failing_exit(output), failing);
    }
}
