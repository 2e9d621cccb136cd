//! The patch format: tables of cases in `tests/patches`, and properties over random files and changes.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use crate::tree;
use kerf_workspace::{
    Workspace,
    patch::{PatchError, parse_patch, plan_patch},
    write::write_all,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, path::Path};

type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
struct Case {
    name: String,
    before: Files,
    patch: String,
    after: Files,
    error: Option<String>,
}

#[rstest::rstest]
#[case::format("format.txt", 32)]
#[case::matching("matching.txt", 28)]
#[case::line_ends("line_ends.txt", 7)]
#[case::files("files.txt", 18)]
fn cases(#[case] file: &str, #[case] count: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/patches");
    let cases = parse_cases(&fs::read_to_string(folder.join(file)).unwrap());
    assert_eq!(
        cases.len(),
        count,
        "{file} has this many cases, so that none gets lost by a wrong mark"
    );
    let failures: Vec<String> = cases.iter().filter_map(|case| run(case).err()).collect();
    assert!(failures.is_empty(), "{file}:\n{}", failures.join("\n"));
}

fn run(case: &Case) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    tree::write(dir.path(), &case.before);
    let result = apply(dir.path(), &case.patch);
    let found = tree::read(dir.path());
    let wanted = if case.error.is_some() {
        &case.before
    } else {
        &case.after
    };
    let shown = |files: &Files| -> Vec<String> {
        files
            .iter()
            .map(|(path, bytes)| format!("{path}: {:?}", String::from_utf8_lossy(bytes)))
            .collect()
    };
    match (&case.error, &result) {
        (None, Err(error)) => return Err(format!("- {}: {error}", case.name)),
        (Some(wanted), Ok(())) => {
            return Err(format!("- {}: no error, wanted {wanted}", case.name));
        }
        (Some(wanted), Err(error)) => {
            if let Some(part) = wanted.lines().find(|part| !error.contains(part)) {
                return Err(format!("- {}: `{part}` is not in: {error}", case.name));
            }
        }
        (None, Ok(())) => {}
    }
    if found != *wanted {
        return Err(format!(
            "- {}: found {:?}, wanted {:?}",
            case.name,
            shown(&found),
            shown(wanted)
        ));
    }
    Ok(())
}

fn apply(root: &Path, patch: &str) -> Result<(), String> {
    let ws = Workspace::open(root).unwrap();
    let told = |error: PatchError| error.to_string();
    let writes = plan_patch(&ws, &parse_patch(patch).map_err(told)?).map_err(told)?;
    write_all(&ws, &writes)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn parse_cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for block in text.split("\n##### ").skip(1) {
        let (name, parts) = block.split_once('\n').unwrap();
        let mut case = Case {
            name: name.to_owned(),
            ..Case::default()
        };
        for part in format!("\n{parts}").split("\n=== ").skip(1) {
            let (kind, content) = part.split_once('\n').unwrap_or((part, ""));
            // A case ends with a blank line, which is not a part of it.
            let content = if parts.ends_with(part) {
                content.trim_end_matches('\n')
            } else {
                content
            };
            let content = content
                .replace("<CR>", "\r")
                .replace("<TAB>", "\t")
                .replace("<SP>", " ");
            let text = match content.strip_suffix("<NO NEWLINE>") {
                Some(text) => text.to_owned(),
                None if content.is_empty() => content,
                None => content + "\n",
            };
            match kind.split_once(": ") {
                Some(("before", path)) => {
                    drop(case.before.insert(path.to_owned(), text.into_bytes()))
                }
                Some(("after", path)) => {
                    drop(case.after.insert(path.to_owned(), text.into_bytes()))
                }
                None if kind == "patch" => case.patch = text,
                None if kind == "error" => case.error = Some(text),
                _ => panic!("{name}: unknown part {kind}"),
            }
        }
        cases.push(case);
    }
    cases
}

#[test]
fn binary_files_are_deleted_but_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), b"x\n\0\n").unwrap();
    let error = apply(
        dir.path(),
        "*** Begin Patch\n*** Update File: a\n-x\n*** End Patch",
    )
    .unwrap_err();
    assert!(
        error.contains("patch line 2: `a` cannot be patched: the file is binary"),
        "{error}"
    );
    apply(
        dir.path(),
        "*** Begin Patch\n*** Delete File: a\n*** End Patch",
    )
    .unwrap();
    assert!(tree::read(dir.path()).is_empty());
}

#[test]
fn absolute_paths_inside_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("a");
    apply(
        dir.path(),
        &format!(
            "*** Begin Patch\n*** Add File: {}\n+x\n*** End Patch",
            path.display()
        ),
    )
    .unwrap();
    assert_eq!(fs::read(path).unwrap(), b"x\n");
}

/// Only the changed line is written anew, in the encoding of the file.
#[rstest::rstest]
#[case::windows_1252(b"caf\xE9\nb\n\x93q\x94\n", "caf\u{e9}", "b", "\u{20ac}", Ok(b"caf\xE9\n\x80\n\x93q\x94\n".as_slice()))]
#[case::utf8_bom(b"\xEF\xBB\xBFa\r\nb\r\n", "a", "b", "c", Ok(b"\xEF\xBB\xBFa\r\nc\r\n".as_slice()))]
#[case::utf16(b"\xFF\xFEa\0\n\0b\0", "a", "b", "c", Ok(b"\xFF\xFEa\0\n\0c\0\n\0".as_slice()))]
#[case::not_in_it(
    b"caf\xE9\nb\n",
    "caf\u{e9}",
    "b",
    "\u{2192}",
    Err("`\u{2192}` (U+2192) on line 2 cannot be written in Windows-1252")
)]
fn encodings(
    #[case] before: &[u8],
    #[case] context: &str,
    #[case] old: &str,
    #[case] new: &str,
    #[case] wanted: Result<&[u8], &str>,
) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, before).unwrap();
    let patch = format!(
        "*** Begin Patch\n*** Update File: a\n@@\n {context}\n-{old}\n+{new}\n*** End Patch"
    );
    match (apply(dir.path(), &patch), wanted) {
        (Ok(()), Ok(after)) => assert_eq!(fs::read(&path).unwrap(), after),
        (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
        (found, _) => panic!("{found:?}"),
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_not_changed_and_a_move_keeps_the_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("run"), "x\n").unwrap();
    fs::set_permissions(dir.path().join("run"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("run", dir.path().join("link")).unwrap();
    for patch in ["*** Update File: link\n-x\n+y", "*** Delete File: link"] {
        let error = apply(
            dir.path(),
            &format!("*** Begin Patch\n{patch}\n*** End Patch"),
        )
        .unwrap_err();
        assert!(error.contains("`link` is a symbolic link"), "{error}");
    }
    apply(
        dir.path(),
        "*** Begin Patch\n*** Update File: run\n*** Move to: ran\n-x\n+y\n*** End Patch",
    )
    .unwrap();
    assert_eq!(
        fs::metadata(dir.path().join("ran"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o750
    );
}

/// What happens to one line of a file.
#[derive(Clone, Debug)]
enum Change {
    Keep,
    Remove,
    Replace(u8),
    Below(u8),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        5 => Just(Change::Keep),
        1 => Just(Change::Remove),
        1 => (1..3u8).prop_map(Change::Replace),
        1 => (1..3u8).prop_map(Change::Below),
    ];
    prop::collection::vec(change, 1..40)
}

/// The patch for `changes` on lines `line 0`, `line 1` …, with `context` lines of context, and the lines after it.
fn patch_for(changes: &[Change], context: usize) -> (String, Vec<String>) {
    let mut marked: Vec<String> = Vec::new();
    for (nth, change) in changes.iter().enumerate() {
        let new = |count: u8| (0..count).map(move |new| format!("+new {nth} {new}"));
        match change {
            Change::Keep => marked.push(format!(" line {nth}")),
            Change::Remove => marked.push(format!("-line {nth}")),
            Change::Replace(count) => {
                marked.push(format!("-line {nth}"));
                marked.extend(new(*count));
            }
            Change::Below(count) => {
                marked.push(format!(" line {nth}"));
                marked.extend(new(*count));
            }
        }
    }
    let after = marked
        .iter()
        .filter(|line| !line.starts_with('-'))
        .map(|line| line[1..].to_owned())
        .collect();
    let near = |at: usize| {
        let range = at.saturating_sub(context)..marked.len().min(at + context + 1);
        marked[range].iter().any(|line| !line.starts_with(' '))
    };
    let mut patch = "*** Begin Patch\n*** Update File: a\n".to_owned();
    let mut open = false;
    for (at, line) in marked.iter().enumerate() {
        if near(at) {
            patch.push_str(if open { "" } else { "@@\n" });
            patch.push_str(line);
            patch.push('\n');
        }
        open = near(at);
    }
    (patch + "*** End Patch\n", after)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_made_from_a_change_makes_that_change(
        changes in changes(),
        context in 1..4usize,
        ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        final_newline in any::<bool>(),
    ) {
        prop_assume!(changes.iter().any(|change| !matches!(change, Change::Keep)));
        let dir = tempfile::tempdir().unwrap();
        let before: Vec<String> = (0..changes.len()).map(|nth| format!("line {nth}")).collect();
        let last_kept = matches!(changes.last(), Some(Change::Keep));
        let text = |lines: &[String], newline: bool| {
            lines.join(ending) + if newline && !lines.is_empty() { ending } else { "" }
        };
        // A single line without an end tells no line ending.
        prop_assume!(final_newline || changes.len() > 1);
        fs::write(dir.path().join("a"), text(&before, final_newline)).unwrap();
        let (patch, after) = patch_for(&changes, context);
        apply(dir.path(), &patch).map_err(TestCaseError::fail)?;
        let after = text(&after, final_newline || !last_kept);
        prop_assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), after);
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        text in "(\\*\\*\\* (Begin Patch|End Patch|Add File: a|Update File: a|Delete File: a|Move to: b|End of File)|@@| x|[-+]y|<<EOF|EOF|\r|\n){0,30}",
    ) {
        let patch = format!("*** Begin Patch\n{text}\n*** End Patch");
        for text in [&text, &patch] {
            if let Err(error) = parse_patch(text) {
                prop_assert!(error.to_string().starts_with("patch line "));
            }
        }
    }

    #[test]
    fn no_change_makes_matching_panic(file in "([ab ]{0,2}(\n|\r\n|\r)?){0,8}", change in "([-+ ][ab ]{0,2}\n|@@\n|@@ a\n|\\*\\*\\* End of File\n){1,8}") {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), &file).unwrap();
        let patch = format!("*** Begin Patch\n*** Update File: a\n@@\n{change}*** End Patch");
        if apply(dir.path(), &patch).is_err() {
            prop_assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), file);
        }
    }
}
