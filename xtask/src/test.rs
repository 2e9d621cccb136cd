//! Every check and every test, closed by one line of counts.

use crate::{
    Done, real_model, run,
    setup::{self, Purpose},
    types, ui, window,
};
use std::process::Command;

pub(crate) fn run(arguments: &[String]) -> Done {
    let wants = |name: &str| arguments.iter().any(|argument| argument == name);
    let agreed = setup::agreed(arguments);
    setup::ensure(&[Purpose::Build, Purpose::Tests], agreed)?;
    let mut counts = Counts::default();
    if wants("--interface") {
        match ui::build() {
            Ok(()) => ui::test(&mut counts, agreed),
            failed => counts.check("the interface as it is built", failed),
        }
        return counts.close();
    }
    counts.check(
        "formatting",
        run::run(run::cargo().args(["fmt", "--all", "--check"])),
    );
    let mut packages = vec!["--workspace", "--exclude", window::EMPTY];
    match window::can_be_built(agreed) {
        Ok(()) => {}
        Err(why) => {
            println!("the window is left out: {why}");
            counts.skip();
            packages.extend(["--exclude", window::PACKAGE]);
        }
    }
    counts.check(
        "clippy",
        run::run(run::cargo().arg("clippy").args(&packages).args([
            "--all-targets",
            // Tests that seldom run are looked at all the same.
            "--features",
            "kerf-cli/real-model,window-tests/pictures",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ])),
    );
    // They are a workspace of their own, with a lock file of its own, that nothing else here reads.
    counts.check(
        "the fuzz targets' lock file",
        run::run(
            run::cargo()
                .args(["tree", "--manifest-path", "fuzz/Cargo.toml"])
                .args(["--depth", "0", "--locked"]),
        ),
    );
    let mut programs = vec!["--bin", "kerf", "--bin", "ui-server"];
    match window::ready_for_tests(agreed) {
        Ok(()) => programs.extend(["--bin", window::PACKAGE]),
        Err(why) => {
            println!("the window's tests are left out: {why}");
            counts.skip();
            packages.extend(["--exclude", window::TESTS]);
        }
    }
    // The programs that tests start are built with the tests: alone, a program needs other features of what it depends on,
    // and all of that would be compiled once more.
    counts.check(
        "the programs and their tests",
        run::run(
            run::cargo()
                .arg("build")
                .args(&packages)
                .args(&programs)
                .args(["--tests", "--locked"]),
        ),
    );
    counts.tests(&packages, wants("--ci"), None);
    counts.check("generated types", types::check());
    ui::test(&mut counts, agreed);
    if wants("--real-model") {
        let served = real_model::with_server(|| {
            counts.tests(
                &["--package", "kerf-cli", "--features", "real-model"],
                wants("--ci"),
                Some("real_model::"),
            );
            Ok(())
        });
        if let Err(error) = served {
            counts.check("real model", Err(error));
        }
    }
    counts.close()
}

/// What passed and what did not.
#[derive(Default)]
pub(crate) struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
    errors: Vec<String>,
}

impl Counts {
    /// Runs tests and counts them: all that are chosen, or those whose names hold `only`, one after the other.
    fn tests(&mut self, chosen: &[&str], quiet: bool, only: Option<&str>) {
        let before = (self.passed, self.failed, self.skipped);
        if run::has("cargo-nextest", &["--version"]) {
            let mut nextest = run::cargo();
            nextest.args(["nextest", "run"]).args(chosen).args([
                "--locked",
                "--no-fail-fast",
                "--color",
                "never",
            ]);
            if quiet {
                nextest.args(["--status-level", "fail", "--final-status-level", "fail"]);
            }
            if let Some(only) = only {
                nextest.args([
                    "--config-file",
                    real_model::NEXTEST,
                    "--test-threads",
                    "1",
                    only,
                ]);
            }
            self.run(&mut nextest, Self::nextest);
        } else {
            let mut test = run::cargo();
            test.arg("test")
                .args(chosen)
                .args(["--locked", "--no-fail-fast"]);
            if let Some(only) = only {
                test.args(["--", "--test-threads", "1", only]);
            }
            self.run(&mut test, Self::cargo_test);
        }
        if only.is_some() {
            // What was not chosen has its own run.
            self.skipped = before.2;
            if (self.passed, self.failed) == (before.0, before.1) {
                self.check("tests", Err("none of these tests ran".to_owned()));
            }
        }
    }

    /// Runs a command that tests, and counts what its lines say.
    pub(crate) fn run(&mut self, command: &mut Command, count: fn(&mut Self, &str)) {
        let failed = self.failed;
        if let Err(error) = run::run_and_read(command, |line| count(self, line)) {
            self.errors.push(error);
            // A build that fails runs no test.
            if self.failed == failed {
                self.failed += 1;
            }
        }
    }

    /// Something is left out.
    pub(crate) fn skip(&mut self) {
        self.skipped += 1;
    }

    pub(crate) fn check(&mut self, name: &str, done: Done) {
        match done {
            Ok(()) => self.passed += 1,
            Err(error) => {
                self.failed += 1;
                self.errors.push(format!("{name}: {error}"));
            }
        }
    }

    /// `Summary [  4.2s] 40 tests run: 38 passed (1 slow), 2 failed, 1 skipped`
    fn nextest(&mut self, line: &str) {
        if !line.trim_start().starts_with("Summary [") {
            return;
        }
        self.passed += number_before(line, " passed");
        self.failed += number_before(line, " failed") + number_before(line, " timed out");
        self.skipped += number_before(line, " skipped");
    }

    /// `test result: ok. 12 passed; 0 failed; 0 ignored; …`
    fn cargo_test(&mut self, line: &str) {
        if !line.starts_with("test result:") {
            return;
        }
        self.passed += number_before(line, " passed");
        self.failed += number_before(line, " failed");
        self.skipped += number_before(line, " ignored");
    }

    /// `      Tests  2 failed | 9 passed | 1 skipped (12)`
    pub(crate) fn vitest(&mut self, line: &str) {
        if !line.trim_start().starts_with("Tests  ") {
            return;
        }
        self.passed += number_before(line, " passed");
        self.failed += number_before(line, " failed");
        self.skipped += number_before(line, " skipped") + number_before(line, " todo");
    }

    fn close(self) -> Done {
        for error in &self.errors {
            eprintln!("failed: {error}");
        }
        println!(
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        );
        if self.failed == 0 {
            Ok(())
        } else {
            Err("not everything holds".to_owned())
        }
    }
}

fn number_before(line: &str, word: &str) -> u32 {
    let Some(end) = line.find(word) else { return 0 };
    let digits = line[..end]
        .rsplit(|char: char| !char.is_ascii_digit())
        .next()
        .unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_each_runner() {
        let mut counts = Counts::default();
        counts.nextest(
            "     Summary [   4.201s] 41 tests run: 38 passed (1 slow), 3 failed, 1 skipped",
        );
        counts.cargo_test(
            "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out",
        );
        counts.nextest("        PASS [   0.010s] a test about 7 passed things");
        counts.vitest("      Tests  2 failed | 9 passed | 1 skipped (12)");
        counts.vitest(" Test Files  1 failed | 7 passed (8)");
        counts.vitest("   ✓ Tests of 4 passed things 12ms");
        assert_eq!((counts.passed, counts.failed, counts.skipped), (59, 7, 3));
    }
}
