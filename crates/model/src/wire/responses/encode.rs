//! A request as the body of `POST {base}/responses`.

use crate::{
    call::{Message, Part, Request, Role},
    wire::{DataUrl, Output, WireId, fits_strict, own_opaque, without_loose_end},
};
use kerf_protocol::endpoint::Endpoint;
use serde::Serialize;
use serde_json::Value;

/// Tools, instructions and input come first and in this order, so that requests of a session share their start.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    input: Vec<Item<'a>>,
    stream: bool,
    store: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    prompt_cache_key: &'a str,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    /// Said outright: left out it means true, and then schemas with optional arguments are refused.
    strict: bool,
    parameters: &'a Value,
}

#[derive(Serialize)]
struct Text<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    name: &'static str,
    strict: bool,
    schema: &'a Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Tagged(Tagged<'a>),
    /// A reasoning item, exactly as it came.
    Kept(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tagged<'a> {
    Message {
        role: &'static str,
        content: Vec<Content<'a>>,
    },
    FunctionCall {
        call_id: WireId<'a>,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: WireId<'a>,
        output: Output<'a>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    InputText { text: &'a str },
    InputImage { image_url: DataUrl<'a> },
    OutputText { text: &'a str },
}

pub(in crate::wire) fn encode(
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> serde_json::Result<Vec<u8>> {
    let mut input = Vec::with_capacity(request.messages.len());
    for message in request.messages {
        match message.role {
            Role::User => user(message, &mut input),
            Role::Assistant => assistant(endpoint, message, &mut input),
        }
    }
    let tools = request.tools.iter().map(|tool| Tool {
        r#type: "function",
        name: &tool.name,
        description: &tool.description,
        strict: false,
        parameters: &tool.schema,
    });
    serde_json::to_vec(&Body {
        model: &endpoint.model,
        tools: tools.collect(),
        instructions: request.system,
        input,
        stream: true,
        store: false,
        include: if reasons(&endpoint.model) {
            &["reasoning.encrypted_content"]
        } else {
            &[]
        },
        max_output_tokens: request.max_output_tokens,
        text: request.output_schema.map(|schema| Text {
            format: Format {
                r#type: "json_schema",
                name: "reply",
                strict: fits_strict(schema),
                schema,
            },
        }),
        prompt_cache_key: request.cache_key,
    })
}

/// Asking a model that does not reason for its encrypted reasoning is an error. Those models are a closed set.
fn reasons(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    !["gpt-3", "gpt-4", "chatgpt-"]
        .iter()
        .any(|old| name.starts_with(old))
        && !name.contains("-chat")
}

fn user<'a>(message: &'a Message, input: &mut Vec<Item<'a>>) {
    let mut content = Vec::new();
    for part in &message.parts {
        match part {
            Part::ToolResult {
                call_id,
                output,
                failed,
            } => input.push(Item::Tagged(Tagged::FunctionCallOutput {
                call_id: WireId(call_id),
                output: Output {
                    text: output,
                    failed: *failed,
                },
            })),
            Part::Text(text) if !text.is_empty() => content.push(Content::InputText { text }),
            Part::Image(image) => content.push(Content::InputImage {
                image_url: DataUrl(image),
            }),
            _ => {}
        }
    }
    if !content.is_empty() {
        input.push(Item::Tagged(Tagged::Message {
            role: "user",
            content,
        }));
    }
}

fn assistant<'a>(endpoint: &Endpoint, message: &'a Message, input: &mut Vec<Item<'a>>) {
    for part in without_loose_end(&message.parts) {
        match part {
            Part::Text(text) if !text.is_empty() => input.push(Item::Tagged(Tagged::Message {
                role: "assistant",
                content: vec![Content::OutputText { text }],
            })),
            Part::Reasoning { opaque, .. } => {
                if let Some(item) = own_opaque(endpoint, opaque).and_then(|kept| kept.get("item")) {
                    input.push(Item::Kept(item));
                }
            }
            Part::ToolCall {
                call_id,
                name,
                arguments,
            } => input.push(Item::Tagged(Tagged::FunctionCall {
                call_id: WireId(call_id),
                name,
                arguments,
            })),
            _ => {}
        }
    }
}
