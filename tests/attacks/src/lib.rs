//! The attacks and faults that Kerf must survive, and the tests that hold each: `table.txt` beside this crate, read.
//!
//! A row is an id and what it is about, and below it, indented, a line each: a test of Rust as
//! `PACKAGE MODULE::TEST`, a test of the interface as `ui FILE | NAME`, `lacks: …` for what of the row no test shows,
//! or `absent: …` when there is nothing in Kerf to attack. Empty lines and lines with `#` at their start say nothing.
//!
//! It runs nothing: `cargo xtask attacks` does, and `tests/tidy` holds that each test is there. The standard library
//! alone, so that both can read it. Start with [`rows`].

/// The table as it is written.
pub const TABLE: &str = include_str!("../table.txt");

/// One attack or fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name, as `SB1`: a group and a number.
    pub id: String,
    /// What it is about, in a few words.
    pub about: String,
    /// What holds it.
    pub tests: Vec<Test>,
    /// What of it no test shows; several lines are joined.
    pub lacks: Option<String>,
    /// Why there is nothing of Kerf's to attack, or no way to try it.
    pub absent: Option<String>,
}

/// One test, or a test with all its cases.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    /// A test function.
    Rust {
        /// Its package.
        package: String,
        /// Its name with as many of the modules before it as tell it apart.
        name: String,
    },
    /// A test of the interface, in `src` by itself or in `e2e` around the engine.
    Interface {
        /// Its file below `ui`.
        file: String,
        /// Its name, or the beginning that all its cases share.
        name: String,
    },
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rust { package, name } => write!(f, "{package} {name}"),
            Self::Interface { file, name } => write!(f, "ui {file} | {name}"),
        }
    }
}

/// All rows, in the order of the table.
///
/// # Errors
/// The line that is not understood, with its number.
pub fn rows() -> Result<Vec<Row>, String> {
    read(TABLE)
}

fn read(table: &str) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    for (number, line) in table.lines().enumerate() {
        let wrong = |why: &str| format!("line {}: {why}: {line}", number + 1);
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            let (id, about) = text.split_once(' ').ok_or_else(|| wrong("an id alone"))?;
            if !is_id(id) || rows.iter().any(|row| row.id == id) {
                return Err(wrong("no new id"));
            }
            rows.push(Row {
                id: id.to_owned(),
                about: about.trim().to_owned(),
                tests: Vec::new(),
                lacks: None,
                absent: None,
            });
            continue;
        }
        let row = rows.last_mut().ok_or_else(|| wrong("no row above"))?;
        if let Some(lacks) = text.strip_prefix("lacks: ") {
            add(&mut row.lacks, lacks);
        } else if let Some(absent) = text.strip_prefix("absent: ") {
            add(&mut row.absent, absent);
        } else {
            row.tests.push(test(text).ok_or_else(|| wrong("no test"))?);
        }
    }
    let wrong = |row: &&Row| row.tests.is_empty() != row.absent.is_some();
    match rows.iter().find(wrong) {
        Some(row) => Err(format!(
            "{} has both or neither of tests and `absent`",
            row.id
        )),
        None => Ok(rows),
    }
}

fn add(to: &mut Option<String>, more: &str) {
    match to {
        Some(text) => {
            text.push_str("; ");
            text.push_str(more);
        }
        None => *to = Some(more.to_owned()),
    }
}

fn is_id(text: &str) -> bool {
    let digits = text.trim_start_matches(|char: char| char.is_ascii_uppercase());
    text.len() == digits.len() + 2
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn test(text: &str) -> Option<Test> {
    let (first, rest) = text.split_once(' ')?;
    if first == "ui" {
        let (file, name) = rest.split_once(" | ")?;
        return Some(Test::Interface {
            file: file.to_owned(),
            name: name.to_owned(),
        });
    }
    let is_name = rest
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    is_name.then(|| Test::Rust {
        package: first.to_owned(),
        name: rest.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_whole() {
        let rows = rows().unwrap();
        let groups = [
            ("SB", 22),
            ("GT", 10),
            ("FS", 13),
            ("UI", 10),
            ("TA", 5),
            ("MC", 10),
            ("SE", 7),
            ("DB", 7),
            ("IX", 3),
            ("NW", 6),
            ("PR", 5),
        ];
        let wanted: Vec<String> = groups
            .iter()
            .flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}{number}")))
            .collect();
        let found: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn each_line_has_its_meaning() {
        let rows = read(
            "# why\nAB1 an attack\n  a b::c\n  ui src/x.test.ts | does | it\n  lacks: one\n  lacks: two\n\nAB2 another\n  absent: no\n",
        )
        .unwrap();
        assert_eq!(rows[0].lacks.as_deref(), Some("one; two"));
        let tests: Vec<String> = rows[0].tests.iter().map(Test::to_string).collect();
        assert_eq!(tests, ["a b::c", "ui src/x.test.ts | does | it"]);
        assert_eq!(rows[1].absent.as_deref(), Some("no"));
        for wrong in [
            "  a b\n",
            "AB1\n",
            "AB x\n  a b\n",
            "AB1 x\n  a b\nAB1 y\n  a b\n",
            "AB1 x\n",
            "AB1 x\n  a b\n  absent: c\n",
            "AB1 x\n  a b(c)\n",
            "AB1 x\n  ui src/x.test.ts\n",
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
