//! What an endpoint wants back comes back, and goes nowhere else.

use super::*;
use serde_json::Value;

fn frames(lines: &[Value]) -> String {
    lines
        .iter()
        .map(|line| format!("data: {line}\n\n"))
        .collect()
}

/// The next request of a conversation whose first reply was `body`, as JSON.
async fn next_request(wire: Wire, body: &str, elsewhere: Option<(Wire, &str)>) -> Value {
    let reply = decode(wire, body).await.result.expect("a complete message");
    let results = reply
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall { call_id, .. } => Some(result(call_id, "ok", false)),
            _ => None,
        })
        .collect();
    let messages = [
        user("go"),
        message(Role::Assistant, reply.parts),
        message(Role::User, results),
    ];
    let tools = tools();
    let mut target = target(wire);
    if let Some((wire, base)) = elsewhere {
        target.endpoint.wire = wire;
        base.clone_into(&mut target.endpoint.base_url);
    }
    let encoded = wire::encode(&target, &request(&messages, &tools)).expect("it can be encoded");
    serde_json::from_slice(&encoded.body).expect("a body is JSON")
}

fn anthropic_body() -> String {
    frames(&[
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "SEALED1"}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "SEALED2"}}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": "I look"}}),
        json!({"type": "content_block_start", "index": 3, "content_block": {"type": "tool_use", "id": "t1", "name": "read_file", "input": {"path": "a"}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ])
}

fn responses_body() -> String {
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SEALED1", "status": "completed"});
    let call = json!({"type": "function_call", "call_id": "c1", "name": "read_file", "arguments": "{\"path\":\"a\"}"});
    frames(&[
        json!({"type": "response.output_item.done", "output_index": 0, "item": reasoning}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": call}),
        json!({"type": "response.completed", "response": {"output": []}}),
    ])
}

fn chat_body() -> String {
    let call = json!({"index": 0, "id": "c1", "function": {"name": "read_file", "arguments": "{\"path\":\"a\"}"},
        "extra_content": {"google": {"thought_signature": "SEALED1"}}});
    frames(&[
        json!({"choices": [{"delta": {"reasoning": "Hm", "reasoning_details":
            [{"type": "reasoning.encrypted", "index": 0, "data": "SEALED2"}]}}]}),
        json!({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}),
    ])
}

fn body(wire: Wire) -> String {
    match wire {
        Wire::Chat => chat_body(),
        Wire::Responses => responses_body(),
        Wire::Anthropic => anthropic_body(),
    }
}

#[tokio::test]
async fn thinking_blocks_go_back_in_their_places() {
    let next = next_request(Wire::Anthropic, &anthropic_body(), None).await;
    assert_eq!(
        next["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "Hm", "signature": "SEALED1"},
            {"type": "redacted_thinking", "data": "SEALED2"},
            {"type": "text", "text": "I look"},
            {"type": "tool_use", "id": "t1", "name": "read_file", "input": {"path": "a"}},
        ])
    );
    let cached = json!({"type": "ephemeral"});
    assert_eq!(next["system"][0]["cache_control"], cached);
    assert_eq!(next["tools"][1]["cache_control"], cached);
    assert_eq!(next["messages"][0]["content"][0]["cache_control"], cached);
    assert_eq!(next["messages"][2]["content"][0]["cache_control"], cached);
    let marks = next.to_string().matches("cache_control").count();
    assert_eq!(marks, 4, "the endpoint takes no more");
}

#[tokio::test]
async fn encrypted_reasoning_goes_back_before_its_call() {
    let next = next_request(Wire::Responses, &responses_body(), None).await;
    assert_eq!(next["store"], false);
    assert_eq!(next["include"], json!(["reasoning.encrypted_content"]));
    assert_eq!(
        next["input"][1],
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SEALED1"})
    );
    assert_eq!(next["input"][2]["type"], "function_call");
    assert_eq!(next["input"][3]["call_id"], "c1");
}

#[tokio::test]
async fn details_and_signatures_go_back_on_chat() {
    let next = next_request(Wire::Chat, &chat_body(), None).await;
    let said = &next["messages"][2];
    assert_eq!(
        said["reasoning_details"],
        json!([{"type": "reasoning.encrypted", "index": 0, "data": "SEALED2"}])
    );
    assert_eq!(
        said["tool_calls"][0]["extra_content"],
        json!({"google": {"thought_signature": "SEALED1"}})
    );
    assert!(
        said.get("reasoning").is_none(),
        "the details hold it already"
    );
}

#[tokio::test]
async fn nothing_of_it_reaches_another_endpoint() {
    for from in WIRES {
        for to in WIRES {
            let next = next_request(from, &body(from), Some((to, "https://other.test/v1"))).await;
            let text = next.to_string();
            assert!(!text.contains("SEALED"), "{from:?} to {to:?}: {text}");
            assert!(
                text.contains("read_file"),
                "{from:?} to {to:?}: the call stays"
            );
        }
    }
}

#[tokio::test]
async fn reasoning_that_nothing_follows_stays_behind() {
    // The reply broke off after its reasoning: what is left of it is no message.
    for wire in WIRES {
        let reply = decode(wire, &body(wire)).await.result.expect("complete");
        let thoughts: Vec<Part> = reply
            .parts
            .into_iter()
            .filter(|part| matches!(part, Part::Reasoning { .. }))
            .collect();
        let messages = [user("go"), message(Role::Assistant, thoughts), user("on")];
        let encoded = wire::encode(&target(wire), &request(&messages, &[])).expect("encoded");
        let text = String::from_utf8_lossy(&encoded.body);
        assert!(!text.contains("SEALED"), "{wire:?}: {text}");
        assert!(!text.contains("assistant"), "{wire:?}: {text}");
    }
}
