//! A request as the body of `POST {base}/chat/completions`.

use crate::{
    call::{Message, Part, Request, Role},
    wire::{DataUrl, Joined, Output, fits_strict, own_opaque, without_loose_end},
};
use kerf_protocol::{endpoint::Endpoint, item::Image};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Tools, system prompt and messages come first and in this order, so that requests of a session share their start.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    messages: Vec<Wire<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    r#type: &'static str,
    json_schema: JsonSchema<'a>,
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a Value,
}

#[derive(Serialize)]
struct Wire<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Joined<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Joined<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Called<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<&'a Value>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// Plain text where there is only text: some servers take nothing else.
enum Content<'a> {
    Nothing,
    Text(Joined<'a>),
    Output(Output<'a>),
    Parts(Vec<ContentPart<'a>>),
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Content::Nothing => serializer.serialize_none(),
            Content::Text(text) => text.serialize(serializer),
            Content::Output(output) => output.serialize(serializer),
            Content::Parts(parts) => parts.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: DataUrl<'a>,
}

impl<'a> Wire<'a> {
    fn new(role: &'static str, content: Content<'a>) -> Self {
        Self {
            role,
            tool_call_id: None,
            content,
            reasoning_content: None,
            reasoning: None,
            reasoning_details: None,
            tool_calls: Vec::new(),
        }
    }
}

pub(in crate::wire) fn encode(
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> serde_json::Result<Vec<u8>> {
    // Names that only OpenAI itself knows; others refuse requests with fields they do not know.
    let openai =
        super::super::url(endpoint, "").is_ok_and(|url| url.host_str() == Some("api.openai.com"));
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.is_empty() {
        messages.push(Wire::new(
            "system",
            Content::Text(Joined(vec![request.system])),
        ));
    }
    for message in request.messages {
        match message.role {
            Role::User => user(message, &mut messages),
            Role::Assistant => messages.extend(assistant(endpoint, message)),
        }
    }
    let tools = request.tools.iter().map(|tool| Tool {
        r#type: "function",
        function: Function {
            name: &tool.name,
            description: &tool.description,
            parameters: &tool.schema,
        },
    });
    serde_json::to_vec(&Body {
        model: &endpoint.model,
        tools: tools.collect(),
        messages,
        stream: true,
        stream_options: StreamOptions {
            include_usage: true,
        },
        max_tokens: request.max_output_tokens.filter(|_| !openai),
        max_completion_tokens: request.max_output_tokens.filter(|_| openai),
        response_format: request.output_schema.map(|schema| ResponseFormat {
            r#type: "json_schema",
            json_schema: JsonSchema {
                name: "reply",
                strict: fits_strict(schema),
                schema,
            },
        }),
        prompt_cache_key: Some(request.cache_key).filter(|key| openai && !key.is_empty()),
    })
}

/// Results first, each a message of its own, then what the user says.
fn user<'a>(message: &'a Message, messages: &mut Vec<Wire<'a>>) {
    let mut texts: Vec<&str> = Vec::new();
    let mut images: Vec<&Image> = Vec::new();
    for part in &message.parts {
        match part {
            Part::ToolResult {
                call_id,
                output,
                failed,
            } => messages.push(Wire {
                tool_call_id: Some(call_id),
                ..Wire::new(
                    "tool",
                    Content::Output(Output {
                        text: output,
                        failed: *failed,
                    }),
                )
            }),
            Part::Text(text) => texts.push(text),
            Part::Image(image) => images.push(image),
            Part::Reasoning { .. } | Part::ToolCall { .. } => {}
        }
    }
    if !images.is_empty() {
        let texts = texts
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| ContentPart::Text { text });
        let images = images.into_iter().map(|image| ContentPart::ImageUrl {
            image_url: ImageUrl {
                url: DataUrl(image),
            },
        });
        let parts = texts.chain(images).collect();
        messages.push(Wire::new("user", Content::Parts(parts)));
    } else if !texts.is_empty() {
        messages.push(Wire::new("user", Content::Text(Joined(texts))));
    }
}

fn assistant<'a>(endpoint: &Endpoint, message: &'a Message) -> Option<Wire<'a>> {
    let mut texts = Vec::new();
    let mut wire = Wire::new("assistant", Content::Nothing);
    let mut extras = None;
    for part in without_loose_end(&message.parts) {
        match part {
            Part::Text(text) if !text.is_empty() => texts.push(text.as_str()),
            Part::ToolCall {
                call_id,
                name,
                arguments,
            } => wire.tool_calls.push(ToolCall {
                id: call_id,
                r#type: "function",
                function: Called { name, arguments },
                extra_content: None,
            }),
            Part::Reasoning { text, opaque } => {
                let Some(opaque) = own_opaque(endpoint, opaque) else {
                    continue;
                };
                // Reasoning goes back under the name it came by; an endpoint that never sent the field never sees it.
                let field = match opaque["field"].as_str() {
                    Some("reasoning_content") => Some(&mut wire.reasoning_content),
                    Some("reasoning") => Some(&mut wire.reasoning),
                    _ => None,
                };
                if let Some(field) = field.filter(|_| !text.is_empty()) {
                    field.get_or_insert(Joined(Vec::new())).0.push(text);
                }
                wire.reasoning_details = opaque.get("details").or(wire.reasoning_details);
                extras = opaque.get("calls").or(extras);
            }
            _ => {}
        }
    }
    for call in &mut wire.tool_calls {
        call.extra_content = extras.and_then(|extras| extras.get(call.id));
    }
    if texts.is_empty() && wire.tool_calls.is_empty() {
        return None;
    }
    if !texts.is_empty() {
        wire.content = Content::Text(Joined(texts));
    }
    Some(wire)
}
