//! Which turn answers, and what is recorded.

use crate::client::{ALL, CHAT, MESSAGES, RESPONSES, ask, get, post, request};
use kerf_test_support::{ModelServer, Script, Seen, Turn};
use serde_json::{Value, json};

#[test]
fn turns_come_in_order_unless_they_wait_for_something() {
    let script = Script::new()
        .turn(Turn::text("first"))
        .turn(Turn::text("special").when_contains("needle"))
        .turn(
            Turn::text("nine")
                .when(|request| request["temperature"] == 9)
                .always(),
        )
        .turn(Turn::text("second"))
        .otherwise(Turn::text("rest"));
    let server = ModelServer::start(script);
    let say = |text: &str, temperature: u64| {
        let mut body = request(CHAT, text);
        body["temperature"] = json!(temperature);
        post(server.address(), CHAT, &body, "").text()
    };
    let cases = [
        ("a", 0, "first", Some(0)),
        ("b", 9, "nine", Some(2)),
        ("the needle", 0, "special", Some(1)),
        ("the needle", 0, "second", Some(3)),
        ("c", 9, "nine", Some(2)),
        ("the needle", 0, "rest", None),
        ("d", 0, "rest", None),
    ];
    for (number, (text, temperature, wanted, turn)) in cases.into_iter().enumerate() {
        let answer = say(text, temperature);
        assert!(answer.contains(wanted), "{text} gave {answer}");
        assert_eq!(server.requests()[number].turn, turn, "{text}");
    }
    assert_eq!(server.turns_left(), 0);
    server.push(Turn::text("pushed"));
    assert_eq!(server.turns_left(), 1);
    assert!(say("e", 0).contains("pushed"));
}

#[test]
fn a_script_without_a_turn_says_so() {
    let server = ModelServer::start(Script::new());
    for path in ALL {
        let answer = ask(server.address(), path);
        assert_eq!(answer.status(), 400);
        assert_eq!(
            answer.json()["error"]["message"],
            "the script has no turn for this request"
        );
    }
    assert_eq!(get(server.address(), "/v2/models", "").status(), 404);
}

#[test]
fn what_no_real_server_takes_is_refused_and_costs_no_turn() {
    let server = ModelServer::start(Script::new().turn(Turn::text("x")));
    let without = |path: &str, field: &str| {
        let mut body = request(path, "x");
        body.as_object_mut().expect("an object").remove(field);
        body
    };
    let cases = [
        (CHAT, without(CHAT, "model"), "`model`"),
        (CHAT, without(CHAT, "messages"), "`messages`"),
        (RESPONSES, without(RESPONSES, "input"), "`input`"),
        (MESSAGES, without(MESSAGES, "max_tokens"), "`max_tokens`"),
        (MESSAGES, without(MESSAGES, "stream"), "`stream`"),
        (CHAT, Value::Null, "JSON object"),
    ];
    for (path, body, wanted) in cases {
        let answer = post(server.address(), path, &body, "");
        let message = answer.json()["error"]["message"].to_string();
        assert!(
            answer.status() == 400 && message.contains(wanted),
            "{message}"
        );
    }
    assert_eq!(server.turns_left(), 1);
}

#[test]
fn keys_are_checked_where_the_wire_has_them() {
    let server = ModelServer::start(Script::new().key("k").otherwise(Turn::text("x")));
    let (bearer, api_key) = ("authorization: Bearer k\r\n", "x-api-key: k\r\n");
    let cases = [
        (CHAT, bearer, api_key),
        (RESPONSES, bearer, api_key),
        (MESSAGES, api_key, bearer),
    ];
    for (path, right, wrong) in cases {
        assert_eq!(
            post(server.address(), path, &request(path, "x"), right).status(),
            200,
            "{path}"
        );
        for headers in [wrong, "", "authorization: Bearer kk\r\n"] {
            assert_eq!(
                post(server.address(), path, &request(path, "x"), headers).status(),
                401,
                "{path} {headers}"
            );
        }
    }
    assert_eq!(get(server.address(), "/v1/models", "").status(), 401);
    assert_eq!(get(server.address(), "/v1/models", bearer).status(), 200);
}

#[test]
fn models_are_listed() {
    let ids = |script: Script| -> Vec<Value> {
        let answer = get(ModelServer::start(script).address(), "/v1/models", "").json();
        answer["data"].as_array().expect("a list").clone()
    };
    assert_eq!(ids(Script::new())[0]["id"], "scripted");
    let listed = ids(Script::new()
        .models(["a", "b"])
        .model_entry(json!({"id": "c", "context_length": 5})));
    let names: Vec<&Value> = listed.iter().map(|model| &model["id"]).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(
        (&listed[2]["context_length"], &listed[2]["object"]),
        (&json!(5), &json!("model"))
    );
}

#[test]
fn requests_are_recorded_whole() {
    let server = ModelServer::start(Script::new().otherwise(Turn::text("x")));
    let body = request(CHAT, "hello");
    let _answer = post(server.address(), CHAT, &body, "x-test: 1\r\n");
    let _models = get(server.address(), "/v1/models?limit=5", "");
    let seen = server.wait_for(2);
    assert_eq!(
        (
            seen[0].method.as_str(),
            seen[0].path.as_str(),
            seen[0].connection
        ),
        ("POST", CHAT, 0)
    );
    assert_eq!(
        (seen[0].body.as_ref(), seen[0].json()),
        (body.to_string().as_bytes(), body)
    );
    assert_eq!(
        (seen[0].header("x-test"), seen[0].header("X-Absent")),
        (Some("1"), None)
    );
    assert!(seen[0].head_at <= seen[0].body_at);
    assert_eq!(
        (seen[1].path.as_str(), seen[1].connection),
        ("/v1/models?limit=5", 1)
    );
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_request_reads_the_same_on_all_wires() {
    let chat = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "sys"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {}}]},
            {"role": "assistant", "content": "ok", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "list", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "done"},
        ],
        "tools": [{"type": "function", "function": {"name": "list"}}],
    });
    let responses = json!({
        "model": "m", "instructions": "sys",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
            {"type": "function_call", "call_id": "1", "name": "list", "arguments": "{\"a\":1}"},
            {"type": "function_call_output", "call_id": "1", "output": "done"},
        ],
        "tools": [{"type": "function", "name": "list"}],
    });
    let messages = json!({
        "model": "m", "system": [{"type": "text", "text": "sys"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "ok"},
                {"type": "tool_use", "id": "1", "name": "list", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "done"}]}]},
        ],
        "tools": [{"name": "list"}],
    });
    let seen = Seen::read(&chat);
    assert_eq!(
        (seen.system.as_str(), seen.model.as_str(), seen.images),
        ("sys", "m", 1)
    );
    assert_eq!(
        (seen.last_user_text(), seen.result_of("1")),
        (Some("hi"), Some("done"))
    );
    assert_eq!(
        seen.calls,
        [("1".to_owned(), "list".to_owned(), json!({"a": 1}))]
    );
    assert_eq!(seen.tools, ["list"]);
    assert_eq!(Seen::read(&responses), seen);
    assert_eq!(Seen::read(&messages), seen);
}
