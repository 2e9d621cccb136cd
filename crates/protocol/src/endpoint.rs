//! Endpoints: model servers and what they serve.

use serde::{Deserialize, Serialize};

/// The wire API that an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Wire {
    /// OpenAI Chat Completions: `POST {base}/chat/completions`.
    Chat,
    /// OpenAI Responses: `POST {base}/responses`.
    Responses,
    /// Anthropic Messages: `POST {base}/messages`.
    Anthropic,
}

/// Where an endpoint's settings came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum EndpointOrigin {
    /// The user's configuration file.
    Configured,
    /// `KERF_BASE_URL` and its companions.
    Environment,
    /// A local server that was found on its default port.
    Discovered,
    /// The practice endpoint inside Kerf: rules, not a language model.
    Practice,
}

/// An endpoint without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Endpoint {
    /// The name that the user chose; unique among the endpoints.
    pub name: String,
    /// The wire API.
    pub wire: Wire,
    /// The base URL up to and including the version, as `https://api.openai.com/v1`; no trailing slash.
    pub base_url: String,
    /// The model's name at that endpoint. Empty: not chosen.
    #[serde(default)]
    pub model: String,
    /// The model's context window in tokens, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub context_window: Option<u64>,
    /// Where these settings came from.
    pub origin: EndpointOrigin,
}

/// A model that an endpoint lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ModelInfo {
    /// The name to ask for.
    pub id: String,
    /// The context window in tokens, when the endpoint tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub context_window: Option<u64>,
}

/// A local server that answered on its default port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Discovered {
    /// The endpoint, named after the server.
    pub endpoint: Endpoint,
    /// The models that it lists, in its order.
    pub models: Vec<ModelInfo>,
}

/// A well-known endpoint that needs only a key and a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Preset {
    /// The word to type: `openai`, `ollama` …
    pub name: String,
    /// The name to show.
    pub title: String,
    /// The wire API.
    pub wire: Wire,
    /// The base URL.
    pub base_url: String,
    /// Whether it wants a key.
    pub needs_key: bool,
}

/// Tokens of one turn, or of one request. Counts are the endpoint's own unless `estimated`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Usage {
    /// Tokens sent, those read from a cache included.
    #[ts(type = "number")]
    pub input_tokens: u64,
    /// Of these, tokens read from the endpoint's cache.
    #[ts(type = "number")]
    pub cached_input_tokens: u64,
    /// Of these, tokens written to the endpoint's cache.
    #[ts(type = "number")]
    pub cache_write_tokens: u64,
    /// Tokens received, reasoning included.
    #[ts(type = "number")]
    pub output_tokens: u64,
    /// Of these, tokens of reasoning.
    #[ts(type = "number")]
    pub reasoning_tokens: u64,
    /// Whether the endpoint told nothing and Kerf estimated.
    #[serde(default)]
    pub estimated: bool,
}

/// An endpoint by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct EndpointRef {
    /// The name.
    pub name: String,
}

/// See `endpoint/add`. The key travels only here, and is written nowhere but to the keyring.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct AddEndpoint {
    /// The name; also of the preset to start from, when there is one of that name and no base URL is given.
    pub name: String,
    /// The base URL; none: the preset's.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The wire API; none: the preset's, else Chat Completions.
    #[serde(default)]
    pub wire: Option<Wire>,
    /// The model.
    #[serde(default)]
    pub model: Option<String>,
    /// The context window in tokens.
    #[serde(default)]
    #[ts(type = "number | null")]
    pub context_window: Option<u64>,
    /// The key.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether it becomes the default.
    #[serde(default)]
    pub default: bool,
}

impl std::fmt::Debug for AddEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddEndpoint")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What became of an added endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct AddedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Where its key is now.
    pub key: KeyPlace,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "place", rename_all = "snake_case")]
#[ts(export)]
pub enum KeyPlace {
    /// There is none.
    None,
    /// In the operating system's keyring.
    Keyring,
    /// In memory, until Kerf ends, because the keyring cannot be used.
    Memory {
        /// Why the keyring cannot be used.
        reason: String,
    },
}
