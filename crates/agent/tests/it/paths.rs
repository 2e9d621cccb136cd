//! Paths that lead out: each is refused in words, and what lies outside stays as it is.

use crate::kit::{Rig, script};
use kerf_protocol::item::ItemStatus;
use kerf_test_support::{Fixture, Script, Turn};
use kerf_workspace::Workspace;
use rstest::rstest;
use serde_json::{Value, json};

fn every_tool(path: &str) -> Vec<(&'static str, Value)> {
    let patch = |text: String| json!({"patch": format!("*** Begin Patch\n{text}\n*** End Patch")});
    vec![
        ("read_file", json!({ "path": path })),
        ("list_dir", json!({ "path": path })),
        ("grep", json!({"pattern": "secret", "path": path})),
        (
            "edit_file",
            json!({"path": path, "edits": [{"old": "secret", "new": "x"}]}),
        ),
        ("write_file", json!({"path": path, "content": "x"})),
        ("apply_patch", patch(format!("*** Delete File: {path}"))),
        (
            "apply_patch",
            patch(format!("*** Update File: {path}\n@@\n-secret\n+x")),
        ),
        (
            "apply_patch",
            patch(format!(
                "*** Update File: inside.txt\n*** Move to: {path}\n@@\n-inside\n+x"
            )),
        ),
        (
            "run_command",
            json!({"command": "cat canary.txt", "cwd": path}),
        ),
    ]
}

#[rstest]
#[case::climbs("../canary.txt", "outside the workspace")]
#[case::climbs_late("sub/../../canary.txt", "outside the workspace")]
#[case::absolute("{outside}/canary.txt", "outside the workspace")]
#[case::home("~/canary.txt", "`~`")]
#[case::nul("can\0ary.txt", "NUL")]
#[case::link_to_a_folder("link/canary.txt", "link")]
#[cfg(unix)]
#[tokio::test]
async fn nothing_outside_is_read_or_written(#[case] path: &str, #[case] expected: &str) {
    let outer =
        Fixture::new("//- /canary.txt\nsecret\n//- /ws/inside.txt\ninside\n//- /ws/sub/x\nx\n");
    std::os::unix::fs::symlink(outer.path(), outer.join("ws/link")).unwrap();
    let before = outer.tree();
    let path = path.replace("{outside}", &outer.path().display().to_string());
    let tools = every_tool(&path);
    let turns = tools
        .iter()
        .map(|(tool, arguments)| Turn::call(tool, arguments.clone()));
    let mut rig = inside(&outer, script(turns));
    rig.turn("go").await;
    for ((tool, arguments), (call, status)) in tools.iter().zip(rig.host.calls()) {
        let told = format!("{tool} {arguments}: {status:?} {}", call.output);
        assert!(!call.output.contains("secret"), "{told}");
        assert_eq!(status, ItemStatus::Failed, "{told}");
        assert!(call.output.contains(expected), "{told}");
    }
    assert_eq!(outer.tree(), before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_out_is_not_followed() {
    let outer = Fixture::new("//- /canary.txt\nsecret\n//- /ws/inside.txt\ninside\n");
    std::os::unix::fs::symlink(outer.join("canary.txt"), outer.join("ws/link")).unwrap();
    let tools = every_tool("link");
    let turns = tools
        .iter()
        .map(|(tool, arguments)| Turn::call(tool, arguments.clone()));
    let mut rig = inside(&outer, script(turns));
    rig.turn("go").await;
    for ((tool, arguments), (call, _)) in tools.iter().zip(rig.host.calls()) {
        assert!(
            !call.output.contains("secret"),
            "{tool} {arguments}: {}",
            call.output
        );
    }
    assert_eq!(outer.read("canary.txt"), "secret\n");
}

#[rstest]
#[case::to_a_file("../canary.txt", "`link` leads out of the workspace through a link")]
#[case::to_a_folder("..", "`link` leads out of the workspace through a link")]
#[case::to_nothing("nowhere", "`link` does not exist")]
#[case::to_a_file_inside("inside.txt", "`link` is a link to `inside.txt`")]
#[case::to_a_folder_inside("sub", "`link` is a link to `sub`")]
#[cfg(unix)]
#[tokio::test]
async fn a_search_in_a_link_says_where_it_leads(#[case] target: &str, #[case] expected: &str) {
    let outer = Fixture::new("//- /canary.txt\nsecret\n//- /ws/inside.txt\nx\n//- /ws/sub/x\nx\n");
    std::os::unix::fs::symlink(target, outer.join("ws/link")).unwrap();
    let look = |tool, arguments| Turn::call(tool, arguments);
    let turns = [
        look("grep", json!({"pattern": "x", "path": "link"})),
        look("read_file", json!({"path": "link"})),
    ];
    let mut rig = inside(&outer, script(turns));
    rig.turn("go").await;
    let calls = rig.host.calls();
    assert_eq!(calls[0].1, ItemStatus::Failed);
    let (grep, read) = (&calls[0].0.output, &calls[1].0.output);
    assert!(grep.starts_with(expected), "{grep}");
    if expected.contains("leads out") {
        assert_eq!(grep, read);
    }
}

/// A session in the folder `ws` of a fixture.
fn inside(outer: &Fixture, script: Script) -> Rig {
    let mut rig = Rig::new("", script);
    rig.agent.setup_mut().workspace = Workspace::open(&outer.join("ws")).unwrap();
    rig
}

#[tokio::test]
async fn an_absolute_path_inside_is_as_good_as_a_relative_one() {
    let mut rig = Rig::new("//- /a.txt\none\n", script([]));
    let path = rig.fixture.join("a.txt").display().to_string();
    rig.server.push(Turn::call(
        "edit_file",
        json!({"path": path, "edits": [{"old": "one", "new": "two"}]}),
    ));
    rig.turn("go").await;
    assert_eq!(rig.fixture.read("a.txt"), "two\n");
    assert_eq!(rig.host.calls()[0].0.changes[0].path, "a.txt");
}
