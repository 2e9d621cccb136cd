//! What the runners said of each test, and what that makes of a row.

use attacks::{Row, Test};
use std::collections::BTreeMap;

pub(crate) const HELD: &str = "held";
pub(crate) const PARTLY: &str = "in part";
pub(crate) const FAILED: &str = "FAILED";
pub(crate) const LEFT_OUT: &str = "left out";
pub(crate) const ABSENT: &str = "absent";

/// How tests ended, by the names that their runners give them.
#[derive(Default)]
pub(crate) struct Outcomes {
    /// Package and name; whether it passed.
    rust: BTreeMap<(String, String), bool>,
    /// The same names; why they looked at nothing.
    said: BTreeMap<(String, String), String>,
    /// File and name below it; whether it passed.
    interface: BTreeMap<(String, String), bool>,
    /// The test that the last line was about; its output follows.
    last: Option<(String, String)>,
    /// Tests of the table that were not begun, and why.
    left_out: BTreeMap<Test, String>,
}

/// What became of a row.
pub(crate) struct Verdict {
    pub(crate) word: &'static str,
    /// What is wrong or missing, a line each.
    pub(crate) lines: Vec<String>,
}

impl Outcomes {
    /// How many tests ended.
    pub(crate) fn count(&self) -> usize {
        self.rust.len() + self.interface.len()
    }

    /// A test is not begun.
    pub(crate) fn leave_out(&mut self, test: &Test, why: &str) {
        self.left_out.insert(test.clone(), why.to_owned());
    }

    /// `        PASS [   0.010s] ( 3/40) kerf-store::it open::a_new_database`; of several tries the last one counts.
    /// In the output below it, `skipped 1: WHY` says that the machine lacks what the test needs.
    /// Returns whether the line is worth showing: the output of what passed is not.
    pub(crate) fn nextest(&mut self, line: &str) -> bool {
        let Some((binary, name, passed)) = ended(line) else {
            let last = self
                .last
                .clone()
                .filter(|last| self.rust.get(last) == Some(&true));
            let why = line.trim_start().strip_prefix("skipped 1: ");
            if let (Some(why), Some(last)) = (why, &last) {
                self.said.insert(last.clone(), why.trim().to_owned());
            }
            return last.is_none() || line.trim_start().starts_with("Summary [");
        };
        let test = (of(binary), name.to_owned());
        self.rust.insert(test.clone(), passed);
        self.last = Some(test);
        true
    }

    /// `ok 3 - src/diff/diff.test.ts > a line > is cut # time=1.20ms`, with the browser's name before or behind the file.
    pub(crate) fn tap(&mut self, line: &str) {
        let line = line.trim_start();
        let (passed, rest) = match line.strip_prefix("not ok ") {
            Some(rest) => (false, rest),
            None => match line.strip_prefix("ok ") {
                Some(rest) => (true, rest),
                None => return,
            },
        };
        let Some((_, rest)) = rest.split_once(" - ") else {
            return;
        };
        let name = rest.rsplit_once(" # time=").map_or(rest, |(name, _)| name);
        // What the runner left out itself has not passed.
        if name.ends_with("# SKIP") {
            return;
        }
        if let Some((file, name)) = name.split_once(" > ") {
            let file = file.rsplit(' ').next().unwrap_or(file);
            self.interface
                .insert((file.to_owned(), name.to_owned()), passed);
        }
    }

    /// What became of a row.
    pub(crate) fn of(&self, row: &Row) -> Verdict {
        if let Some(why) = &row.absent {
            return Verdict {
                word: ABSENT,
                lines: vec![why.clone()],
            };
        }
        let mut lines = Vec::new();
        let (mut passed, mut failed) = (0, 0);
        for test in &row.tests {
            match self.one(test) {
                Ok(()) => passed += 1,
                Err((is_failure, why)) => {
                    failed += usize::from(is_failure);
                    lines.push(format!("{test}: {why}"));
                }
            }
        }
        let word = match (passed, failed) {
            (_, 1..) => FAILED,
            (0, 0) => LEFT_OUT,
            _ if lines.is_empty() && row.lacks.is_none() => HELD,
            _ => PARTLY,
        };
        lines.extend(row.lacks.iter().map(|lacks| format!("not shown: {lacks}")));
        Verdict { word, lines }
    }

    /// How a test of the table ended: with all its cases well, or whether it failed and why.
    fn one(&self, test: &Test) -> Result<(), (bool, String)> {
        if let Some(why) = self.left_out.get(test) {
            return Err((false, format!("left out: {why}")));
        }
        let ended: Vec<(&(String, String), bool)> = match test {
            Test::Rust { package, name } => {
                let is_it = |key: &(String, String)| key.0 == *package && names(&key.1, name);
                let cases = self.rust.iter().filter(|(key, _)| is_it(key));
                cases.map(|(key, passed)| (key, *passed)).collect()
            }
            Test::Interface { file, name } => {
                let is_it = |key: &(String, String)| key.0 == *file && key.1.contains(name);
                let cases = self.interface.iter().filter(|(key, _)| is_it(key));
                cases.map(|(key, passed)| (key, *passed)).collect()
            }
        };
        if ended.is_empty() {
            return Err((true, "no test of this name ran".to_owned()));
        }
        if let Some(((_, name), _)) = ended.iter().find(|(_, passed)| !passed) {
            return Err((true, format!("{name} failed")));
        }
        match ended.iter().find_map(|(key, _)| self.said.get(*key)) {
            Some(why) => Err((false, format!("left out: {why}"))),
            None => Ok(()),
        }
    }
}

/// Binary and name of the test that the line says has ended, and whether it passed.
fn ended(line: &str) -> Option<(&str, &str, bool)> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let word = status.split_whitespace().last()?;
    let is_failure =
        ["FAIL", "TIMEOUT", "ABORT", "LEAK-FAIL"].contains(&word) || word.starts_with("SIG");
    let passed = matches!(word, "PASS" | "LEAK");
    let (_, rest) = rest.split_once("] ").filter(|_| passed || is_failure)?;
    let rest = match rest.trim_start().strip_prefix('(') {
        Some(counted) => counted.split_once(')')?.1,
        None => rest,
    };
    let (binary, name) = rest.trim().split_once(' ')?;
    Some((binary, name.trim(), passed))
}

/// The package of a binary such as `kerf-store::it`.
fn of(binary: &str) -> String {
    binary.split("::").next().unwrap_or(binary).to_owned()
}

/// Whether a full name is the test, under more modules or as one of its cases.
fn names(full: &str, name: &str) -> bool {
    full.match_indices(name).any(|(at, _)| {
        let rest = &full[at + name.len()..];
        (at == 0 || full[..at].ends_with("::")) && (rest.is_empty() || rest.starts_with("::"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tests: &[&str], lacks: Option<&str>) -> Row {
        let tests = tests.iter().map(|text| {
            let (package, name) = text.split_once(' ').unwrap();
            match name.split_once(" | ") {
                Some((file, name)) => Test::Interface {
                    file: file.to_owned(),
                    name: name.to_owned(),
                },
                None => Test::Rust {
                    package: package.to_owned(),
                    name: name.to_owned(),
                },
            }
        });
        Row {
            id: "AB1".to_owned(),
            about: "an attack".to_owned(),
            tests: tests.collect(),
            lacks: lacks.map(str::to_owned),
            absent: None,
        }
    }

    #[test]
    fn rows_are_judged_by_what_the_runners_say() {
        let mut outcomes = Outcomes::default();
        for line in [
            "        PASS [   0.010s] ( 1/40) kerf-store::it open::a_new_database",
            "        FAIL [   0.010s] kerf-store::it open::bad",
            "  TRY 1 FAIL [   0.010s] ( 2/40) window-tests::it page::drop",
            "  TRY 2 PASS [   0.010s] ( 2/40) window-tests::it page::drop",
            "     SIGKILL [   0.010s] (3/4) kerf-store query::tests::is::case_2_x",
            "        PASS [   0.010s] (3/4) kerf-store query::tests::is::case_1",
            "        PASS [   0.010s] (3/4) kerf-store::it power",
            "  stderr ───",
            "    skipped 1: no root here",
            "        SLOW [> 60.000s] (4/4) kerf-store::it slow",
            "     Summary [   4.201s] 41 tests run: 38 passed (1 slow), 3 failed, 1 skipped",
            "test open::a_new_database ... ok",
        ] {
            outcomes.nextest(line);
        }
        for line in [
            "ok 1 - src/a.test.ts > the window > shows, and tells # time=3.00ms",
            "    not ok 2 - [chromium] src/a.test.ts > breaks # time=3.00ms",
            "ok 3 - src/a.test.ts > is left out # SKIP",
        ] {
            outcomes.tap(line);
        }
        assert_eq!(outcomes.count(), 8);
        for (tests, lacks, word) in [
            (&["kerf-store open::a_new_database"][..], None, HELD),
            (&["kerf-store a_new_database"], None, HELD),
            (&["kerf-store a_new_database"], Some("much"), PARTLY),
            (&["kerf-store a_new_data"], None, FAILED),
            (&["kerf-git a_new_database"], None, FAILED),
            (&["kerf-store open::bad"], None, FAILED),
            (&["window-tests page::drop"], None, HELD),
            (&["kerf-store tests::is"], None, FAILED),
            (&["kerf-store slow"], None, FAILED),
            (&["kerf-store power"], None, LEFT_OUT),
            (
                &["kerf-store power", "kerf-store a_new_database"],
                None,
                PARTLY,
            ),
            (&["ui src/a.test.ts | shows, and tells"], None, HELD),
            (&["ui src/a.test.ts | breaks"], None, FAILED),
            (&["ui src/a.test.ts | is left out"], None, FAILED),
        ] {
            assert_eq!(outcomes.of(&row(tests, lacks)).word, word, "{tests:?}");
        }
    }
}
