use crate::fixture::Fixture;
use git2::{Repository, WorktreeAddOptions};
use kerf_git::{GitError, Head, Repo};
use std::{fs, path::Path};

fn workdir_of(folder: &Path) -> Option<std::path::PathBuf> {
    Repo::discover(folder)
        .unwrap()
        .map(|repo| repo.workdir().to_owned())
}

#[test]
fn the_nearest_folder_with_a_git_folder_is_the_working_tree() {
    let fixture = Fixture::new();
    fixture.write("src/deep/a.txt", b"a");
    assert_eq!(workdir_of(&fixture.ws), Some(fixture.ws.clone()));
    assert_eq!(
        workdir_of(&fixture.ws.join("src/deep")),
        Some(fixture.ws.clone()),
        "a folder inside belongs to it"
    );
    assert_eq!(
        workdir_of(fixture.temp.path()),
        None,
        "the folder above does not"
    );

    fs::create_dir(fixture.ws.join("src/.git")).unwrap();
    assert_eq!(
        workdir_of(&fixture.ws.join("src/deep")),
        Some(fixture.ws.clone()),
        "an empty `.git` folder is no repository"
    );
}

#[test]
fn a_bare_repository_is_not_used() {
    let temp = tempfile::tempdir().unwrap();
    let bare = temp.path().join("docs/x.git");
    let git = Repository::init_bare(&bare).unwrap();
    git.config()
        .unwrap()
        .set_str("core.worktree", "..")
        .unwrap();
    git.config().unwrap().set_bool("core.bare", false).unwrap();
    for folder in ["docs", "docs/x.git", "docs/x.git/objects"] {
        assert_eq!(workdir_of(&temp.path().join(folder)), None, "{folder}");
    }

    let fixture = Fixture::new();
    Repository::init_bare(fixture.ws.join("docs/x.git")).unwrap();
    assert_eq!(
        workdir_of(&fixture.ws.join("docs/x.git")),
        Some(fixture.ws.clone()),
        "inside a repository an embedded one is plain files of the outer one"
    );

    let named_git = temp.path().join("bare-named/.git");
    Repository::init_bare(&named_git).unwrap();
    assert_eq!(
        workdir_of(&temp.path().join("bare-named")),
        None,
        "`core.bare` says that the folder is no working tree"
    );
}

#[test]
fn a_working_tree_elsewhere_is_not_taken_from_the_configuration() {
    let fixture = Fixture::new();
    let victim = fixture.temp.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fixture.append_config(&format!("[core]\n\tworktree = {}\n", victim.display()));
    assert_eq!(workdir_of(&fixture.ws), None);
    assert_eq!(workdir_of(&victim), None);

    fixture.append_config("[core]\n\tworktree = ../../ws\n");
    assert_eq!(
        workdir_of(&fixture.ws),
        Some(fixture.ws.clone()),
        "the last value counts, and it names the folder itself, relative to `.git`"
    );
}

#[test]
fn the_inside_of_the_git_folder_has_no_working_tree() {
    let fixture = Fixture::new();
    assert_eq!(workdir_of(&fixture.ws.join(".git")), None);
    assert_eq!(workdir_of(&fixture.ws.join(".git/refs")), None);
}

#[test]
fn linked_worktrees_have_their_own_head_and_index() {
    let fixture = Fixture::new();
    fixture.write("a.txt", b"one");
    fixture.stage(&["a.txt"]);
    let commit = fixture.commit("first");
    let linked = fixture.temp.path().canonicalize().unwrap().join("linked");
    fixture
        .git
        .worktree("topic", &linked, Some(&WorktreeAddOptions::new()))
        .unwrap();

    let repo = Repo::discover(&linked).unwrap().unwrap();
    assert_eq!(repo.workdir(), linked);
    let main = fixture.repo();
    assert_ne!(repo.git_dir(), main.git_dir());
    assert_eq!(repo.common_dir(), main.common_dir());
    assert_eq!(main.common_dir(), main.git_dir());
    assert_eq!(
        repo.head().unwrap(),
        Head {
            branch: Some("topic".into()),
            commit: Some(commit)
        }
    );
    assert!(repo.status().unwrap().is_empty());
    fs::write(linked.join("a.txt"), "two!").unwrap();
    assert_eq!(repo.status().unwrap().len(), 1);
    assert!(
        fixture.repo().status().unwrap().is_empty(),
        "the main one is apart"
    );

    fixture
        .git
        .config()
        .unwrap()
        .set_bool("core.bare", true)
        .unwrap();
    assert_eq!(workdir_of(&fixture.ws), None);
    assert_eq!(
        workdir_of(&linked),
        Some(linked),
        "worktrees of a bare repository are working trees"
    );
}

#[test]
fn a_git_file_that_leads_nowhere_is_a_typed_error() {
    for (text, reason) in [
        ("gitdir: ../gone", "not there"),
        ("gitdir: .", "not a repository"),
        ("hello", "does not say"),
        ("", "does not say"),
    ] {
        let outer = Fixture::new();
        let inner = outer.ws.join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join(".git"), text).unwrap();
        let error = Repo::discover(&inner).unwrap_err();
        assert!(
            matches!(error, GitError::Unusable { .. }),
            "{text:?}: {error}"
        );
        assert!(error.to_string().contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn unknown_formats_are_typed_errors() {
    for config in [
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n",
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefstorage = reftable\n",
        "[core]\n\trepositoryformatversion = 99\n",
        "[core\n",
    ] {
        let fixture = Fixture::new();
        fixture.append_config(config);
        let error = Repo::discover(&fixture.ws).unwrap_err();
        assert!(
            matches!(error, GitError::Unusable { .. }),
            "{config}: {error}"
        );
    }
}

#[test]
fn head_before_and_after_the_first_commit_and_detached() {
    let fixture = Fixture::new();
    fixture.git.set_head("refs/heads/feature/x").unwrap();
    let repo = fixture.repo();
    let branch = Some("feature/x".to_owned());
    assert_eq!(
        repo.head().unwrap(),
        Head {
            branch: branch.clone(),
            commit: None
        }
    );
    fixture.write("a", b"a");
    fixture.stage(&["a"]);
    let commit = fixture.commit("first");
    assert_eq!(
        repo.head().unwrap(),
        Head {
            branch,
            commit: Some(commit.clone())
        }
    );
    fixture
        .git
        .set_head_detached(commit.parse().unwrap())
        .unwrap();
    assert_eq!(
        repo.head().unwrap(),
        Head {
            branch: None,
            commit: Some(commit)
        }
    );
}

#[test]
fn a_repo_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Repo>();
}

#[cfg(unix)]
#[test]
fn a_repository_of_another_user_can_be_read() {
    let fixture = Fixture::new();
    fixture.write("a", b"content");
    fixture.stage(&["a"]);
    fixture.commit("first");
    for path in [
        fixture.ws.clone(),
        fixture.ws.join(".git"),
        fixture.ws.join(".git/config"),
    ] {
        // Only root may give files away; for everyone else there is nothing to try.
        if std::os::unix::fs::chown(path, Some(12_345), Some(12_345)).is_err() {
            return;
        }
    }
    let repo = fixture.repo();
    assert!(repo.head().unwrap().commit.is_some());
    assert_eq!(repo.status().unwrap(), []);
    assert_eq!(repo.index_entries(&fixture.ws).unwrap().len(), 1);
}
