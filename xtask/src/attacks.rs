//! Runs the tests of the attacks and faults that Kerf must survive: `cargo xtask attacks [ID…] [--long] [--yes]`.
//!
//! The rows and their tests are `tests/attacks/table.txt`. What is asked for is run by one nextest and, for the
//! interface, by vitest once for its own tests and once for those around the engine; what this machine has no means for
//! is left out with its reason. `--long` lets the tests that have one run in full size (`KERF_LONG_TESTS`).
//!
//! What the runners say is read in [`outcomes`].

mod outcomes;

use crate::{
    Done, run,
    setup::{self, Purpose},
    ui, window,
};
use attacks::{Row, Test};
use outcomes::Outcomes;
use std::collections::BTreeSet;

pub(crate) fn run(arguments: &[String]) -> Done {
    let long = arguments.iter().any(|argument| argument == "--long");
    let agreed = setup::agreed(arguments);
    let rows = chosen(arguments)?;
    let tests: BTreeSet<&Test> = rows.iter().flat_map(|row| &row.tests).collect();
    setup::ensure(&[Purpose::Build, Purpose::Tests], agreed)?;
    if !run::has("cargo-nextest", &["--version"]) {
        return Err(
            "cargo-nextest runs these tests: `cargo install --locked cargo-nextest`".to_owned(),
        );
    }
    let mut outcomes = Outcomes::default();
    rust(&tests, long, agreed, &mut outcomes)?;
    interface(&tests, agreed, &mut outcomes)?;
    report(&rows, &outcomes)
}

/// The rows whose ids or groups are named, or all.
fn chosen(arguments: &[String]) -> Result<Vec<Row>, String> {
    let mut rows = attacks::rows().map_err(|error| format!("tests/attacks/table.txt: {error}"))?;
    let named: Vec<String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .map(|argument| argument.to_ascii_uppercase())
        .collect();
    let means = |name: &str, row: &Row| {
        row.id == name || row.id.trim_end_matches(|char: char| char.is_ascii_digit()) == name
    };
    if let Some(unknown) = named
        .iter()
        .find(|name| !rows.iter().any(|row| means(name, row)))
    {
        return Err(format!("{unknown} is no row of tests/attacks/table.txt"));
    }
    rows.retain(|row| named.is_empty() || named.iter().any(|name| means(name, row)));
    Ok(rows)
}

fn rust(tests: &BTreeSet<&Test>, long: bool, agreed: bool, outcomes: &mut Outcomes) -> Done {
    let mut packages = BTreeSet::new();
    let mut filters = Vec::new();
    let mut window = None;
    for test in tests {
        let Test::Rust { package, name } = test else {
            continue;
        };
        if package == window::TESTS || package == window::PACKAGE {
            let ready = window.get_or_insert_with(|| {
                window::ready_for_tests(agreed)?;
                run::run(run::cargo().args(["build", "--locked", "--package", window::PACKAGE]))
            });
            if let Err(why) = ready {
                outcomes.leave_out(test, why);
                continue;
            }
        }
        packages.insert(package.as_str());
        filters.push(format!(
            "(package(={package}) & test(/(^|::){name}(::|$)/))"
        ));
    }
    if filters.is_empty() {
        return Ok(());
    }
    let mut nextest = run::cargo();
    nextest.args([
        "nextest",
        "run",
        "--locked",
        "--no-fail-fast",
        "--color",
        "never",
    ]);
    nextest.args(["--status-level", "all", "--final-status-level", "none"]);
    // What a test that passed says may be that it looked at nothing.
    nextest.args(["--success-output", "immediate"]);
    for package in packages {
        nextest.args(["--package", package]);
    }
    nextest.args(["-E", &filters.join(" | ")]);
    if long {
        nextest.env("KERF_LONG_TESTS", "1");
    }
    let before = outcomes.count();
    // That tests failed is told by their lines; that none ran, by none of them.
    let ended = run::run_and_hear(&mut nextest, |line| {
        if outcomes.nextest(line) {
            println!("{line}");
        }
    });
    if outcomes.count() == before {
        ended?;
    }
    Ok(())
}

fn interface(tests: &BTreeSet<&Test>, agreed: bool, outcomes: &mut Outcomes) -> Done {
    for (folder, script) in [("src/", "test"), ("e2e/", "e2e")] {
        let chosen: Vec<(&Test, &str)> = tests
            .iter()
            .filter_map(|test| match test {
                Test::Interface { file, .. } if file.starts_with(folder) => {
                    Some((*test, file.as_str()))
                }
                _ => None,
            })
            .collect();
        if chosen.is_empty() {
            continue;
        }
        let ready = setup::ensure(&[Purpose::Interface], agreed)
            .and_then(|()| window::install_libraries())
            .and_then(|()| match script {
                "e2e" => window::build_interface().and_then(|()| ui::build()),
                _ => Ok(()),
            });
        if let Err(why) = ready {
            for (test, _) in chosen {
                outcomes.leave_out(test, &why);
            }
            continue;
        }
        let files: BTreeSet<&str> = chosen.iter().map(|(_, file)| *file).collect();
        let mut vitest = ui::vitest_of(script);
        vitest.args(["--", "--reporter=tap-flat"]).args(files);
        let before = outcomes.count();
        let ended = run::run_and_read(&mut vitest, |line| outcomes.tap(line));
        if outcomes.count() == before {
            ended?;
        }
    }
    Ok(())
}

fn report(rows: &[Row], outcomes: &Outcomes) -> Done {
    let (mut held, mut partly, mut failed, mut left_out, mut absent) = (0, 0, 0, 0, 0);
    println!();
    for row in rows {
        let verdict = outcomes.of(row);
        let count = match verdict.word {
            outcomes::HELD => &mut held,
            outcomes::PARTLY => &mut partly,
            outcomes::LEFT_OUT => &mut left_out,
            outcomes::ABSENT => &mut absent,
            _ => &mut failed,
        };
        *count += 1;
        println!("{:<5} {:<9} {}", row.id, verdict.word, row.about);
        for line in verdict.lines {
            println!("                {line}");
        }
    }
    println!(
        "\n{} rows: {held} held, {partly} held in part, {failed} failed, {left_out} left out, {absent} absent",
        rows.len()
    );
    if failed == 0 {
        Ok(())
    } else {
        Err("not everything holds".to_owned())
    }
}
