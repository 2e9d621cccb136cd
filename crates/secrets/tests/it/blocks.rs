//! Key blocks: whole, quoted, numbered, cut.

use crate::tokens::Random;
use kerf_secrets::{Vault, key_blocks};
use rstest::rstest;

const NAMES: [&str; 5] = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
];

fn block(name: &str) -> String {
    Random::new(name).key_block(name, 5)
}

/// The lines between the marks.
fn inside(block: &str) -> Vec<String> {
    let lines: Vec<&str> = block.lines().collect();
    lines[1..lines.len() - 1]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

fn each_line(block: &str, form: impl Fn(usize, &str) -> String) -> String {
    block
        .lines()
        .enumerate()
        .map(|(number, line)| form(number + 1, line) + "\n")
        .collect()
}

#[rstest]
#[case::as_it_is(|block: &str| format!("a\n{block}\nb\n"))]
#[case::numbered(|block: &str| each_line(block, |number, line| format!("{number}\t{line}")))]
#[case::search_hits(|block: &str| each_line(block, |number, line| format!("crates/demo/src/lib.rs-{number}- {line}")))]
#[case::added(|block: &str| each_line(block, |_, line| format!("+{line}")))]
#[case::removed(|block: &str| each_line(block, |_, line| format!("-{line}")))]
#[case::indented(|block: &str| each_line(block, |_, line| format!("      {line}")))]
#[case::json(|block: &str| format!("{{\"private_key\": \"{}\\n\"}}", block.replace('\n', "\\n")))]
#[case::json_in_json(|block: &str| format!("\"{{\\\"key\\\": \\\"{}\\\"}}\"", block.replace('\n', "\\\\n")))]
#[case::slashes_escaped(|block: &str| format!("{{\"k\":\"{}\"}}", block.replace('\n', "\\n").replace('/', "\\/")))]
#[case::joined_strings(|block: &str| each_line(block, |_, line| format!("  \"{line}\\n\" +")))]
#[case::windows_lines(|block: &str| block.replace('\n', "\r\n"))]
#[case::one_line(|block: &str| format!("KEY={}", block.replace('\n', " ")))]
fn no_line_of_a_key_leaves(#[case] form: fn(&str) -> String) {
    for name in NAMES {
        let block = block(name);
        let text = form(&block);
        let mut vault = Vault::new([7; 32]);
        let concealed = vault.conceal(&text).text.into_owned();
        for line in inside(&block) {
            for written in [line.replace('/', "\\/"), line] {
                assert!(!concealed.contains(&written), "{name}: {concealed}");
            }
        }
        assert_eq!(concealed.lines().count(), text.lines().count());
        assert!(concealed.contains(&format!("BEGIN {name}")), "{concealed}");
        assert_eq!(vault.restore(&concealed), text);
        assert_eq!(vault.conceal(&concealed).text, concealed);
    }
}

#[test]
fn numbers_and_signs_around_a_line_are_no_part_of_it() {
    let block = block("PRIVATE KEY");
    let mut vault = Vault::new([7; 32]);
    let plain = vault.conceal(&block).text.into_owned();
    let numbered = each_line(&block, |number, line| format!("{number}\t{line}"));
    let numbered = vault.conceal(&numbered).text.into_owned();
    for (plain, numbered) in plain.lines().zip(numbered.lines()) {
        assert_eq!(numbered.split_once('\t').unwrap().1, plain);
    }
}

#[test]
fn a_block_that_is_cut_is_concealed_as_far_as_it_is_there() {
    let block = block("RSA PRIVATE KEY");
    let lines: Vec<&str> = block.lines().collect();
    let cuts = [
        ("without its end", lines[..4].join("\n")),
        ("without its begin", lines[2..].join("\n")),
        (
            "with text behind",
            format!("{}\nfn main() {{}}\n", lines[..4].join("\n")),
        ),
        (
            "one line, cut",
            lines[..4].join("\\n") + "AbC9 … (700 more bytes in this line)",
        ),
    ];
    for (what, text) in cuts {
        let mut vault = Vault::new([7; 32]);
        let concealed = vault.conceal(&text).text.into_owned();
        for line in &inside(&block)[..] {
            assert!(!concealed.contains(line.as_str()), "{what}: {concealed}");
        }
        assert_eq!(vault.restore(&concealed), text, "{what}");
    }
}

#[test]
fn code_that_only_names_the_marks_is_left_alone() {
    for text in [
        "const BEGIN: &str = \"-----BEGIN PRIVATE KEY-----\";\nconst END: &str = \"-----END PRIVATE KEY-----\";\n",
        "if text.starts_with(\"-----BEGIN RSA PRIVATE KEY-----\") {\n    return parsePrivateKeyFromMemory(text, options);\n}\n",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
        "A file begins with -----BEGIN OPENSSH PRIVATE KEY----- and goes on.\n\nSee the manual.\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    ] {
        let mut vault = Vault::new([7; 32]);
        assert_eq!(vault.conceal(text).text, text);
    }
}

#[test]
fn blocks_are_told_by_their_place() {
    let block = block("PRIVATE KEY");
    let text = format!("first\n{block}\nlast\n");
    let [found] = &key_blocks(&text)[..] else {
        panic!("one block");
    };
    assert_eq!(text[found.range.clone()], block);
    assert!(key_blocks("-----BEGIN PRIVATE KEY-----\n").is_empty());
}
