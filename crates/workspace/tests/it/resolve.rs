use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use kerf_workspace::{PathError, RealFs, RelPath, Workspace};
use proptest::prelude::*;
use rstest::rstest;

/// A workspace that is called `/home/u/ws`, whatever folder is behind it.
fn at(root: &str) -> Workspace {
    let folder = std::env::temp_dir();
    Workspace::with_fs(
        PathBuf::from(root),
        Arc::new(RealFs::open(&folder).unwrap()),
    )
}

#[rstest]
#[case("src/main.rs", "src/main.rs")]
#[case("./src//main.rs", "src/main.rs")]
#[case("src/../main.rs", "main.rs")]
#[case("/home/u/ws/src/main.rs", "src/main.rs")]
#[case("/home/u/ws", ".")]
#[case("/home/u/other/../ws/a", "a")]
#[case("../ws/a", "a")]
#[case(".", ".")]
#[case("a/..", ".")]
#[case("./~backup", "~backup")]
#[case("a~", "a~")]
#[case("-rf", "-rf")]
#[case(" a ", " a ")]
#[cfg(unix)]
fn what_is_inside_is_found(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(
        at("/home/u/ws").resolve(text).unwrap().to_string(),
        expected
    );
}

#[rstest]
#[case("..")]
#[case("../x")]
#[case("a/../../x")]
#[case("/etc/passwd")]
#[case("/")]
#[case("/home/u")]
#[case("/home/u/ws-evil/a")]
#[case("../ws-evil/a")]
#[case("/home/u/wS/a")]
#[case("/home/u/ws/../../v/a")]
#[case("//server/share")]
#[cfg(unix)]
fn what_is_outside_is_refused(#[case] text: &str) {
    let result = at("/home/u/ws").resolve(text);
    assert!(
        matches!(result, Err(PathError::Outside { .. })),
        "{text}: {result:?}"
    );
}

#[test]
fn what_only_another_program_would_understand_is_refused() {
    let ws = at("/home/u/ws");
    assert_eq!(ws.resolve(""), Err(PathError::Empty));
    assert!(matches!(ws.resolve("a\0b"), Err(PathError::Nul { .. })));
    for text in ["~", "~/x", "~root/x"] {
        assert!(
            matches!(ws.resolve(text), Err(PathError::Home { .. })),
            "{text}"
        );
    }
    for text in [r"\\server\share\x", r"\\?\C:\x", r"\\.\pipe\x", r"\??\C:\x"] {
        assert!(
            matches!(ws.resolve(text), Err(PathError::Namespace { .. })),
            "{text}"
        );
    }
}

#[test]
fn a_message_names_the_path_and_the_way_out() {
    let error = at("/home/u/ws").resolve("../a\u{1b}b").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`../a\\u{1b}b` is outside the workspace `/home/u/ws`; only files inside it can be used"
    );
}

#[test]
#[cfg(unix)]
fn the_name_that_the_user_gave_the_folder_is_known_too() {
    let temp = tempfile::tempdir().unwrap();
    let real = temp.path().join("real");
    let given = temp.path().join("given");
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &given).unwrap();
    let ws = Workspace::open(&given).unwrap();
    assert_eq!(ws.root(), real.canonicalize().unwrap());
    for folder in [&given, &real.canonicalize().unwrap()] {
        let text = folder.join("a/b");
        assert_eq!(
            ws.resolve(text.to_str().unwrap()).unwrap().to_string(),
            "a/b"
        );
    }
}

/// What the path means by its names alone, without asking the disk.
fn lexical(root: &Path, text: &str) -> PathBuf {
    let mut stack: Vec<_> = Vec::new();
    for component in root.join(text).components() {
        match component {
            Component::Normal(name) => stack.push(name.to_owned()),
            Component::ParentDir => drop(stack.pop()),
            _ => {}
        }
    }
    Path::new("/").join(stack.iter().collect::<PathBuf>())
}

#[cfg(unix)]
proptest! {
    #[test]
    fn the_answer_is_the_lexical_one_or_a_refusal(
        parts in prop::collection::vec(prop::sample::select(
            &["..", ".", "a", "ws", "ws-evil", "u", "home", "", "/", "~", "..."][..]), 0..10),
    ) {
        let text = parts.join("/");
        let root = Path::new("/home/u/ws");
        let meant = lexical(root, &text);
        match at("/home/u/ws").resolve(&text) {
            Ok(rel) => {
                prop_assert_eq!(root.join(rel.as_path()).components().collect::<PathBuf>(), meant);
                prop_assert!(rel.names().all(|name| name != ".."));
            }
            Err(PathError::Outside { .. }) => prop_assert!(!meant.starts_with(root), "{} is inside", text),
            Err(PathError::Empty) => prop_assert!(text.is_empty()),
            Err(PathError::Home { .. }) => prop_assert!(text.starts_with('~')),
            Err(other) => prop_assert!(false, "{}: {}", text, other),
        }
    }

    #[test]
    fn no_text_leads_out(text in any::<String>()) {
        if let Ok(rel) = at("/home/u/ws").resolve(&text) {
            prop_assert!(RelPath::new(rel.as_path()).is_ok() || rel.is_root());
        }
    }
}
