//! Requests as bytes, whole.

use super::*;
use crate::wire::encode;
use kerf_protocol::item::Image;
use serde_json::Value;

/// A conversation with every kind of part, reasoning of this and of another endpoint included.
fn conversation(wire: Wire) -> Vec<Arc<Message>> {
    let own = match wire {
        Wire::Chat => {
            json!({"wire": "chat", "base": "https://api.example.test/v1", "field": "reasoning_content",
                "calls": {"call_1": {"google": {"thought_signature": "sig"}}}})
        }
        Wire::Responses => {
            json!({"wire": "responses", "base": "https://api.example.test/v1",
                "item": {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "enc"}})
        }
        Wire::Anthropic => {
            json!({"wire": "anthropic", "base": "https://api.example.test/v1", "signature": "sig"})
        }
    };
    let mut foreign = own.clone();
    foreign["base"] = json!("https://elsewhere.test/v1");
    let image = Image {
        media_type: "image/png".to_owned(),
        data: "iVBORw0KGgo=".to_owned(),
    };
    let thought = |text: &str, opaque| Part::Reasoning {
        text: text.to_owned(),
        opaque,
    };
    vec![
        message(
            Role::User,
            vec![Part::Text("Look at this".to_owned()), Part::Image(image)],
        ),
        message(
            Role::Assistant,
            vec![
                thought("I think", Some(own.clone())),
                thought("Somebody else thinks", Some(foreign)),
                thought("Nobody wants it back", None),
                Part::Text("I read \"it\"".to_owned()),
                call("call_1", "read_file", "{\"path\": \"a.rs\"}"),
                call("functions.run:2", "run_command", "{}"),
            ],
        ),
        message(
            Role::User,
            vec![
                result("call_1", "1\tfn main() {}\n", false),
                result("functions.run:2", "no such command", true),
                Part::Text("And hurry".to_owned()),
            ],
        ),
        message(
            Role::Assistant,
            vec![
                Part::Text("Done".to_owned()),
                Part::Text("Really".to_owned()),
                thought("A loose end", Some(own)),
            ],
        ),
        user("Thanks"),
    ]
}

fn body(wire: Wire, change: impl FnOnce(&mut Target, &mut Request<'_>)) -> (String, String) {
    let messages = conversation(wire);
    let tools = tools();
    let mut target = target(wire);
    let mut request = request(&messages, &tools);
    change(&mut target, &mut request);
    let encoded = encode(&target, &request).expect("it can be encoded");
    let json: Value = serde_json::from_slice(&encoded.body).expect("a body is JSON");
    let headers: Vec<String> = encoded
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    (
        format!("POST {}\n{}", encoded.url, headers.join("\n")),
        serde_json::to_string_pretty(&json).expect("it was JSON"),
    )
}

#[rstest::rstest]
#[case::chat(Wire::Chat)]
#[case::responses(Wire::Responses)]
#[case::anthropic(Wire::Anthropic)]
fn every_kind_of_part(#[case] wire: Wire) {
    let (head, body) = body(wire, |_, _| {});
    assert!(!head.contains("canary"), "keys are marked: {head}");
    insta::assert_snapshot!(format!("every_part_{wire:?}"), format!("{head}\n\n{body}"));
}

#[rstest::rstest]
#[case::chat(Wire::Chat)]
#[case::responses(Wire::Responses)]
#[case::anthropic(Wire::Anthropic)]
fn limits_and_schemas(#[case] wire: Wire) {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}},
        "required": ["a"], "additionalProperties": false});
    let messages = [user("Hello")];
    let mut request = request(&messages, &[]);
    request.max_output_tokens = Some(1000);
    request.output_schema = Some(&closed);
    let mut target = target(wire);
    target.key = None;
    target.endpoint.base_url = "https://api.openai.com/v1/?api-version=1".to_owned();
    let encoded = encode(&target, &request).expect("it can be encoded");
    let json: Value = serde_json::from_slice(&encoded.body).expect("a body is JSON");
    let body = serde_json::to_string_pretty(&json).expect("it was JSON");
    insta::assert_snapshot!(
        format!("limits_{wire:?}"),
        format!("{}\n\n{body}", encoded.url)
    );
}

#[test]
fn requests_of_a_session_share_their_start() {
    for wire in WIRES {
        let tools = tools();
        let messages = conversation(wire);
        let bytes = |count: usize| {
            let encoded = encode(&target(wire), &request(&messages[..count], &tools));
            String::from_utf8(encoded.expect("it can be encoded").body.to_vec()).expect("JSON")
        };
        let (short, long) = (bytes(3), bytes(5));
        let common = short
            .bytes()
            .zip(long.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        // The tools, the system prompt and the first message at least; on Anthropic the mark for the cache wanders.
        let shared = &short[..common];
        assert!(shared.contains("run_command"), "{wire:?}: {shared}");
        assert!(shared.contains("Look at this"), "{wire:?}: {shared}");
        if wire != Wire::Anthropic {
            assert!(shared.contains("And hurry"), "{wire:?}: {shared}");
        }
    }
}

#[rstest::rstest]
#[case("", "model", "no model is chosen")]
#[case("not a url", "base", "`not a url` is wrong")]
#[case("mailto:a@b", "base", "cannot have a path")]
#[case("sk-\nsecret", "key", "the key holds characters")]
fn settings_that_make_no_request(#[case] value: &str, #[case] field: &str, #[case] words: &str) {
    let mut target = target(Wire::Chat);
    match field {
        "model" => value.clone_into(&mut target.endpoint.model),
        "base" => value.clone_into(&mut target.endpoint.base_url),
        _ => target.key = Some(SecretString::from(value.to_owned())),
    }
    let Err(kind) = encode(&target, &request(&[], &[])) else {
        panic!("this must not be sent");
    };
    let text = kind.to_string();
    assert!(text.contains(words), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn anthropic_limits_follow_the_model() {
    for (model, window, expected) in [
        ("claude-3-haiku-20240307", None, 4_096),
        ("claude-3-5-sonnet-latest", None, 8_192),
        ("claude-sonnet-4-5", None, 32_000),
        ("local", Some(8_192), 4_096),
    ] {
        let (_, body) = body(Wire::Anthropic, |target, _| {
            model.clone_into(&mut target.endpoint.model);
            target.endpoint.context_window = window;
        });
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["max_tokens"], expected, "{model}");
    }
}

#[test]
fn encrypted_reasoning_is_not_asked_of_models_without() {
    for (model, asked) in [("gpt-4.1", false), ("gpt-5.1-codex", true), ("o3", true)] {
        let (_, body) = body(Wire::Responses, |target, _| {
            model.clone_into(&mut target.endpoint.model);
        });
        assert_eq!(
            body.contains("encrypted_content\"\n"),
            asked,
            "{model}: {body}"
        );
    }
}
