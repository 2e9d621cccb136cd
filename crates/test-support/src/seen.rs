//! What a model request says, read back from any of the three wires, for asserts that do not care which.

use serde_json::Value;

/// A model request, wire-neutral.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The model asked for.
    pub model: String,
    /// The system prompt, all its parts joined.
    pub system: String,
    /// Role (`user` or `assistant`) and text of every text part, in order.
    pub texts: Vec<(String, String)>,
    /// Call id, name and arguments of every tool call in the history, in order.
    pub calls: Vec<(String, String, Value)>,
    /// Call id and output of every tool result, in order.
    pub results: Vec<(String, String)>,
    /// The names of the tools on offer, in order.
    pub tools: Vec<String>,
    /// How many images it carries.
    pub images: usize,
}

impl Seen {
    /// The text of the last user message, or nothing.
    #[must_use]
    pub fn last_user_text(&self) -> Option<&str> {
        self.texts
            .iter()
            .rev()
            .find(|(role, _)| role == "user")
            .map(|(_, text)| text.as_str())
    }

    /// The output that was handed back for this call, or nothing.
    #[must_use]
    pub fn result_of(&self, call_id: &str) -> Option<&str> {
        self.results
            .iter()
            .find(|(id, _)| id == call_id)
            .map(|(_, output)| output.as_str())
    }

    /// Reads a request body. What it does not know it leaves out.
    #[must_use]
    pub fn read(request: &Value) -> Self {
        let mut seen = Self {
            model: string(&request["model"]),
            ..Self::default()
        };
        seen.system = [
            string(&request["instructions"]),
            text_of(&request["system"]),
        ]
        .concat();
        for message in list(&request["messages"])
            .iter()
            .chain(list(&request["input"]))
        {
            seen.add_message(message);
        }
        if let Value::String(text) = &request["input"] {
            seen.texts.push(("user".to_owned(), text.clone()));
        }
        for tool in list(&request["tools"]) {
            let function = if tool["function"].is_object() {
                &tool["function"]
            } else {
                tool
            };
            seen.tools.push(string(&function["name"]));
        }
        seen
    }

    fn add_message(&mut self, message: &Value) {
        match message["type"].as_str() {
            Some("function_call") => return self.add_call(&message["call_id"], message),
            Some("function_call_output") => {
                return self
                    .results
                    .push((string(&message["call_id"]), text_of(&message["output"])));
            }
            _ => {}
        }
        match message["role"].as_str() {
            Some("system" | "developer") => self.system.push_str(&text_of(&message["content"])),
            Some("tool") => self.results.push((
                string(&message["tool_call_id"]),
                text_of(&message["content"]),
            )),
            Some(role) => self.add_content(role, &message["content"]),
            None => {}
        }
        for call in list(&message["tool_calls"]) {
            self.add_call(&call["id"], &call["function"]);
        }
    }

    fn add_content(&mut self, role: &str, content: &Value) {
        if let Value::String(text) = content {
            self.texts.push((role.to_owned(), text.clone()));
        }
        for part in list(content) {
            match part["type"].as_str() {
                Some("text" | "input_text" | "output_text") => {
                    self.texts.push((role.to_owned(), string(&part["text"])));
                }
                Some("image" | "image_url" | "input_image") => self.images += 1,
                Some("tool_use") => self.add_call(&part["id"], part),
                Some("tool_result") => {
                    self.results
                        .push((string(&part["tool_use_id"]), text_of(&part["content"])));
                }
                _ => {}
            }
        }
    }

    fn add_call(&mut self, id: &Value, call: &Value) {
        let arguments = match &call["arguments"] {
            Value::String(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
            }
            _ => call["input"].clone(),
        };
        self.calls
            .push((string(id), string(&call["name"]), arguments));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A string, or the joined texts of a list of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        parts => list(parts)
            .iter()
            .map(|part| string(&part["text"]))
            .collect(),
    }
}
