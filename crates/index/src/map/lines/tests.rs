use super::*;
use proptest::prelude::*;

fn line(number: u32, kind: &'static str, text: &str, container: Option<usize>, rank: f64) -> Line {
    Line {
        number: (number > 0).then_some(number),
        kind,
        text: text.to_owned(),
        container,
        rank,
    }
}

fn parser() -> Shown {
    Shown {
        path: "src/parse.rs".to_owned(),
        rank: 0.6,
        lines: vec![
            line(3, "constant", "const MAX: u32 = 4;", None, -1.0),
            line(12, "struct", "pub struct Parser {", None, 0.3),
            line(13, "field", "    text: String,", Some(1), -1.7),
            line(0, "", "Parser", None, 0.0),
            line(20, "method", "    pub fn new() -> Self {", Some(3), -1.0),
            line(40, "method", "    pub fn next(&mut self) {", Some(3), 0.2),
            line(41, "function", "        fn inner() {", Some(5), 0.1),
            line(90, "function", "fn end() {", None, -1.0),
        ],
    }
}

fn main() -> Shown {
    Shown {
        path: "src/main.rs".to_owned(),
        rank: 0.1,
        lines: vec![line(1, "function", "fn main() {", None, -1.0)],
    }
}

fn rest() -> Rest {
    Rest {
        files: 5,
        definitions: 30,
        note: None,
    }
}

#[track_caller]
fn check(budget: usize, expected: &str) -> Written {
    let written = write(&[parser(), main()], &rest(), budget);
    assert_eq!(written.text, expected);
    written
}

#[test]
fn a_large_budget_has_everything() {
    let written = check(
        1_000,
        "\
src/parse.rs
  3 constant: const MAX: u32 = 4;
  12 struct: pub struct Parser {
    13 field: text: String,
  … Parser
    20 method: pub fn new() -> Self {
    40 method: pub fn next(&mut self) {
      41 function: fn inner() {
  90 function: fn end() {
src/main.rs
  1 function: fn main() {
Left out: 3 files and 22 definitions.
",
    );
    assert_eq!(written.files, 2);
    assert_eq!(
        written.ranges,
        [
            (0, 3, 3),
            (0, 12, 13),
            (0, 20, 20),
            (0, 40, 41),
            (0, 90, 90),
            (1, 1, 1)
        ]
    );
}

#[test]
fn what_is_left_out_is_marked() {
    let files = [parser()];
    let items: Vec<Item> = [1, 3, 5]
        .map(|line| Item {
            file: 0,
            line: Some(line),
        })
        .to_vec();
    let written = layout(&files, &items, &rest(), Ending::Told);
    assert_eq!(
        written.text,
        "\
src/parse.rs
  …
  12 struct: pub struct Parser {
  … Parser
    …
    40 method: pub fn next(&mut self) {
  …
Left out: 4 files and 28 definitions.
"
    );
}

#[test]
fn the_best_come_first_with_what_encloses_them() {
    let best = best_lines(&parser().lines);
    let (lines, referred): (Vec<usize>, Vec<bool>) = best.into_iter().unzip();
    assert_eq!(lines, [1, 3, 5, 6, 0, 4, 7, 2]);
    assert_eq!(
        referred,
        [true, true, true, true, false, false, false, false]
    );
}

#[test]
fn a_container_does_not_put_off_what_is_in_it() {
    let mut file = parser();
    // The method alone is referred to, and `impl Parser` comes with it.
    file.lines[1].rank = -1.0;
    let items = items(&[file, main()], true, 10_000);
    let order: Vec<_> = items.iter().map(|item| (item.file, item.line)).collect();
    assert_eq!(order[..3], [(0, None), (0, Some(3)), (0, Some(5))]);
}

#[test]
fn a_little_budget_names_files() {
    check(
        50,
        "src/parse.rs\nsrc/main.rs\nLeft out: 3 files and 30 definitions.\n",
    );
    check(14, "src/parse.rs\nLeft out: 4 files and 30 definitions.\n");
    check(
        6,
        "src/parse.rs\nsrc/main.rs\n"
            .split_inclusive('\n')
            .next()
            .unwrap(),
    );
    check(3, "");
    check(0, "");
}

#[test]
fn nothing_is_told_of_an_empty_folder() {
    let written = write(&[], &Rest::default(), 100);
    assert_eq!(written.text, "Left out: 0 files and 0 definitions.\n");
    assert_eq!(write(&[], &Rest::default(), 0).text, "");
}

#[test]
fn what_cannot_be_seen_is_told() {
    assert_eq!(
        shortened("  let a = \"\u{202e}\u{7}\\n\";\t// ä "),
        "let a = \"\\u{202e}\\u{7}\\n\"; // ä"
    );
    let long = "ä".repeat(121);
    assert_eq!(shortened(&long), format!("{}…", "ä".repeat(120)));
    assert_eq!(shortened(&long[2..]), "ä".repeat(120));
}

#[test]
fn definitions_of_one_line_are_told_once() {
    let mut file = main();
    file.lines
        .push(line(1, "function", "fn main() {", None, -1.0));
    let written = write(&[file], &rest(), 500);
    assert_eq!(
        written.text,
        "src/main.rs\n  1 function: fn main() {\nLeft out: 4 files and 28 definitions.\n"
    );
    assert_eq!(written.ranges, [(0, 1, 1)]);
}

fn files() -> impl Strategy<Value = Vec<Shown>> {
    let one = (
        1..400_u32,
        ".{0,200}",
        prop::option::of(any::<prop::sample::Index>()),
        -1.0..1.0_f64,
        any::<bool>(),
    );
    let file = (
        "[a-z/]{1,40}",
        0.0..1.0_f64,
        prop::collection::vec(one, 0..30),
    )
        .prop_map(|(path, rank, lines)| {
            let mut number = 0;
            let lines = lines.into_iter().enumerate().map(
                |(place, (more, text, container, rank, is_name))| {
                    number += more;
                    Line {
                        number: (!is_name).then_some(number),
                        kind: "function",
                        text,
                        container: container
                            .filter(|_| place > 0)
                            .map(|index| index.index(place.max(1))),
                        rank,
                    }
                },
            );
            Shown {
                path,
                rank,
                lines: lines.collect(),
            }
        });
    prop::collection::vec(file, 0..8).prop_map(|mut files| {
        files.sort_by(|one, other| other.rank.total_cmp(&one.rank));
        files
    })
}

proptest! {
    #[test]
    fn the_budget_holds_and_lines_are_whole(files in files(), budget in 0..3_000_usize) {
        let definitions = files.iter().flat_map(|file| &file.lines).filter(|line| line.number.is_some()).count();
        let rest = Rest { files: files.len(), definitions, note: Some("More.".to_owned()) };
        let written = write(&files, &rest, budget);
        prop_assert!(written.text.len() <= budget * TOKEN_BYTES);
        prop_assert!(written.text.is_empty() || written.text.ends_with('\n'));
        prop_assert_eq!(&write(&files, &rest, budget), &written);
        // Every line is one of a layout of everything, or a mark.
        let all: Vec<Item> = files.iter().enumerate().flat_map(|(file, shown)| {
            let lines = (0..shown.lines.len()).map(move |line| Item { file, line: Some(line) });
            std::iter::once(Item { file, line: None }).chain(lines)
        }).collect();
        let whole = layout(&files, &all, &rest, Ending::Told).text;
        let known: std::collections::HashSet<&str> = whole.lines().collect();
        for line in written.text.lines().filter(|line| !line.starts_with("Left out") && line.trim() != "…") {
            prop_assert!(known.contains(line), "{}", line);
        }
        // Only what is quoted is told, and in order.
        for (file, first, last) in &written.ranges {
            let numbers: Vec<u32> = files[*file].lines.iter().filter_map(|line| line.number).collect();
            prop_assert!(first <= last && numbers.contains(first) && numbers.contains(last));
        }
        if let Some(ending) = written.text.lines().last().filter(|line| line.starts_with("Left out")) {
            let left = format!("Left out: {} file", files.len() - written.files);
            prop_assert!(ending.starts_with(&left), "{}", ending);
        }
    }

    #[test]
    fn a_larger_budget_shows_no_less(files in files(), budget in 0..1_000_usize, more in 0..1_000_usize) {
        let rest = Rest { files: files.len(), ..Rest::default() };
        let (one, other) = (write(&files, &rest, budget), write(&files, &rest, budget + more));
        // Where definitions begin to be shown, files give way to them.
        if (budget < MIN_FOR_DEFINITIONS) == (budget + more < MIN_FOR_DEFINITIONS) && one.text.contains("Left") {
            prop_assert!(one.files <= other.files);
        }
    }
}
