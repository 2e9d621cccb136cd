//! What a job withholds from its command.

use crate::room::{Room, snapshot};
use kerf_protocol::policy::SandboxMode::{self, ReadOnly, WorkspaceWrite};
use kerf_sandbox::{Job, Lent, SandboxError, Withheld, Withhold};
use rstest::rstest;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

const CANARY: &str = "canary";

/// Withholds what ends with `.priv`, what a line of the root's `.kerfignore` names, and a place.
#[derive(Debug, Clone)]
struct Names {
    root: PathBuf,
    place: PathBuf,
}

impl Withhold for Names {
    fn version(&self) -> Option<u64> {
        None
    }

    fn withholds(&self, path: &Path, _is_dir: bool) -> bool {
        let name = path.file_name().unwrap().to_str().unwrap();
        let lines = fs::read_to_string(self.root.join(".kerfignore")).unwrap_or_default();
        name.ends_with(".priv") || lines.lines().any(|line| line == name)
    }

    fn names(&self, _folder: &Path, name: &str) -> bool {
        name == "target"
    }

    fn places(&self) -> Vec<PathBuf> {
        vec![self.place.clone()]
    }
}

fn names(root: PathBuf) -> Withheld {
    let place = root.join("../ws-evil/place");
    let by = Arc::new(Names {
        root: root.clone(),
        place,
    });
    Withheld { root, by }
}

/// A job that withholds in the workspace, and sees the folder beside it.
fn job(room: &Room, mode: SandboxMode, line: &str) -> Job {
    Job {
        writable: vec![room.base().join("ws-evil")],
        withheld: vec![names(room.workspace())],
        ..room.job(mode, line)
    }
}

async fn says(room: &Room, mode: SandboxMode, line: &str) -> String {
    let outcome = room.try_run(job(room, mode, line)).await.unwrap();
    outcome.output.to_text()
}

fn put(room: &Room, name: &str, text: &str) {
    let path = room.workspace().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn room() -> Option<Room> {
    let room = Room::new();
    room.is_full().then_some(room)
}

#[rstest]
#[case::a_file("cat sub/key.priv")]
#[case::a_folder("ls dir.priv; cat dir.priv/deep/file; cd dir.priv")]
#[case::everything(
    "grep -ra canary . ../ws-evil/place; tar c . | grep -a canary; find . -type f -exec cat {} +"
)]
#[case::through_a_link("cat link; cat linked/file")]
#[case::a_new_link("ln -s sub/key.priv new; cat new; rm -f new; ln sub/key.priv hard; cat hard")]
#[case::moved("mv sub/key.priv x; cat x; cp sub/key.priv y; cat y")]
#[case::a_folder_moved("mv dir.priv x; cat x/deep/file; mv sub x; cat x/key.priv")]
#[case::permissions("chmod 777 sub/key.priv dir.priv; cat sub/key.priv dir.priv/deep/file")]
#[case::written(
    "echo x > sub/key.priv; echo x >> sub/key.priv; echo x > dir.priv/new; rm -rf sub/key.priv dir.priv"
)]
#[case::mounts(
    "umount sub/key.priv dir.priv; cat /proc/self/root$PWD/sub/key.priv /proc/1/cwd/sub/key.priv"
)]
#[case::its_rules(
    "rm -f .kerfignore; mv .kerfignore x; echo > .kerfignore; cat .kerfignore; cat named"
)]
#[case::of_tools("cat target/keys/key.priv")]
#[case::a_place_elsewhere("cat ../ws-evil/place/file; ls ../ws-evil/place")]
#[case::behind_a_withheld_link("cat real")]
#[tokio::test]
async fn it_is_neither_read_nor_changed(
    #[case] line: &str,
    #[values(ReadOnly, WorkspaceWrite)] mode: SandboxMode,
) {
    let Some(room) = room() else { return };
    for name in [
        "sub/key.priv",
        "dir.priv/deep/file",
        "target/keys/key.priv",
        "named",
        "real",
        "../ws-evil/place/file",
    ] {
        put(&room, name, CANARY);
    }
    put(&room, ".kerfignore", "named\n");
    put(&room, "sub/open", "open");
    symlink("sub/key.priv", room.workspace().join("link")).unwrap();
    symlink("dir.priv/deep", room.workspace().join("linked")).unwrap();
    symlink("real", room.workspace().join("link.priv")).unwrap();
    let before = snapshot(&room.base());
    let said = says(
        &room,
        mode,
        &format!("{{ {line}; }} 2>&1; cat sub/open; true"),
    )
    .await;
    assert!(!said.contains(CANARY), "{said}");
    assert!(said.ends_with("open"), "{said}");
    assert_eq!(snapshot(&room.base()), before, "{said}");
}

#[tokio::test]
async fn it_is_told_that_it_may_not_and_what_is_withheld() {
    let Some(room) = room() else { return };
    put(&room, "key.priv", CANARY);
    put(&room, "dir.priv/file", CANARY);
    let outcome = room.try_run(job(
        &room,
        WorkspaceWrite,
        "cat key.priv; ls dir.priv; echo x > key.priv",
    ));
    let outcome = outcome.await.unwrap();
    let said = outcome.output.to_text();
    assert_eq!(
        said.matches("ermission denied").count() + said.matches("ead-only").count(),
        3,
        "{said}"
    );
    let withheld = ["dir.priv", "key.priv"].map(|name| room.workspace().join(name));
    assert_eq!(outcome.withheld, withheld);
    let background = room
        .sandbox
        .start(job(&room, WorkspaceWrite, "cat key.priv"));
    let background = background.await.unwrap();
    assert_eq!(background.withheld(), withheld);
    background.wait().await;
}

/// One sandbox, which remembers what it has seen.
#[tokio::test]
async fn what_appears_or_is_named_between_two_commands_is_withheld_from_the_second() {
    let Some(room) = room() else { return };
    put(&room, "sub/named", CANARY);
    put(&room, ".kerfignore", "other\n");
    let look = "cat sub/named sub/new.priv 2> /dev/null";
    assert_eq!(says(&room, WorkspaceWrite, look).await, CANARY);
    put(&room, "sub/new.priv", CANARY);
    assert_eq!(says(&room, WorkspaceWrite, look).await, CANARY);
    put(&room, ".kerfignore", "named\n");
    assert_eq!(says(&room, WorkspaceWrite, look).await, "");
    put(&room, ".kerfignore", "");
    fs::remove_file(room.workspace().join("sub/new.priv")).unwrap();
    assert_eq!(says(&room, WorkspaceWrite, look).await, CANARY);
    // What a command makes itself it can read, and the next one cannot.
    let made = says(&room, WorkspaceWrite, "echo made > own.priv; cat own.priv").await;
    assert_eq!(made, "made\n");
    assert_eq!(says(&room, ReadOnly, "cat own.priv 2> /dev/null").await, "");
}

/// A name that the file has elsewhere is another name.
#[tokio::test]
async fn another_hard_link_is_another_file_name() {
    let Some(room) = room() else { return };
    put(&room, "key.priv", CANARY);
    fs::hard_link(
        room.workspace().join("key.priv"),
        room.workspace().join("twin"),
    )
    .unwrap();
    let said = says(&room, WorkspaceWrite, "cat key.priv 2> /dev/null; cat twin").await;
    assert_eq!(said, CANARY);
}

#[tokio::test]
async fn it_is_withheld_in_another_folder_too_and_where_that_is_lent() {
    let Some(room) = room() else { return };
    put(&room, "../ws-evil/lib/key.priv", CANARY);
    put(&room, "../ws-evil/lib/open", "open");
    fs::create_dir(room.workspace().join("lib")).unwrap();
    let line = "cat ../ws-evil/lib/* lib/* 2> /dev/null";
    let mut job = job(&room, WorkspaceWrite, line);
    job.lent = vec![Lent {
        from: room.base().join("ws-evil/lib"),
        at: room.workspace().join("lib"),
    }];
    job.withheld.push(names(room.base().join("ws-evil")));
    let outcome = room.try_run(job).await.unwrap();
    assert_eq!(outcome.output.to_text(), "open");
}

/// The place holds folders that every command has of its own.
#[rstest]
#[case::holds_the_temporary_folder("/tmp", "/var/tmp")]
#[case::holds_another_one("/var", "/tmp")]
#[tokio::test]
async fn a_place_around_the_command_s_own_folders_stops_no_command(
    #[case] place: &str,
    #[case] elsewhere: &str,
) {
    let room = Room::within(Path::new(elsewhere));
    if !room.is_full() {
        return;
    }
    let by = Names {
        root: room.workspace(),
        place: place.into(),
    };
    let line =
        format!("echo own > $TMPDIR/x; cat $TMPDIR/x; ls -A {place} | grep -v -e kerf-run -e tmp");
    let job = Job {
        withheld: vec![Withheld {
            root: room.workspace(),
            by: Arc::new(by),
        }],
        ..room.job(WorkspaceWrite, &line)
    };
    let outcome = room.try_run(job).await.unwrap();
    assert_eq!(outcome.output.to_text(), "own\n");
}

/// Surveys do not look into repositories, so a place in one is named by its whole path.
#[tokio::test]
async fn a_place_in_a_repository_is_closed() {
    let Some(room) = room() else { return };
    put(&room, ".git/config", CANARY);
    put(&room, ".git/HEAD", "open");
    let by = Names {
        root: room.workspace(),
        place: room.workspace().join(".git/config"),
    };
    for mode in [ReadOnly, WorkspaceWrite] {
        let line = "cat .git/config; mv .git/config x; cat x .git/HEAD";
        let withheld = vec![Withheld {
            root: room.workspace(),
            by: Arc::new(by.clone()),
        }];
        let job = Job {
            withheld,
            ..room.job(mode, &format!("{{ {line}; }} 2> /dev/null"))
        };
        let outcome = room.try_run(job).await.unwrap();
        assert_eq!(outcome.output.to_text(), "open");
    }
}

#[tokio::test]
async fn it_is_not_lent_into_what_is_withheld() {
    let Some(room) = room() else { return };
    put(&room, "../ws-evil/lib/open", "open");
    fs::create_dir_all(room.workspace().join("dir.priv/lib")).unwrap();
    let mut job = job(
        &room,
        WorkspaceWrite,
        "cat dir.priv/lib/open 2> /dev/null; echo ran",
    );
    job.lent = vec![Lent {
        from: room.base().join("ws-evil/lib"),
        at: room.workspace().join("dir.priv/lib"),
    }];
    let outcome = room.try_run(job).await.unwrap();
    assert_eq!(outcome.output.to_text(), "ran\n");
}

#[tokio::test]
async fn more_than_can_be_hidden_is_refused_and_a_whole_folder_is_one() {
    let Some(room) = room() else { return };
    for number in 0..300 {
        put(&room, &format!("all/{number}.priv"), CANARY);
    }
    let look = "cat */*.priv 2> /dev/null; echo end";
    assert_eq!(says(&room, WorkspaceWrite, look).await, "end\n");
    put(&room, "all/open", "");
    let refused = room
        .try_run(job(&room, WorkspaceWrite, look))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, SandboxError::TooMuchWithheld { .. }),
        "{refused}"
    );
    let said = refused.to_string();
    assert!(
        said.contains("300 files") && said.contains("name whole folders"),
        "{said}"
    );
}
