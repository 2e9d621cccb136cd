//! The request table: every request is answered, and a wrong one is told to be wrong.

use crate::kit::Bench;
use kerf_protocol::{
    Code, Failure, SessionId,
    policy::ApproveMode,
    request::{METHODS, Request},
};
use serde_json::{Value, json};

/// A request of each kind about this session, in the order of the table.
fn requests(bench: &Bench, session_id: &str) -> Vec<(&'static str, Value)> {
    let session = json!({ "session_id": session_id });
    let folder = bench.fixture.path().display().to_string();
    let with = |more: Value| {
        let mut all = session.clone();
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all
    };
    let transcript = json!({
        "session": {
            "id": session_id, "task_id": session_id, "project_id": session_id, "folder": folder, "title": "t",
            "endpoint": {"name": "e", "wire": "chat", "base_url": "http://127.0.0.1:1/v1", "model": "m", "origin": "configured"},
            "policy": {"sandbox": "read-only", "approve": "ask"}, "state": "idle", "archived": false,
            "created_at": 1, "updated_at": 1,
            "usage": {"input_tokens": 0, "cached_input_tokens": 0, "cache_write_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0},
        },
        "turns": [],
    });
    let comment = json!({"path": "a", "first_line": 1, "last_line": 1, "excerpt": "", "text": "x"});
    vec![
        ("session/new", json!({ "folder": folder })),
        ("session/prompt", with(json!({"text": "hello"}))),
        ("session/cancel", session.clone()),
        (
            "session/answer",
            with(json!({"question_id": session_id, "answer": {"type": "allow"}})),
        ),
        ("session/events", with(json!({"seq": 0}))),
        ("session/attach", session.clone()),
        (
            "session/configure",
            with(json!({"policy": {"sandbox": "read-only", "approve": "never"}})),
        ),
        ("session/show", session.clone()),
        ("session/list", json!({})),
        ("session/search", json!({"query": "hello \"(*", "limit": 5})),
        ("session/rename", with(json!({"title": "x"}))),
        ("session/archive", with(json!({"archived": true}))),
        ("session/delete", session.clone()),
        ("session/import", transcript),
        ("review/show", session.clone()),
        ("review/outline", with(json!({"known": {"a.txt": 1}}))),
        (
            "review/scope",
            with(json!({"scope": {"type": "branch", "base": "--output=x"}})),
        ),
        ("review/checks", session.clone()),
        (
            "review/check",
            with(json!({"command": "true", "cwd": "../.."})),
        ),
        ("review/comments", session.clone()),
        (
            "review/lines",
            with(
                json!({"wanted": [{"path": "../a", "content": 1, "hunk": 0, "first": 1, "count": 4_000_000_000_u32}]}),
            ),
        ),
        (
            "review/decide",
            with(json!({"decision": "accept", "target": {"type": "all"}})),
        ),
        (
            "review/edit",
            with(json!({"path": "../a", "hunk": 0, "id": 1, "text": "x\0"})),
        ),
        (
            "review/around",
            with(json!({"path": "../a", "content": 1, "first": 0, "count": 4_000_000_000_u32})),
        ),
        ("review/pictures", with(json!({"path": "../a.png"}))),
        ("review/notebook", with(json!({"path": "../a.ipynb"}))),
        ("review/undo", session.clone()),
        ("review/comment", with(json!({"comment": comment}))),
        ("review/commit", with(json!({"message": "x"}))),
        ("checkpoint/list", session.clone()),
        (
            "checkpoint/preview",
            with(json!({"checkpoint_id": 1_000_000})),
        ),
        (
            "checkpoint/restore",
            with(json!({"checkpoint_id": -1, "what": "files", "paths": ["../x"]})),
        ),
        (
            "attempts/start",
            json!({"folder": folder, "text": "x", "attempts": []}),
        ),
        ("attempts/compare", json!({ "task_id": session_id })),
        (
            "attempts/preview",
            json!({"task_id": session_id, "picks": []}),
        ),
        (
            "attempts/try",
            json!({"task_id": session_id, "picks": [], "checks": [{"command": "true"}]}),
        ),
        ("attempts/take", json!({"task_id": session_id, "picks": []})),
        (
            "attempts/check",
            json!({"task_id": session_id, "command": "true", "cwd": "../.."}),
        ),
        ("attempts/stop_check", json!({ "task_id": session_id })),
        ("worktree/list", json!({ "folder": folder })),
        ("worktree/remove", json!({ "worktree_id": session_id })),
        ("worktree/restore", json!({ "worktree_id": session_id })),
        ("git/status", json!({ "folder": folder })),
        (
            "git/diff",
            json!({"folder": folder, "path": "a.txt", "side": "unstaged"}),
        ),
        (
            "git/stage",
            json!({"folder": folder, "paths": ["a.txt"], "from": "unstaged", "hunks": {"token": "x", "hunks": [0]}}),
        ),
        (
            "git/commit",
            json!({"folder": folder, "message": "x", "amend": true, "without_programs": true}),
        ),
        ("git/branches", json!({ "folder": folder })),
        (
            "git/switch",
            json!({"folder": folder, "name": "--force", "create": true}),
        ),
        (
            "git/delete_branch",
            json!({"folder": folder, "name": "main"}),
        ),
        ("git/stashes", json!({ "folder": folder })),
        (
            "git/stash",
            json!({"folder": folder, "message": "x", "untracked": true}),
        ),
        (
            "git/unstash",
            json!({"folder": folder, "oid": "HEAD", "drop": true}),
        ),
        (
            "git/log",
            json!({"folder": folder, "path": "../a", "after": {"from": "x", "seen": 4_000_000_000_u32, "path": null}, "limit": 4_000_000_000_u32}),
        ),
        (
            "git/blame",
            json!({"folder": folder, "path": "a.txt", "first_line": 0, "last_line": u32::MAX}),
        ),
        ("git/draft_message", json!({ "folder": folder })),
        (
            "git/preview",
            json!({"folder": folder, "act": {"type": "push", "remote": "--exec=x"}}),
        ),
        (
            "git/run",
            json!({"folder": folder, "act": {"type": "abort"}, "argv": ["git", "x"]}),
        ),
        ("git/running", json!({ "folder": folder })),
        (
            "git/answer",
            json!({"folder": folder, "id": 1, "prompt": null}),
        ),
        ("git/conflict", json!({"folder": folder, "path": "../a"})),
        (
            "git/resolve",
            json!({"folder": folder, "path": "a.txt", "how": {"type": "undo", "conflict": {
                "path": "a.txt", "base": {"oid": "x", "mode": 1}, "ours": null, "theirs": null, "file": null,
                "parts": null, "token": "",
            }}}),
        ),
        ("git/pull_target", json!({"folder": folder, "remote": "-x"})),
        (
            "git/draft_pull",
            json!({"folder": folder, "remote": "origin", "base": "main"}),
        ),
        (
            "git/open_pull",
            json!({"folder": folder, "title": "t", "body": "b", "target": {
                "remote": {"name": "origin", "url": "https://github.com/a/b"}, "host": "github.com", "kind": "github",
                "project": "a/b", "branch": "x", "base": "main", "pushed": true, "program": null,
                "api": "api.github.com", "token": false,
            }}),
        ),
        ("project/list", json!({})),
        ("project/open", json!({"path": folder})),
        ("project/remove", json!({"project_id": session_id})),
        ("project/status", json!({"folder": folder})),
        (
            "project/read",
            json!({"folder": folder, "path": "a.txt", "first_line": 1, "last_line": 9}),
        ),
        (
            "search/run",
            json!({"folder": folder, "query": "one", "limit": 5}),
        ),
        ("index/status", json!({ "folder": folder })),
        ("index/rebuild", json!({ "folder": folder })),
        ("index/stop", json!({ "folder": folder })),
        ("index/left_out", json!({"folder": folder, "limit": 5})),
        ("endpoint/list", json!({})),
        ("endpoint/discover", json!({})),
        ("endpoint/presets", json!({})),
        (
            "endpoint/add",
            json!({"name": "c", "base_url": "http://127.0.0.1:1/v1"}),
        ),
        ("endpoint/remove", json!({"name": "nowhere"})),
        ("endpoint/chosen", json!({})),
        ("endpoint/default", json!({"name": "c"})),
        ("endpoint/models", json!({"name": "environment"})),
        ("ledger/list", json!({})),
        ("ledger/show", json!({"id": 1_000_000})),
        ("ledger/totals", json!({"by": "file", "folder": folder})),
        ("ledger/verify", json!({})),
        ("rules/list", json!({ "folder": folder })),
        ("rules/test", json!({"folder": folder, "command": "rm $(x"})),
        ("rules/revoke", json!({"id": 1_000_000})),
        ("trust/show", json!({ "folder": folder })),
        ("trust/set", json!({"folder": folder, "items": []})),
        ("trust/revoke", json!({ "folder": folder })),
        ("trust/list", json!({})),
        ("settings/show", json!({})),
        (
            "settings/change",
            json!({"appearance": {"theme": "dark"}, "editor": "vi {path}"}),
        ),
        ("data/show", json!({})),
        ("data/collect", json!({})),
        ("doctor", json!({ "folder": folder })),
    ]
}

fn request(method: &str, params: &Value) -> Request {
    serde_json::from_value(json!({"method": method, "params": params}))
        .unwrap_or_else(|error| panic!("{method} {params}: {error}"))
}

#[tokio::test]
async fn every_request_is_answered() {
    let bench = Bench::new("//- /a.txt\none\n", []);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let all = requests(&bench, &id.to_string());
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names, METHODS,
        "the table grew: say here what the new request takes"
    );
    for (method, params) in &all {
        if *method == "session/delete" {
            engine.idle(id).await.unwrap();
        }
        let expected = match *method {
            "session/answer" | "ledger/show" | "project/remove" | "rules/revoke" => {
                Err(Code::NotFound)
            }
            "attempts/compare" | "attempts/preview" | "attempts/try" | "attempts/take"
            | "attempts/check" | "worktree/remove" | "worktree/restore" => Err(Code::NotFound),
            // None at all are asked for.
            "attempts/start" => Err(Code::Usage),
            "endpoint/remove" => Err(Code::Configuration),
            // The session is gone by then.
            name if name.starts_with("review/") || name.starts_with("checkpoint/") => {
                Err(Code::NotFound)
            }
            name if name.starts_with("review/") => Err(Code::NotFound),
            // The folder is no repository, which a look says without an error.
            "git/status" | "git/running" => Ok(()),
            "git/answer" => Err(Code::NotFound),
            name if name.starts_with("git/") => Err(Code::Usage),
            _ => Ok(()),
        };
        let answer = engine.dispatch(request(method, params)).await;
        assert_eq!(
            answer.as_ref().map(|_| ()).map_err(|failure| failure.code),
            expected,
            "{method}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_session_that_is_not_there_is_said_to_be_missing() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    for (method, params) in requests(&bench, &SessionId::new().to_string()) {
        if params.get("session_id").is_none() {
            continue;
        }
        let answer = engine.dispatch(request(method, &params)).await;
        match method {
            // There is nothing to stop, which is what was wanted.
            "session/cancel" => assert!(answer.is_ok()),
            _ => assert_eq!(answer.unwrap_err().code, Code::NotFound, "{method}"),
        }
    }
}

#[tokio::test]
async fn wrong_values_are_told_to_be_wrong() {
    let bench = Bench::new("//- /file\nx\n", []);
    let engine = bench.engine().await;
    let id = bench
        .session(&engine, ApproveMode::Auto)
        .await
        .id
        .to_string();
    let file = bench.fixture.join("file").display().to_string();
    let cases = [
        (
            "session/new",
            json!({"folder": "/nowhere/at/all"}),
            Code::Usage,
        ),
        ("session/new", json!({ "folder": file }), Code::Usage),
        (
            "session/new",
            json!({"folder": bench.fixture.path().display().to_string(), "endpoint": "nowhere"}),
            Code::Configuration,
        ),
        (
            "session/prompt",
            json!({"session_id": id, "text": "  \n"}),
            Code::Usage,
        ),
        (
            "session/rename",
            json!({"session_id": id, "title": " "}),
            Code::Usage,
        ),
        (
            "session/list",
            json!({"folder": "/nowhere/at/all"}),
            Code::Usage,
        ),
        (
            "review/comment",
            json!({"session_id": id, "comment": {"path": "a", "first_line": 1, "last_line": 1, "excerpt": "", "text": " "}}),
            Code::Usage,
        ),
        (
            "review/decide",
            json!({"session_id": id, "decision": "accept", "target": {"type": "file", "path": "../x"}}),
            Code::NotFound,
        ),
        (
            "review/decide",
            json!({"session_id": id, "decision": "reject", "target": {"type": "hunk", "path": "file", "hunk": 7}}),
            Code::NotFound,
        ),
        ("endpoint/add", json!({"name": "no-preset"}), Code::Usage),
        (
            "endpoint/models",
            json!({"name": "nowhere"}),
            Code::Configuration,
        ),
    ];
    for (method, params, code) in cases {
        let failure: Failure = engine.dispatch(request(method, &params)).await.unwrap_err();
        assert_eq!(failure.code, code, "{method} {params}: {failure}");
        assert!(
            !failure.message.is_empty() && !failure.message.ends_with('.'),
            "{failure}"
        );
    }
}

#[test]
fn what_is_no_request_is_not_read_as_one() {
    for wrong in [
        json!({"method": "session/fly", "params": {}}),
        json!({"method": "session/show", "params": {}}),
        json!({"method": "session/show", "params": {"session_id": 7}}),
        json!({"method": "session/show"}),
        json!({"params": {}}),
    ] {
        assert!(
            serde_json::from_value::<Request>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}

/// Every value of every request in turn is of another type, too long, too deep, missing or not alone.
#[tokio::test]
async fn ta3_values_of_any_type_are_refused_or_answered() {
    let bench = Bench::new("//- /a.txt\none\n", []);
    let engine = bench.engine().await;
    let id = bench
        .session(&engine, ApproveMode::Auto)
        .await
        .id
        .to_string();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    let values = [
        "null",
        "true",
        "-1",
        "1e400",
        "18446744073709551616",
        "\"\"",
        "\"\\u0000\"",
        "\"../..\"",
        "[]",
        "{}",
        "[null]",
        "{\"a\":{}}",
        "\"\\ud800\"",
        &long,
        &deep,
    ];
    let (mut refused, mut answered) = (0, 0);
    for (method, params) in requests(&bench, &id) {
        let fields = params.as_object().unwrap();
        for field in fields.keys() {
            for value in values {
                let others: String = fields
                    .iter()
                    .filter(|(name, _)| *name != field)
                    .map(|(name, value)| format!("{name:?}:{value},"))
                    .collect();
                let message =
                    format!("{{\"method\":\"{method}\",\"params\":{{{others}{field:?}:{value}}}}}");
                let Ok(request) = serde_json::from_str::<Request>(&message) else {
                    refused += 1;
                    continue;
                };
                // What is asked for by a wrong value may be nothing, but it is an answer.
                if let Err(failure) = engine.dispatch(request).await {
                    assert_ne!(failure.code, Code::Internal, "{method} {field}: {failure}");
                    assert!(!failure.message.is_empty());
                }
                answered += 1;
            }
        }
    }
    for bytes in [
        b"\xff".as_slice(),
        b"",
        b"{\"method\":\"\xff\"}",
        &[b'['; 100_000],
    ] {
        assert!(serde_json::from_slice::<Request>(bytes).is_err());
    }
    assert!(
        refused > 500 && answered > 50,
        "{refused} refused, {answered} answered"
    );
    // It still works.
    let answer = engine.dispatch(request("session/list", &json!({}))).await;
    answer.unwrap();
}
