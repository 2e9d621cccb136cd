use super::*;
use std::os::unix::fs::symlink;

#[test]
fn it_finds_what_matters_and_forgets_what_went() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().canonicalize().unwrap().join("ws");
    for folder in [
        ".git/hooks",
        "a/b/.git",
        "target/x/.git",
        "node_modules/y/.git",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("a/worktree"), "").unwrap();
    fs::create_dir(root.join("c")).unwrap();
    fs::write(root.join("c/.git"), "gitdir: ../x").unwrap();
    fs::write(base.path().join("key"), "secret").unwrap();
    fs::hard_link(base.path().join("key"), root.join("a/key")).unwrap();
    fs::write(root.join("one"), "").unwrap();
    fs::hard_link(root.join("one"), root.join("a/two")).unwrap();
    symlink("/etc", root.join("a/out")).unwrap();

    let mut survey = Survey::default();
    for _ in 0..2 {
        let found = survey.look(&root, None, 0);
        assert_eq!(
            found.repositories.into_keys().collect::<Vec<_>>(),
            [".git", "a/b/.git", "c/.git"].map(|name| root.join(name))
        );
        assert_eq!(
            found.shared,
            [root.join("a/key")],
            "both names of `one` are inside"
        );
        assert_eq!(
            found.links,
            [(root.join("a/out"), "/etc".into())].into_iter().collect()
        );
    }
    fs::remove_dir_all(root.join("a")).unwrap();
    fs::create_dir_all(root.join("d/.git")).unwrap();
    let found = survey.look(&root, None, 0);
    assert!(found.repositories.contains_key(&root.join("d/.git")));
    assert!(found.links.is_empty() && found.repositories.len() == 3);
    assert_eq!(found.shared, Vec::<PathBuf>::new());
}

/// Builds link files in great numbers, and none of them must be taken for one with a name outside.
#[test]
fn what_is_too_much_to_see_is_not_guessed() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().canonicalize().unwrap();
    for folder in ["a", "b"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    for number in 0..=NOTED {
        let [one, two] = ["a", "b"].map(|folder| root.join(folder).join(number.to_string()));
        fs::write(&one, "").unwrap();
        fs::hard_link(one, two).unwrap();
    }
    assert_eq!(
        Survey::default().look(&root, None, 0).shared,
        Vec::<PathBuf>::new()
    );
}

#[test]
fn a_folder_without_news_is_not_read_again() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().canonicalize().unwrap();
    let mut survey = Survey::default();
    survey.look(&root, None, 0);
    let known = survey.folders.get_mut(&root).unwrap();
    let meta = root.metadata().unwrap();
    known.changed = Some((meta.ctime(), meta.ctime_nsec()));
    known.repository = Some(Identity {
        id: (1, 2),
        kind: meta.file_type(),
        made: None,
    });
    assert_eq!(
        survey.look(&root, None, 0).repositories.len(),
        1,
        "it was read again"
    );
    fs::create_dir(root.join("new")).unwrap();
    let changed = root.metadata().unwrap();
    if (changed.ctime(), changed.ctime_nsec()) != (meta.ctime(), meta.ctime_nsec()) {
        assert_eq!(survey.look(&root, None, 0).repositories.len(), 0);
    }
}

/// Withholds what its names end with, and counts how often it is asked.
#[derive(Debug, Default)]
struct Ends {
    end: &'static str,
    asked: std::sync::atomic::AtomicUsize,
}

impl Withhold for Ends {
    fn version(&self) -> Option<u64> {
        Some(self.end.bytes().map(u64::from).sum())
    }

    fn withholds(&self, path: &Path, _is_dir: bool) -> bool {
        self.asked
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        path.to_string_lossy().ends_with(self.end)
    }

    fn names(&self, _folder: &Path, name: &str) -> bool {
        name == "target"
    }

    fn places(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// What is withheld, by paths from the root, and how often somebody was asked.
fn withheld(survey: &mut Survey, root: &Path, end: &'static str) -> (Vec<String>, usize) {
    let ends = Ends {
        end,
        ..Ends::default()
    };
    let mut found = survey.look(root, Some(&ends), 0).withheld;
    found.sort();
    let inside = |path: &PathBuf| path.strip_prefix(root).unwrap().display().to_string();
    (found.iter().map(inside).collect(), ends.asked.into_inner())
}

/// Waits until changes of now and changes to come have different times.
pub(in crate::guard) fn settle(root: &Path) {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let meta = folder.metadata().unwrap();
        while !is_settled((meta.ctime(), meta.ctime_nsec())) {
            std::thread::yield_now();
        }
        let entries = fs::read_dir(folder).unwrap().flatten();
        folders.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.is_dir()),
        );
    }
}

#[test]
fn only_what_is_new_is_asked_about() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().canonicalize().unwrap();
    for folder in ["a/b", "all", "target/deep", "node_modules/x", "c.key"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for number in 0..ALL {
        fs::write(root.join(format!("all/{number}.key")), "").unwrap();
    }
    let files = [
        "a/b/1.key",
        "a/2.pem",
        "target/deep/3.key",
        "node_modules/x/4.key",
        "c.key/5",
    ];
    for file in files {
        fs::write(root.join(file), "").unwrap();
    }
    symlink("a/2.pem", root.join("link.key")).unwrap();
    settle(&root);
    let mut survey = Survey::default();
    let keys = ["a/2.pem", "a/b/1.key", "all", "c.key", "target/deep/3.key"];
    let keys = keys.map(str::to_owned).to_vec();
    let (found, asked) = withheld(&mut survey, &root, ".key");
    assert_eq!(found, keys);
    assert!(asked > ALL);
    // A look in between that asks nothing forgets nothing.
    survey.look(&root, None, 0);
    assert_eq!(withheld(&mut survey, &root, ".key"), (keys.clone(), 0));
    // What is new in one folder is asked about with that folder alone.
    fs::write(root.join("a/b/new.key"), "").unwrap();
    survey.look(&root, None, 0);
    let (found, asked) = withheld(&mut survey, &root, ".key");
    assert!(found.contains(&"a/b/new.key".to_owned()), "{found:?}");
    assert_eq!(asked, 2);
    // Other rules ask about everything.
    let (found, asked) = withheld(&mut survey, &root, ".pem");
    assert_eq!(found, ["a/2.pem"]);
    assert!(asked > ALL);
}

#[test]
fn below_a_rule_file_that_changed_everything_is_asked_about_anew() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().canonicalize().unwrap();
    for folder in ["a/b/c", "a/target/deep", "d"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("a/.kerfignore"), "x").unwrap();
    settle(&root);
    let mut survey = Survey::default();
    withheld(&mut survey, &root, ".key");
    assert_eq!(withheld(&mut survey, &root, ".key").1, 0);
    // In its place: no folder changes.
    fs::write(root.join("a/.kerfignore"), "xy").unwrap();
    // `.kerfignore`, `b` and `target`, and `c` and `deep` below.
    assert_eq!(withheld(&mut survey, &root, ".key").1, 5);
    fs::remove_file(root.join("a/.kerfignore")).unwrap();
    assert_eq!(withheld(&mut survey, &root, ".key").1, 4);
}

/// A look after a command asks nobody, and goes into no folder of tools.
#[test]
fn a_rule_file_that_is_replaced_during_a_command_counts_below_it_for_the_next() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().canonicalize().unwrap();
    for folder in ["a/b", "target/deep"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join(".kerfignore"), "x").unwrap();
    settle(&root);
    let mut survey = Survey::default();
    withheld(&mut survey, &root, ".key");
    assert_eq!(withheld(&mut survey, &root, ".key").1, 0);
    // As an editor saves it: the folder changes too.
    fs::write(root.join("new"), "xy").unwrap();
    fs::rename(root.join("new"), root.join(".kerfignore")).unwrap();
    survey.look(&root, None, 0);
    // `.kerfignore`, `a` and `target`, and `b` and `deep` below.
    assert_eq!(withheld(&mut survey, &root, ".key").1, 5);
    settle(&root);
    withheld(&mut survey, &root, ".key");
    fs::remove_file(root.join(".kerfignore")).unwrap();
    for _ in 0..2 {
        survey.look(&root, None, 0);
    }
    assert_eq!(withheld(&mut survey, &root, ".key").1, 4);
}

#[test]
fn other_rules_elsewhere_ask_about_everything() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("a/b")).unwrap();
    settle(&root);
    let mut survey = Survey::default();
    let mut asked = |elsewhere| {
        let ends = Ends {
            end: ".key",
            ..Ends::default()
        };
        survey.look(&root, Some(&ends), elsewhere);
        ends.asked.into_inner()
    };
    assert_eq!([asked(1), asked(1), asked(2), asked(2)], [2, 0, 2, 0]);
}
