//! Endpoints that need only a key and a model, and the one that needs nothing.

use kerf_protocol::endpoint::{Endpoint, EndpointOrigin, Preset, Wire};

/// The well-known endpoints: services first, then servers on this machine.
#[must_use]
pub fn presets() -> Vec<Preset> {
    [
        (
            "openai",
            "OpenAI",
            Wire::Responses,
            "https://api.openai.com/v1",
            true,
        ),
        (
            "anthropic",
            "Anthropic",
            Wire::Anthropic,
            "https://api.anthropic.com/v1",
            true,
        ),
        (
            "google",
            "Google Gemini",
            Wire::Chat,
            "https://generativelanguage.googleapis.com/v1beta/openai",
            true,
        ),
        (
            "openrouter",
            "OpenRouter",
            Wire::Chat,
            "https://openrouter.ai/api/v1",
            true,
        ),
        (
            "ollama",
            "Ollama",
            Wire::Chat,
            "http://127.0.0.1:11434/v1",
            false,
        ),
        (
            "lmstudio",
            "LM Studio",
            Wire::Chat,
            "http://127.0.0.1:1234/v1",
            false,
        ),
        (
            "llama.cpp",
            "llama.cpp",
            Wire::Chat,
            "http://127.0.0.1:8080/v1",
            false,
        ),
        (
            "vllm",
            "vLLM",
            Wire::Chat,
            "http://127.0.0.1:8000/v1",
            false,
        ),
    ]
    .into_iter()
    .map(|(name, title, wire, base_url, needs_key)| Preset {
        name: name.to_owned(),
        title: title.to_owned(),
        wire,
        base_url: base_url.to_owned(),
        needs_key,
    })
    .collect()
}

/// The practice endpoint inside Kerf: rules, not a language model. It is reached by [`crate::Door::Practice`].
#[must_use]
pub fn practice_endpoint() -> Endpoint {
    Endpoint {
        name: "practice".to_owned(),
        wire: Wire::Chat,
        base_url: "http://practice.invalid/v1".to_owned(),
        model: "practice".to_owned(),
        context_window: Some(1_000_000),
        origin: EndpointOrigin::Practice,
    }
}
