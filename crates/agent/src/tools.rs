//! The tools that a model is offered: one struct each, whose fields are the arguments and whose doc comments
//! are the descriptions that the model reads. Short, because they travel with every request.

pub(crate) mod change;
pub(crate) mod command;
pub(crate) mod look;
pub(crate) mod search;

use kerf_model::ToolSpec;
use kerf_protocol::{
    item::{Exit, FileChange, ItemStatus, PlanStep},
    ledger::FileRange,
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Deserialize;
use std::sync::OnceLock;

/// What came of a tool call.
#[derive(Debug, Clone)]
pub(crate) struct ToolOutput {
    pub(crate) status: ItemStatus,
    pub(crate) text: String,
    pub(crate) quotes: Vec<FileRange>,
    pub(crate) changes: Vec<FileChange>,
    pub(crate) exit: Option<Exit>,
    /// Whether it tells of something that goes on: the same call may give another result by time alone.
    pub(crate) goes_on: bool,
}

impl ToolOutput {
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self {
            status: ItemStatus::Completed,
            text: text.into(),
            quotes: Vec::new(),
            changes: Vec::new(),
            exit: None,
            goes_on: false,
        }
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self {
            status: ItemStatus::Failed,
            ..Self::done(text)
        }
    }

    pub(crate) fn with_status(status: ItemStatus, text: impl Into<String>) -> Self {
        Self {
            status,
            ..Self::done(text)
        }
    }
}

/// What a tool does to the world; decides about approval, order and parallelism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only looks.
    Reads,
    /// It changes files that it names.
    Edits,
    /// It may change anything in the workspace.
    Runs,
    /// It talks to the user.
    Talks,
}

/// A call that does not fit its schema.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("there is no tool `{name}`; the tools are {}", names().join(", "))]
    UnknownTool { name: String },
    #[error(
        "the arguments of `{tool}` do not fit: {source}. They must be one JSON object: {shape}"
    )]
    Arguments {
        tool: &'static str,
        shape: String,
        source: serde_json::Error,
    },
}

macro_rules! tools {
    ($($name:literal $variant:ident($arguments:ty) $effect:ident;)*) => {
        /// A call whose arguments fit.
        #[derive(Debug, Clone)]
        pub(crate) enum Tool {
            $($variant($arguments),)*
        }

        impl Tool {
            /// Reads a call.
            pub(crate) fn parse(name: &str, arguments: &str) -> Result<Self, CallError> {
                match name {
                    $($name => serde_json::from_str(arguments).map(Self::$variant).map_err(|source| {
                        CallError::Arguments { tool: $name, shape: shape($name), source }
                    }),)*
                    _ => Err(CallError::UnknownTool { name: name.to_owned() }),
                }
            }

            pub(crate) fn effect(&self) -> Effect {
                match self {
                    $(Self::$variant(_) => Effect::$effect,)*
                }
            }
        }

        /// The tools with their schemas.
        pub(crate) fn specs() -> &'static [ToolSpec] {
            static SPECS: OnceLock<Vec<ToolSpec>> = OnceLock::new();
            SPECS.get_or_init(|| vec![$(spec::<$arguments>($name),)*])
        }
    };
}

tools! {
    "read_file" ReadFile(look::ReadFile) Reads;
    "list_dir" ListDir(look::ListDir) Reads;
    "find_files" FindFiles(search::FindFiles) Reads;
    "grep" Grep(search::Grep) Reads;
    "search_code" SearchCode(search::SearchCode) Reads;
    "symbols" Symbols(search::Symbols) Reads;
    "outline" Outline(search::Outline) Reads;
    "edit_file" EditFile(change::EditFile) Edits;
    "write_file" WriteFile(change::WriteFile) Edits;
    "apply_patch" ApplyPatch(change::ApplyPatch) Edits;
    "run_command" RunCommand(command::RunCommand) Runs;
    "update_plan" UpdatePlan(UpdatePlan) Talks;
    "ask_user" AskUser(AskUser) Talks;
}

/// Shows the user the plan as it now stands: all steps, at most one in progress.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdatePlan {
    pub(crate) steps: Vec<PlanStep>,
}

/// Asks the user a question that only the user can answer, and waits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskUser {
    pub(crate) question: String,
    /// Answers to choose from.
    #[serde(default)]
    pub(crate) options: Vec<String>,
}

impl Tool {
    /// Whether values go into the arguments where placeholders stand. A command takes them when it runs, and what the
    /// user is asked or shown has none.
    pub(crate) fn takes_values(&self) -> bool {
        matches!(self.effect(), Effect::Reads | Effect::Edits)
    }

    /// One line for people.
    pub(crate) fn title(&self) -> String {
        let title = match self {
            Self::ReadFile(call) => call.title(),
            Self::ListDir(call) => format!("List {}", or_root(&call.path)),
            Self::FindFiles(call) => format!("Find files {}", call.pattern),
            Self::Grep(call) => format!("Search for {}", call.pattern),
            Self::SearchCode(call) => format!("Search for {}", call.query),
            Self::Symbols(call) => format!("Find the definition of {}", call.name),
            Self::Outline(call) => format!("Outline {}", or_root(&call.path)),
            Self::EditFile(call) => format!("Edit {}", call.path),
            Self::WriteFile(call) => format!("Write {}", call.path),
            Self::ApplyPatch(call) => call.title(),
            Self::RunCommand(call) => call.title(),
            Self::UpdatePlan(call) => format!("Plan: {} steps", call.steps.len()),
            Self::AskUser(call) => format!("Ask: {}", call.question),
        };
        one_line(&title)
    }
}

pub(crate) fn or_root(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

/// A title may quote anything that the model wrote, so it is made one short line of visible text.
fn one_line(text: &str) -> String {
    const MAX_CHARS: usize = 160;
    let mut line: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(MAX_CHARS + 1)
        .collect();
    if line.chars().count() > MAX_CHARS {
        line.pop();
        line.push('…');
    }
    line
}

fn names() -> Vec<&'static str> {
    specs().iter().map(|spec| spec.name.as_str()).collect()
}

fn shape(name: &str) -> String {
    specs()
        .iter()
        .find(|spec| spec.name == name)
        .map_or_else(String::new, |spec| spec.schema.to_string())
}

fn spec<T: JsonSchema>(name: &str) -> ToolSpec {
    // Many endpoints refuse `$ref`, so everything is inlined.
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    let description = schema
        .as_object_mut()
        .and_then(|object| object.remove("description"))
        .and_then(|text| text.as_str().map(str::to_owned))
        .unwrap_or_default();
    lighten(&mut schema);
    ToolSpec {
        name: name.to_owned(),
        description,
        schema,
    }
}

/// Takes out of a schema what costs tokens and tells a model nothing.
fn lighten(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(object) => {
            for key in ["title", "format", "default", "minimum"] {
                if object.get(key).is_some_and(|value| !value.is_object()) {
                    object.remove(key);
                }
            }
            // `"type": ["string", "null"]` of an optional field: leaving it out says the same.
            if let Some(serde_json::Value::Array(types)) = object.get("type")
                && let Some(first) = types.iter().find(|kind| *kind != "null").cloned()
            {
                object.insert("type".to_owned(), first);
            }
            object.values_mut().for_each(lighten);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(lighten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_inlined_and_short() {
        let all =
            serde_json::to_string(&specs().iter().map(|spec| &spec.schema).collect::<Vec<_>>())
                .unwrap();
        assert!(!all.contains("$ref"), "many endpoints refuse $ref: {all}");
        assert!(!all.contains("$schema"), "{all}");
        let bytes: usize = specs()
            .iter()
            .map(|spec| spec.schema.to_string().len() + spec.description.len())
            .sum();
        assert!(
            bytes < 5_500,
            "tool schemas travel with every request: {bytes} bytes"
        );
        for spec in specs() {
            assert_eq!(spec.schema["type"], "object", "{}", spec.name);
            assert!(!spec.description.is_empty(), "{}", spec.name);
        }
    }

    #[test]
    fn a_call_that_does_not_fit_says_what_would() {
        for (name, arguments, expected) in [
            ("read_file", "{}", "missing field `path`"),
            (
                "read_file",
                r#"{"path":"a","sandbox":"off"}"#,
                "unknown field `sandbox`",
            ),
            ("read_file", r#"{"path":7}"#, "invalid type"),
            ("rm", "{}", "there is no tool `rm`"),
            ("grep", "[]", "invalid"),
        ] {
            let error = Tool::parse(name, arguments).unwrap_err().to_string();
            assert!(error.contains(expected), "{name} {arguments}: {error}");
        }
    }
}
