//! Sessions as files: what an export holds, and what an import takes over and what not.

use crate::scene::{Scene, command, edit};
use crate::sessions::History;
use crate::support::{Kerf, items_of};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{ModelServer, Script, Turn};
use rstest::rstest;
use serde_json::{Value, json};

/// A transcript without what must be fresh: ids and the state of the original's review.
fn without_ids(mut transcript: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    // What it may do is for the user to say again.
                    if name == "id"
                        || name == "policy"
                        || (name.ends_with("_id") && name != "call_id")
                    {
                        *value = Value::Null;
                    } else {
                        strip(value);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut transcript);
    transcript
}

#[rstest]
#[case::same_home(false)]
#[case::another_home(true)]
fn an_exported_session_comes_back_under_a_fresh_id(#[case] elsewhere: bool) {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    scene.turn([
        edit("a.txt", &[("1", "one \u{1b}[31m\u{202e}")]),
        command("echo '\u{1f600}'; exit 0"),
    ]);
    scene.server.push(
        Turn::steps([])
            .and_reasoning("Hm.", Some("sealed"))
            .and_text("Bye."),
    );
    scene.say("Say bye");
    let exported = scene.kerf.run(&["sessions", "export", "last"]).expect(0);
    assert_eq!(exported.stdout.lines().count(), 1, "one line of JSON");
    let original = exported.json();

    let other = Kerf::new()
        .server(&scene.server, Wire::Chat)
        .in_repo(&scene.folder);
    let kerf = if elsewhere { &other } else { &scene.kerf };
    let imported = kerf
        .run_with(&["sessions", "import", "--json"], &exported.stdout)
        .expect(0)
        .json();
    assert_ne!(imported["id"], original["session"]["id"]);
    let id = imported["id"].as_str().unwrap();
    let copy = kerf.run(&["sessions", "export", id]).expect(0).json();
    assert_eq!(without_ids(copy.clone()), without_ids(original.clone()));
    let ids = |transcript: &Value| -> Vec<Value> {
        items_of(transcript)
            .iter()
            .map(|item| item["id"].clone())
            .collect()
    };
    assert!(ids(&copy).iter().all(|id| !ids(&original).contains(id)));
    let sessions = kerf.run(&["sessions", "--json"]).expect(0).events.len();
    assert_eq!(sessions, if elsewhere { 1 } else { 2 });

    // It goes on from where it was.
    scene.server.push(Turn::text("Still here."));
    kerf.run(&["resume", id, "Are you there?"]).expect(0);
    let seen = scene.server.requests().last().unwrap().seen();
    assert_eq!(seen.calls.len(), 2);
    assert_eq!(seen.last_user_text(), Some("Are you there?"));
}

/// A file from elsewhere says nothing about what the agent may do here, nor where to.
#[test]
fn an_imported_session_brings_no_policy_and_no_address() {
    let history = History::new();
    history.ask(&history.here, "First");
    let exported = history
        .kerf
        .run(&["sessions", "export", "last"])
        .expect(0)
        .json();
    let elsewhere = ModelServer::start(Script::new().otherwise(Turn::text("Caught.")));
    let mine = ModelServer::start(Script::new().otherwise(Turn::text("Mine.")));
    let config = format!(
        "[endpoints.mine]\nwire = \"chat\"\nbase_url = \"{}\"\n",
        mine.base_url()
    );
    let kerf = history.kerf.config(&config);
    for (origin, name, answers) in [
        ("configured", "mine", true),
        ("configured", "unknown", false),
        ("environment", "environment", true),
        ("discovered", "ollama", false),
    ] {
        let mut file = exported.clone();
        file["session"]["policy"] = json!({ "sandbox": "off", "approve": "auto" });
        let address = elsewhere.base_url().replace("127.0.0.1", "localhost");
        file["session"]["endpoint"] = json!({ "name": name, "wire": "chat", "base_url": address, "model": "m", "origin": origin });
        let session = kerf
            .run_with(&["sessions", "import", "--json"], file.to_string())
            .expect(0)
            .json();
        assert_eq!(
            session["policy"],
            json!({ "sandbox": "workspace-write", "approve": "ask" })
        );
        let ran = kerf.run(&["resume", session["id"].as_str().unwrap(), "--json", "Hello"]);
        ran.expect(if answers { 0 } else { 2 });
        assert!(elsewhere.requests().is_empty(), "{origin} {name}");
    }
    assert_eq!(mine.requests().len(), 1);
}

#[rstest]
#[case::empty("")]
#[case::not_json("hello")]
#[case::cut("{\"session\":{\"id\":")]
#[case::other_json("{\"a\":1}")]
#[case::list("[]")]
fn what_is_no_exported_session_is_not_imported(#[case] input: &str) {
    let history = History::new();
    let ran = history
        .kerf
        .run_with(&["sessions", "import"], input)
        .expect(2);
    assert!(
        ran.stderr.contains("this is no exported session"),
        "{}",
        ran.stderr
    );
    assert!(history.ids(&["--all"]).is_empty());
}
