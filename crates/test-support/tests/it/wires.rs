//! One script, three wires.

use crate::client::{ALL, Answer, CHAT, MESSAGES, RESPONSES, ask, post, request};
use kerf_test_support::{ModelServer, Reported, Script, Step, Stop, Tokens, Turn};
use serde_json::{Value, json};

fn play(path: &str, turn: Turn) -> Answer {
    let server = ModelServer::start(Script::new().turn(turn));
    let answer = ask(server.address(), path);
    assert_eq!(answer.status(), 200, "{path}: {}", answer.head);
    assert!(answer.whole, "{path}");
    answer
}

fn full() -> Turn {
    Turn::steps([])
        .and_reasoning("I think", Some("sig"))
        .and_text_in("Hällo", 3)
        .and_call("read_file", json!({"path": "a"}))
        .and_call("list", json!({"path": "b"}))
        .tokens(Tokens {
            input: 100,
            cached: 40,
            cache_write: 10,
            output: 30,
            reasoning: 5,
        })
}

/// Joins the deltas at a JSON pointer.
fn join(data: &[Value], pointer: &str) -> String {
    data.iter()
        .filter_map(|event| event.pointer(pointer)?.as_str())
        .collect()
}

#[test]
fn chat_completions() {
    let answer = play(CHAT, full());
    let data = answer.data();
    assert_eq!(join(&data, "/choices/0/delta/content"), "Hällo");
    assert_eq!(join(&data, "/choices/0/delta/reasoning_content"), "I think");
    let details = data
        .iter()
        .find_map(|event| event.pointer("/choices/0/delta/reasoning_details/0/data"));
    assert_eq!(details, Some(&json!("sig")));
    let calls: Vec<&Value> = data
        .iter()
        .filter_map(|event| event.pointer("/choices/0/delta/tool_calls/0"))
        .collect();
    for (index, name, arguments) in [
        (0, "read_file", r#"{"path":"a"}"#),
        (1, "list", r#"{"path":"b"}"#),
    ] {
        let mine: Vec<Value> = calls
            .iter()
            .filter(|call| call["index"] == index)
            .map(|call| (*call).clone())
            .collect();
        assert_eq!(mine[0]["function"]["name"], name);
        assert_eq!(mine[0]["id"], format!("call_0_{}", index + 2));
        assert_eq!(join(&mine, "/function/arguments"), arguments);
        assert_eq!(mine.len(), 3, "a head and two deltas");
    }
    let finish: Vec<&Value> = data
        .iter()
        .filter_map(|event| event.pointer("/choices/0/finish_reason"))
        .filter(|it| !it.is_null())
        .collect();
    assert_eq!(finish, ["tool_calls"]);
    let usage = data.last().expect("a last event");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["prompt_tokens"], 100);
    assert_eq!(usage["usage"]["prompt_tokens_details"]["cached_tokens"], 40);
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
}

#[test]
fn responses() {
    let answer = play(RESPONSES, full());
    let names: Vec<String> = answer.events().into_iter().map(|(name, _)| name).collect();
    let wanted = "response.created response.in_progress \
        response.output_item.added response.reasoning_summary_part.added response.reasoning_summary_text.delta \
        response.reasoning_summary_text.done response.reasoning_summary_part.done response.output_item.done \
        response.output_item.added response.content_part.added response.output_text.delta \
        response.output_text.delta response.output_text.delta response.output_text.done \
        response.content_part.done response.output_item.done \
        response.output_item.added response.function_call_arguments.delta response.function_call_arguments.delta \
        response.function_call_arguments.done response.output_item.done \
        response.output_item.added response.function_call_arguments.delta response.function_call_arguments.delta \
        response.function_call_arguments.done response.output_item.done \
        response.completed";
    assert_eq!(names, wanted.split_whitespace().collect::<Vec<_>>());
    let data = answer.data();
    for (sequence, (event, name)) in data.iter().zip(&names).enumerate() {
        assert_eq!(event["sequence_number"], sequence);
        assert_eq!(event["type"], **name);
    }
    let done = &data.last().expect("a last event")["response"];
    assert_eq!(done["status"], "completed");
    let kinds: Vec<&Value> = done["output"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| &item["type"])
        .collect();
    assert_eq!(
        kinds,
        ["reasoning", "message", "function_call", "function_call"]
    );
    assert_eq!(done["output"][0]["encrypted_content"], "sig");
    assert_eq!(done["output"][1]["content"][0]["text"], "Hällo");
    assert_eq!(done["output"][2]["arguments"], r#"{"path":"a"}"#);
    assert_eq!(done["usage"]["input_tokens_details"]["cached_tokens"], 40);
}

#[test]
fn messages() {
    let answer = play(MESSAGES, full());
    let names: Vec<String> = answer.events().into_iter().map(|(name, _)| name).collect();
    let wanted = "message_start \
        content_block_start content_block_delta content_block_delta content_block_stop \
        content_block_start content_block_delta content_block_delta content_block_delta content_block_stop \
        content_block_start content_block_delta content_block_delta content_block_stop \
        content_block_start content_block_delta content_block_delta content_block_stop \
        message_delta message_stop";
    assert_eq!(names, wanted.split_whitespace().collect::<Vec<_>>());
    let data = answer.data();
    assert_eq!(join(&data, "/delta/thinking"), "I think");
    assert_eq!(join(&data, "/delta/signature"), "sig");
    assert_eq!(join(&data, "/delta/text"), "Hällo");
    assert_eq!(
        join(&data, "/delta/partial_json"),
        r#"{"path":"a"}{"path":"b"}"#
    );
    assert_eq!(
        data[0]["message"]["usage"]["input_tokens"], 50,
        "what the cache took is not in it"
    );
    assert_eq!(data[0]["message"]["usage"]["cache_read_input_tokens"], 40);
    let last = &data[data.len() - 2];
    assert_eq!(last["delta"]["stop_reason"], "tool_use");
    assert_eq!(last["usage"]["output_tokens"], 30);
}

#[test]
fn hidden_reasoning_arrives_whole() {
    let hidden = || {
        Turn::steps([])
            .and_reasoning("", Some("secret"))
            .and_text("x")
    };
    let data = play(MESSAGES, hidden()).data();
    assert_eq!(
        data[1]["content_block"],
        json!({"type": "redacted_thinking", "data": "secret"})
    );
    assert_eq!(data[2]["type"], "content_block_stop");
    let data = play(RESPONSES, hidden()).data();
    assert_eq!(data[3]["item"]["encrypted_content"], "secret");
    assert_eq!(data[3]["item"]["summary"], json!([]));
}

#[test]
fn stops_have_the_words_of_their_wire() {
    let cases = [
        (Stop::End, "stop", "completed", "end_turn"),
        (Stop::ToolCalls, "tool_calls", "completed", "tool_use"),
        (Stop::Length, "length", "max_output_tokens", "max_tokens"),
        (Stop::Refused, "content_filter", "content_filter", "refusal"),
        (Stop::Other("odd".into()), "odd", "odd", "odd"),
    ];
    for (stop, chat, responses, messages) in cases {
        let turn = || Turn::text("x").stop(stop.clone());
        let data = play(CHAT, turn()).data();
        assert_eq!(data[data.len() - 2]["choices"][0]["finish_reason"], chat);
        let data = play(RESPONSES, turn()).data();
        let response = &data.last().expect("a last event")["response"];
        let reason = response
            .pointer("/incomplete_details/reason")
            .unwrap_or(&response["status"]);
        assert_eq!(reason, responses);
        let data = play(MESSAGES, turn()).data();
        assert_eq!(data[data.len() - 2]["delta"]["stop_reason"], messages);
    }
}

#[test]
fn usage_can_grow_or_be_absent() {
    for path in ALL {
        let absent = play(path, Turn::text("x").reported(Reported::Absent)).text();
        assert!(
            !absent.contains("input_tokens") && !absent.contains("prompt_tokens"),
            "{path}: {absent}"
        );
    }
    let data = play(
        CHAT,
        Turn::steps([])
            .and_text_in("abc", 3)
            .reported(Reported::Cumulative),
    )
    .data();
    let counts: Vec<u64> = data
        .iter()
        .filter_map(|event| event["usage"]["completion_tokens"].as_u64())
        .collect();
    assert_eq!(counts, [1, 2, 3, 20]);
    let data = play(
        MESSAGES,
        Turn::text("a").and_text("b").reported(Reported::Cumulative),
    )
    .data();
    let counts: Vec<u64> = data
        .iter()
        .filter_map(|event| event["usage"]["output_tokens"].as_u64())
        .collect();
    assert_eq!(counts, [1, 2, 20]);
    // Without `include_usage`, Chat tells nothing.
    let server = ModelServer::start(Script::new().turn(Turn::text("x")));
    let mut body = request(CHAT, "x");
    body.as_object_mut()
        .expect("an object")
        .remove("stream_options");
    let answer = post(server.address(), CHAT, &body, "");
    assert!(!answer.text().contains("usage"), "{}", answer.text());
}

#[test]
fn errors_inside_the_stream() {
    for path in ALL {
        let turn = Turn::text("half").and(Step::Error {
            kind: "overloaded".into(),
            message: "later".into(),
        });
        let answer = play(path, turn.and_text("never"));
        let text = answer.text();
        assert!(
            text.contains("half") && text.contains("overloaded") && text.contains("later"),
            "{path}: {text}"
        );
        assert!(
            !text.contains("never") && !text.contains("[DONE]") && !text.contains("message_stop"),
            "{path}"
        );
    }
}

#[test]
fn calls_can_be_interleaved_and_share_an_id() {
    let turn = || {
        let call = |name: &str| Step::Call {
            id: Some("same".into()),
            name: name.into(),
            arguments: "abcd".into(),
            splits: vec![1, 2],
        };
        Turn::steps([call("x"), call("y")]).interleaved()
    };
    let data = play(CHAT, turn()).data();
    let order: Vec<(u64, String)> = data
        .iter()
        .filter_map(|event| event.pointer("/choices/0/delta/tool_calls/0"))
        .map(|call| {
            (
                call["index"].as_u64().expect("an index"),
                join(std::slice::from_ref(call), "/function/arguments"),
            )
        })
        .collect();
    let wanted = [
        (0, ""),
        (1, ""),
        (0, "a"),
        (1, "a"),
        (0, "b"),
        (1, "b"),
        (0, "cd"),
        (1, "cd"),
    ];
    assert_eq!(order, wanted.map(|(index, text)| (index, text.to_owned())));
    for path in ALL {
        assert!(
            play(path, turn()).text().matches("same").count() >= 2,
            "{path}"
        );
    }
}

#[test]
fn plain_errors_have_the_shape_of_their_wire() {
    for (path, pointer) in [
        (CHAT, "/error/code"),
        (RESPONSES, "/error/code"),
        (MESSAGES, "/error/type"),
    ] {
        let server =
            ModelServer::start(Script::new().turn(Turn::status(429).header("retry-after", "7")));
        let answer = ask(server.address(), path);
        assert_eq!(answer.status(), 429);
        assert!(answer.head.contains("retry-after: 7"), "{}", answer.head);
        let code = answer
            .json()
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        assert!(code.starts_with("rate_limit"), "{path}: {code}");
        assert_eq!(server.requests()[0].turn, Some(0));
    }
}
