//! Fixtures on disk.

use kerf_test_support::Fixture;
use std::path::Path;

const TEXT: &str = "//- /.gitignore\ntarget/\n//- /docs/a b.md crlf\n# hi\nthere\n//- /empty/\n//- /run.sh mode=755\necho\n\
                    //- /src/lib.rs\nfn main() {}\n";

#[test]
fn a_folder_is_made_and_shown() {
    let fixture = Fixture::new(TEXT);
    assert_eq!(fixture.tree(), TEXT);
    assert_eq!(fixture.read("docs/a b.md"), "# hi\r\nthere\r\n");
    fixture.write("src/new/deep.rs", "x");
    fixture.remove("docs");
    fixture.add("//- /src/lib.rs\nchanged\n");
    assert!(fixture.exists("src/new/deep.rs") && !fixture.exists("docs/a b.md"));
    let wanted = "//- /.gitignore\ntarget/\n//- /empty/\n//- /run.sh mode=755\necho\n//- /src/lib.rs\nchanged\n\
                  //- /src/new/deep.rs no_eol\nx\n";
    assert_eq!(fixture.tree(), wanted);
    let path = fixture.path().to_owned();
    drop(fixture);
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn links_may_lead_anywhere() {
    let text = "//- /dangling link=nowhere\n//- /inside link=a\n//- /out link=/etc\n";
    let fixture = Fixture::new(text);
    assert_eq!(fixture.tree(), text);
    assert!(fixture.exists("dangling"));
}

#[test]
fn repositories_are_the_same_every_time() {
    let made = || {
        let fixture = Fixture::new(TEXT).git();
        fixture.write("target/out", "ignored");
        fixture.write("src/lib.rs", "fn main() { }\n");
        fixture.remove("run.sh");
        let id = fixture.commit("Second");
        (fixture, id)
    };
    let ((fixture, id), (_, again)) = (made(), made());
    assert_eq!(id, again);
    assert!(!fixture.tree().contains(".git/"), "{}", fixture.tree());
    let repo = git2::Repository::open(fixture.path()).expect("a repository");
    assert_eq!(
        repo.head().expect("a head").name().ok(),
        Some("refs/heads/main")
    );
    let tree = repo
        .head()
        .and_then(|head| head.peel_to_tree())
        .expect("a tree");
    assert!(
        tree.get_path(Path::new("target/out")).is_err(),
        "ignored files are not committed"
    );
    assert!(
        tree.get_path(Path::new("run.sh")).is_err(),
        "deletions are committed"
    );
    let clean = repo.statuses(None).expect("a status");
    assert!(
        clean
            .iter()
            .all(|entry| entry.status() == git2::Status::IGNORED)
    );
}
