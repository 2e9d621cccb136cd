//! Streams as servers send them, with what is odd about each.

use super::*;
use crate::call::Stop;

/// `data:` frames of these lines.
fn frames(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| format!("data: {line}\n\n"))
        .collect()
}

/// A reply on one line per part.
fn show(decoded: &Decoded) -> String {
    let mut lines = Vec::new();
    match &decoded.result {
        Ok(reply) => {
            lines.push(format!("{:?}", reply.stop));
            for part in &reply.parts {
                lines.push(match part {
                    Part::Text(text) => format!("text {text:?}"),
                    Part::Reasoning { text, opaque } => {
                        let opaque = opaque.clone().map(|mut opaque| {
                            opaque.as_object_mut().map(|o| o.shift_remove("base"));
                            opaque.to_string()
                        });
                        format!("reasoning {text:?} {}", opaque.unwrap_or("-".to_owned()))
                    }
                    Part::ToolCall {
                        call_id,
                        name,
                        arguments,
                    } => format!("call {call_id} {name} {arguments}"),
                    other => format!("{other:?}"),
                });
            }
        }
        Err(kind) => {
            lines.push(format!("error {kind:?}"));
            lines.extend(
                decoded
                    .partial
                    .iter()
                    .map(|part| format!("partial {part:?}")),
            );
        }
    }
    if let Some(usage) = decoded.usage {
        lines.push(format!(
            "usage in {} cached {} written {} out {} reasoning {}",
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.cache_write_tokens,
            usage.output_tokens,
            usage.reasoning_tokens
        ));
    }
    lines.join("\n")
}

async fn check(wire: Wire, lines: &[&str], expected: &str) {
    let decoded = decode(wire, &frames(lines)).await;
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(show(&decoded), expected.join("\n"));
}

const END: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const CALLS: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;

#[rstest::rstest]
#[case::plain_with_usage_after(&[
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}"#,
    END,
    r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":8}}}"#,
    "[DONE]"], "End\n text \"Hello\"\n usage in 10 cached 8 written 0 out 2 reasoning 0")]
#[case::no_end_mark(&[r#"{"choices":[{"delta":{"content":"Hello"}}]}"#, END], "End\n text \"Hello\"")]
#[case::no_reason_for_text(&[r#"{"choices":[{"delta":{"content":"Hello"}}]}"#, "[DONE]"], "End\n text \"Hello\"")]
#[case::empty_reason_all_along(&[r#"{"choices":[{"delta":{"content":"Hello"},"finish_reason":""}]}"#, END], "End\n text \"Hello\"")]
#[case::nothing_said(&[END, "[DONE]"], "End")]
#[case::calls_in_pieces(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"read_file","arguments":""}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"path\":"}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"run","arguments":"{"}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"x\"}"}},{"index":1,"function":{"arguments":"}"}}]}}]}"#,
    CALLS, "[DONE]"], "ToolCalls\n call a read_file {\"path\":\"x\"}\n call b run {}")]
#[case::whole_calls_all_with_index_0(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"n\":1}"}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{\"n\":2}"}}]}}]}"#,
    END], "ToolCalls\n call a f {\"n\":1}\n call b f {\"n\":2}")]
#[case::no_index_no_id(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{\"n\":"}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"1}"}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"g","arguments":""}}]}}]}"#,
    CALLS], "ToolCalls\n call call_1 f {\"n\":1}\n call call_2 g {}")]
#[case::arguments_as_object(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"n":1}}}]}}]}"#,
    CALLS], "ToolCalls\n call a f {\"n\":1}")]
#[case::old_function_call(&[
    r#"{"choices":[{"delta":{"function_call":{"name":"f","arguments":"{"}}}]}"#,
    r#"{"choices":[{"delta":{"function_call":{"arguments":"}"}}}]}"#,
    r#"{"choices":[{"delta":{},"finish_reason":"function_call"}]}"#], "ToolCalls\n call call_1 f {}")]
#[case::same_call_twice(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}"#,
    CALLS], "ToolCalls\n call a f {}")]
#[case::two_calls_with_one_id(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"a","function":{"name":"f","arguments":"{\"n\":1}"}}]}}]}"#,
    CALLS], "error BadToolCall { name: \"f\", reason: \"another call has the same id\" }")]
#[case::call_without_the_models_word(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}"#,
    "[DONE]"], "error BrokeOff { reason: \"the message is not complete\" }")]
#[case::cut_at_the_limit(&[
    r#"{"choices":[{"delta":{"content":"Now","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}"#,
    r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#], "Length\n text \"Now\"")]
#[case::filtered(&[r#"{"choices":[{"delta":{"content":"No"},"finish_reason":"content_filter"}]}"#], "Refused\n text \"No\"")]
#[case::refusal(&[r#"{"choices":[{"delta":{"refusal":"I will not"}}]}"#, END], "Refused\n text \"I will not\"")]
#[case::reasoning_of_local_servers(&[
    r#"{"choices":[{"delta":{"reasoning_content":"I "}}]}"#,
    r#"{"choices":[{"delta":{"reasoning_content":"think","reasoning":"think"}}]}"#,
    r#"{"choices":[{"delta":{"content":"so"}}]}"#, END],
    "End\n reasoning \"I think\" {\"wire\":\"chat\",\"field\":\"reasoning_content\"}\n text \"so\"")]
#[case::reasoning_details(&[
    r#"{"choices":[{"delta":{"reasoning":"I ","reasoning_details":[{"type":"reasoning.text","index":0,"text":"I ","signature":null}]}}]}"#,
    r#"{"choices":[{"delta":{"reasoning":"am","reasoning_details":[{"type":"reasoning.text","index":0,"text":"am","signature":"s"}]}}]}"#,
    r#"{"choices":[{"delta":{"content":"x"}}]}"#, END],
    "End\n reasoning \"I am\" {\"wire\":\"chat\",\"details\":[{\"type\":\"reasoning.text\",\"index\":0,\"text\":\"I am\",\"signature\":\"s\"}]}\n text \"x\"")]
#[case::signature_on_a_call(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}]}}]}"#,
    END], "ToolCalls\n reasoning \"\" {\"wire\":\"chat\",\"calls\":{\"a\":{\"google\":{\"thought_signature\":\"s\"}}}}\n call a f {}")]
#[case::content_as_list(&[
    r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"yes"}]}}]}"#,
    END], "End\n reasoning \"hm\" -\n text \"yes\"")]
#[case::usage_in_every_chunk_without_reasoning(&[
    r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}"#,
    r#"{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":17,"completion_tokens_details":{"reasoning_tokens":10}}}"#],
    "End\n text \"ab\"\n usage in 5 cached 0 written 0 out 12 reasoning 10")]
#[case::error_in_band(&[
    r#"{"choices":[{"delta":{"content":"a"}}]}"#,
    r#"{"error":{"message":"the provider died","code":502}}"#],
    "error InBand { message: \"the provider died\" }\n partial Text(\"a\")")]
#[case::second_choice_is_not_ours(&[
    r#"{"choices":[{"index":1,"delta":{"content":"no"},"finish_reason":"stop"},{"index":0,"delta":{"content":"yes"}}]}"#,
    END], "End\n text \"yes\"")]
#[case::not_json(&[r#"{"choices":[{"delta":{"content":"a"}}]}"#, "{oops"],
    "error NotThisApi { reason: \"an event that is not JSON (key must be a string at line 1 column 2)\" }\n partial Text(\"a\")")]
#[case::broken_arguments(&[
    r#"{"choices":[{"delta":{"content":"a","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"n\":"}}]}}]}"#,
    CALLS], "error BadToolCall { name: \"f\", reason: \"its arguments are not a JSON object (EOF while parsing a value at line 1 column 5)\" }\n partial Text(\"a\")")]
#[case::no_name(&[
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}}]}"#,
    CALLS], "error BadToolCall { name: \"\", reason: \"it names no tool\" }")]
#[tokio::test]
async fn chat(#[case] lines: &[&str], #[case] expected: &str) {
    check(Wire::Chat, lines, expected).await;
}

#[rstest::rstest]
#[case::all_kinds(&[
    r#"{"type":"response.created","response":{"id":"r"}}"#,
    r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}"#,
    r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0}"#,
    r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"One"}"#,
    r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":1}"#,
    r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"Two"}"#,
    r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","status":"completed","summary":[{"type":"summary_text","text":"One"},{"type":"summary_text","text":"Two"}],"encrypted_content":"enc"}}"#,
    r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"message","content":[]}}"#,
    r#"{"type":"response.output_text.delta","output_index":1,"delta":"Hel"}"#,
    r#"{"type":"response.output_text.delta","output_index":1,"delta":"lo"}"#,
    r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"type":"output_text","text":"Hello"}]}}"#,
    r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}}"#,
    r#"{"type":"response.function_call_arguments.delta","output_index":2,"delta":"{\"n\""}"#,
    r#"{"type":"response.function_call_arguments.delta","output_index":2,"delta":":1}"}"#,
    r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{\"n\":1}"}}"#,
    r#"{"type":"response.completed","response":{"output":[],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":5}}}}"#],
    "ToolCalls\n reasoning \"One\\n\\nTwo\" {\"wire\":\"responses\",\"item\":{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"One\"},{\"type\":\"summary_text\",\"text\":\"Two\"}],\"encrypted_content\":\"enc\"}}\n text \"Hello\"\n call c f {\"n\":1}\n usage in 9 cached 4 written 0 out 7 reasoning 5")]
#[case::only_the_end_tells(&[
    r#"{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]},{"type":"function_call","call_id":"c","name":"f","arguments":""}]}}"#],
    "ToolCalls\n text \"Hi\"\n call c f {}")]
#[case::no_indexes(&[
    r#"{"type":"response.output_text.delta","delta":"Hi"}"#,
    r#"{"type":"response.completed","response":{}}"#], "End\n text \"Hi\"")]
#[case::incomplete(&[
    r#"{"type":"response.output_text.delta","output_index":0,"delta":"Hi"}"#,
    r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}"#,
    r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}"#], "Length\n text \"Hi\"")]
#[case::filtered(&[
    r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}"#], "Refused")]
#[case::failed(&[
    r#"{"type":"response.output_text.delta","output_index":0,"delta":"Hi"}"#,
    r#"{"type":"response.failed","response":{"error":{"code":"context_length_exceeded","message":"too long"}}}"#],
    "error ContextFull { message: \"too long\" }\n partial Text(\"Hi\")")]
#[case::error_event(&[r#"{"type":"error","code":"server_error","message":"oops"}"#], "error InBand { message: \"oops\" }")]
#[case::refusal(&[
    r#"{"type":"response.refusal.delta","output_index":0,"delta":"No"}"#,
    r#"{"type":"response.completed","response":{}}"#], "Refused\n text \"No\"")]
#[case::another_api(&[r#"{"choices":[{"delta":{"content":"a"}}]}"#],
    "error NotThisApi { reason: \"an event that is not of the Responses API\" }")]
#[tokio::test]
async fn responses(#[case] lines: &[&str], #[case] expected: &str) {
    check(Wire::Responses, lines, expected).await;
}

#[rstest::rstest]
#[case::all_kinds(&[
    r#"{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_read_input_tokens":100,"cache_creation_input_tokens":20,"output_tokens":1}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"xyz"}}"#,
    r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
    r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Yes"}}"#,
    r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
    r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
    r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"n\":1}"}}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":50}}"#,
    r#"{"type":"message_stop"}"#],
    "ToolCalls\n reasoning \"Hm\" {\"wire\":\"anthropic\",\"signature\":\"sig\"}\n reasoning \"\" {\"wire\":\"anthropic\",\"redacted\":\"xyz\"}\n text \"Yes\"\n call t f {\"n\":1}\n usage in 123 cached 100 written 20 out 50 reasoning 0")]
#[case::whole_input_at_the_start(&[
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"n":1}}}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
    r#"{"type":"message_stop"}"#], "ToolCalls\n call t f {\"n\":1}")]
#[case::cut_at_the_limit(&[
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}"#,
    r#"{"type":"message_stop"}"#], "Length")]
#[case::refused(&[
    r#"{"type":"message_delta","delta":{"stop_reason":"refusal"}}"#,
    r#"{"type":"message_stop"}"#], "Refused")]
#[case::no_end(&[
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#],
    "error BrokeOff { reason: \"the message is not complete\" }")]
#[case::overloaded(&[r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#],
    "error InBand { message: \"Overloaded\" }")]
#[case::kinds_to_come(&[r#"{"type":"brand_new"}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"brand_new"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"brand_new_delta"}}"#,
    r#"{"type":"message_stop"}"#], "End")]
#[case::another_api(&[r#"{"choices":[{"delta":{"content":"a"}}]}"#],
    "error NotThisApi { reason: \"an event that is not of the Messages API\" }")]
#[tokio::test]
async fn anthropic(#[case] lines: &[&str], #[case] expected: &str) {
    check(Wire::Anthropic, lines, expected).await;
}

#[tokio::test]
async fn an_id_of_the_conversation_is_not_used_again() {
    let before = [message(Role::Assistant, vec![call("a", "f", "{}")])];
    let line = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    let body = frames(&[line]);
    let decoded = decode_after(Wire::Chat, &before, vec![body.into()]).await;
    let reply = decoded.result.expect("a complete message");
    assert_eq!(reply.parts, [call("a_2", "f", "{}")]);
}

#[tokio::test]
async fn deltas_are_told_as_they_come() {
    let body = frames(&[
        r#"{"choices":[{"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"y","function":{"name":"g","arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}"#,
        CALLS,
    ]);
    let decoded = decode(Wire::Chat, &body).await;
    let arguments = |index, name: &str, delta: &str| Delta::ToolArguments {
        index,
        name: name.to_owned(),
        delta: delta.to_owned(),
    };
    assert_eq!(
        decoded.deltas,
        [
            Delta::Text("a".to_owned()),
            arguments(0, "f", "{"),
            arguments(1, "g", "{}"),
            arguments(0, "f", "}"),
        ]
    );
    assert_eq!(decoded.result.expect("complete").stop, Stop::ToolCalls);
}

#[tokio::test]
async fn five_hundred_calls_are_kept_apart() {
    let mut body = String::new();
    for n in 0..500 {
        let piece = json!({"choices": [{"delta": {"tool_calls": [{"index": n, "id": format!("c{n}"),
            "function": {"name": "f", "arguments": "{}"}}]}}]});
        body.push_str(&frames(&[&piece.to_string()]));
    }
    body.push_str(&frames(&[CALLS]));
    let reply = decode(Wire::Chat, &body).await.result.expect("complete");
    assert_eq!(reply.parts.len(), 500);
}
