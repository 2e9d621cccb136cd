//! A request as the body of `POST {base}/messages`.

use crate::{
    call::{Message, Part, Request, Role},
    wire::{Arguments, WireId, own_opaque, without_loose_end},
};
use kerf_protocol::endpoint::Endpoint;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The wire demands a limit for the reply; this one holds a long edit.
const MAX_TOKENS: u64 = 32_000;

/// Tools, system prompt and messages in the order in which the endpoint caches them.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Wire<'a>>,
    stream: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct Wire<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// Marks the end of a start that later requests share. A request may have four.
#[derive(Serialize, Clone, Copy)]
struct CacheControl {
    r#type: &'static str,
}

const CACHED: Option<CacheControl> = Some(CacheControl {
    r#type: "ephemeral",
});

#[derive(Serialize)]
struct Block<'a> {
    #[serde(flatten)]
    body: BlockBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockBody<'a> {
    Text {
        text: Words<'a>,
    },
    Image {
        source: Source<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: WireId<'a>,
        name: &'a str,
        input: Arguments<'a>,
    },
    ToolResult {
        tool_use_id: WireId<'a>,
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

enum Words<'a> {
    Said(&'a str),
    /// The wire has no field for a schema that all its servers know, so the request says it in words.
    Schema(&'a Value),
}

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Words::Said(text) => serializer.serialize_str(text),
            Words::Schema(schema) => serializer.collect_str(&format_args!(
                "Your final answer must be a single JSON value that is valid against this JSON Schema, \
                 with nothing before or after it and no code fence: {schema}"
            )),
        }
    }
}

#[derive(Serialize)]
struct Source<'a> {
    r#type: &'static str,
    media_type: &'a str,
    data: &'a str,
}

impl<'a> Block<'a> {
    fn new(body: BlockBody<'a>) -> Self {
        Self {
            body,
            cache_control: None,
        }
    }

    fn text(text: &'a str) -> Option<Self> {
        // The endpoint refuses blank text.
        (!text.trim().is_empty()).then(|| {
            Self::new(BlockBody::Text {
                text: Words::Said(text),
            })
        })
    }
}

pub(in crate::wire) fn encode(
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> serde_json::Result<Vec<u8>> {
    let mut messages: Vec<Wire<'_>> = request
        .messages
        .iter()
        .map(|message| match message.role {
            Role::User => user(message),
            Role::Assistant => assistant(endpoint, message),
        })
        .filter(|message| !message.content.is_empty())
        .collect();
    let users = messages.iter_mut().filter(|message| message.role == "user");
    for message in users.rev().take(2) {
        if let Some(last) = message.content.last_mut() {
            last.cache_control = CACHED;
        }
    }
    if let (Some(schema), Some(last)) = (request.output_schema, messages.last_mut())
        && last.role == "user"
    {
        last.content.push(Block::new(BlockBody::Text {
            text: Words::Schema(schema),
        }));
    }
    let mut tools: Vec<Tool<'_>> = request
        .tools
        .iter()
        .map(|tool| Tool {
            name: &tool.name,
            description: &tool.description,
            input_schema: &tool.schema,
            cache_control: None,
        })
        .collect();
    if let Some(last) = tools.last_mut() {
        last.cache_control = CACHED;
    }
    let mut system: Vec<Block<'_>> = Block::text(request.system).into_iter().collect();
    if let Some(last) = system.last_mut() {
        last.cache_control = CACHED;
    }
    serde_json::to_vec(&Body {
        model: &endpoint.model,
        max_tokens: request
            .max_output_tokens
            .unwrap_or(MAX_TOKENS)
            .min(most_tokens(endpoint)),
        tools,
        system,
        messages,
        stream: true,
    })
}

/// What the model can write at most; asking for more is an error.
fn most_tokens(endpoint: &Endpoint) -> u64 {
    let model = endpoint.model.as_str();
    let by_name = if model.contains("claude-3-opus") || model.contains("claude-3-haiku") {
        4_096
    } else if model.contains("claude-3-5") {
        8_192
    } else if model.contains("claude-opus-4-0") || model.contains("claude-opus-4-1") {
        32_000
    } else {
        u64::MAX
    };
    let by_window = endpoint
        .context_window
        .map_or(u64::MAX, |window| window / 2);
    by_name.min(by_window).max(1)
}

/// Results come first: the endpoint refuses a message where they follow text.
fn user(message: &Message) -> Wire<'_> {
    let results = message.parts.iter().filter_map(|part| match part {
        Part::ToolResult {
            call_id,
            output,
            failed,
        } => Some(Block::new(BlockBody::ToolResult {
            tool_use_id: WireId(call_id),
            content: output,
            is_error: *failed,
        })),
        _ => None,
    });
    let rest = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Block::text(text),
        Part::Image(image) => Some(Block::new(BlockBody::Image {
            source: Source {
                r#type: "base64",
                media_type: &image.media_type,
                data: &image.data,
            },
        })),
        _ => None,
    });
    Wire {
        role: "user",
        content: results.chain(rest).collect(),
    }
}

fn assistant<'a>(endpoint: &Endpoint, message: &'a Message) -> Wire<'a> {
    let blocks = without_loose_end(&message.parts)
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Block::text(text),
            Part::Reasoning { text, opaque } => {
                let opaque = own_opaque(endpoint, opaque)?;
                let body = match (opaque["signature"].as_str(), opaque["redacted"].as_str()) {
                    (Some(signature), _) => BlockBody::Thinking {
                        thinking: text,
                        signature,
                    },
                    (None, Some(data)) => BlockBody::RedactedThinking { data },
                    (None, None) => return None,
                };
                Some(Block::new(body))
            }
            Part::ToolCall {
                call_id,
                name,
                arguments,
            } => Some(Block::new(BlockBody::ToolUse {
                id: WireId(call_id),
                name,
                input: Arguments(arguments),
            })),
            _ => None,
        });
    Wire {
        role: "assistant",
        content: blocks.collect(),
    }
}
