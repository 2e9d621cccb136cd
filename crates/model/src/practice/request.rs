//! What the practice endpoint needs to know of a request.

use crate::wire::FAILED;
use serde_json::Value;

/// A request as the practice endpoint sees it.
#[derive(Debug)]
pub(super) struct Asked {
    /// What the user said last.
    pub(super) text: String,
    /// The names of the tools that are offered.
    pub(super) tools: Vec<String>,
    /// The tool calls since then, in order.
    pub(super) steps: Vec<Step>,
    /// How many tool calls there are in the whole conversation; new ids count on from here.
    pub(super) calls: usize,
}

/// A tool call and its result.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) id: String,
    pub(super) tool: String,
    pub(super) arguments: Value,
    /// None: the result is missing.
    pub(super) output: Option<String>,
    pub(super) failed: bool,
}

pub(super) fn read(body: &[u8]) -> Result<Asked, String> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|error| format!("the request is not JSON: {error}"))?;
    let messages = json["messages"]
        .as_array()
        .ok_or("the request has no `messages`")?;
    let tools = json["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tool| tool["function"]["name"].as_str())
        .map(str::to_owned)
        .collect();
    let mut asked = Asked {
        text: String::new(),
        tools,
        steps: Vec::new(),
        calls: 0,
    };
    for message in messages {
        match message["role"].as_str() {
            Some("user") => {
                asked.text = content(&message["content"]);
                asked.steps.clear();
            }
            Some("assistant") => {
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    asked.calls += 1;
                    let function = &call["function"];
                    let arguments = function["arguments"].as_str().unwrap_or_default();
                    asked.steps.push(Step {
                        id: call["id"].as_str().unwrap_or_default().to_owned(),
                        tool: function["name"].as_str().unwrap_or_default().to_owned(),
                        arguments: serde_json::from_str(arguments).unwrap_or(Value::Null),
                        output: None,
                        failed: false,
                    });
                }
            }
            Some("tool") => {
                let text = content(&message["content"]);
                let waiting = asked
                    .steps
                    .iter_mut()
                    .rfind(|step| step.id == message["tool_call_id"] && step.output.is_none());
                if let Some(step) = waiting {
                    step.failed = text.starts_with(FAILED);
                    let words = text.strip_prefix(FAILED).unwrap_or(&text);
                    step.output = Some(words.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(asked)
}

/// Text as a string, or as a list of parts of which some are text.
fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect();
            texts.join("\n\n")
        }
        _ => String::new(),
    }
}
