//! `kerf endpoints`: which model servers there are.

use crate::{
    args::Endpoints,
    commands::usage,
    exit::Exit,
    output::{Output, Style, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    endpoint::{AddEndpoint, Endpoint, EndpointRef, KeyPlace, Wire},
    request::{Nothing, method},
};
use std::io::{IsTerminal, stdin};

pub(crate) async fn run(
    engine: &Engine,
    command: Endpoints,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Endpoints::List => {
            let endpoints = engine.call::<method::EndpointList>(Nothing {}).await?;
            if endpoints.is_empty() && !output.json() {
                output.line("no endpoint is configured; `kerf endpoints add` adds one, `kerf endpoints discover` finds local servers");
                output.line("until then the practice endpoint serves: rules inside Kerf, not a language model");
            }
            for endpoint in &endpoints {
                if output.json() {
                    output.object(endpoint)
                } else {
                    output.line(&describe(endpoint))
                }
            }
        }
        Endpoints::Add {
            name,
            base_url,
            wire,
            model,
            context_window,
            key,
            default,
        } => {
            let key = if key { Some(read_key(&name)?) } else { None };
            let add = AddEndpoint {
                name,
                base_url,
                wire: wire.map(Into::into),
                model,
                context_window,
                key,
                default,
            };
            let added = engine.call::<method::EndpointAdd>(add).await?;
            if output.json() {
                output.object(&added);
            } else {
                output.line(&format!("added {}", describe(&added.endpoint)));
            }
            if let KeyPlace::Memory { reason } = &added.key {
                // The memory of this program ends with it.
                output.flush();
                output.failure(&usage(
                    format!("the key was not kept, because the keyring cannot be used: {reason}"),
                    "Set KERF_API_KEY and KERF_BASE_URL for a run, or unlock the keyring and add the endpoint again",
                ));
                return Ok(Exit::Usage);
            }
        }
        Endpoints::Remove { name } => {
            engine
                .call::<method::EndpointRemove>(EndpointRef { name })
                .await?;
        }
        Endpoints::Test { name } => {
            let name = match name {
                Some(name) => name,
                None => engine
                    .call::<method::EndpointList>(Nothing {})
                    .await?
                    .into_iter()
                    .next()
                    .map(|endpoint| endpoint.name)
                    .ok_or_else(|| {
                        usage("no endpoint is configured", "`kerf endpoints add` adds one")
                    })?,
            };
            let models = engine
                .call::<method::EndpointModels>(EndpointRef { name: name.clone() })
                .await?;
            if !output.json() {
                output.line(&format!(
                    "{}: {} answers with {} models",
                    output.styled(Style::Good, "ok"),
                    visible(&name),
                    models.len()
                ));
            }
            for model in &models {
                if output.json() {
                    output.object(model);
                } else {
                    let window = model
                        .context_window
                        .map(|tokens| format!("  {tokens} tokens"))
                        .unwrap_or_default();
                    output.line(&format!("  {}{window}", visible(&model.id)));
                }
            }
        }
        Endpoints::Discover => {
            let found = engine.call::<method::EndpointDiscover>(Nothing {}).await?;
            if found.is_empty() && !output.json() {
                output.line("no local server answers on the default ports of Ollama (11434), LM Studio (1234), llama.cpp (8080) and vLLM (8000)");
            }
            for server in &found {
                if output.json() {
                    output.object(server);
                } else {
                    output.line(&describe(&server.endpoint));
                    for model in &server.models {
                        output.line(&format!("  {}", visible(&model.id)));
                    }
                }
            }
        }
        Endpoints::Presets => {
            for preset in engine.call::<method::EndpointPresets>(Nothing {}).await? {
                if output.json() {
                    output.object(&preset);
                } else {
                    let key = if preset.needs_key { "key" } else { "no key" };
                    output.line(&format!(
                        "{:<12} {:<16} {:<10} {:<7} {}",
                        preset.name,
                        preset.title,
                        wire_name(preset.wire),
                        key,
                        preset.base_url
                    ));
                }
            }
        }
    }
    output.flush();
    Ok(Exit::Done)
}

fn describe(endpoint: &Endpoint) -> String {
    let model = if endpoint.model.is_empty() {
        "no model chosen"
    } else {
        &endpoint.model
    };
    format!(
        "{:<14} {:<10} {:<42} {}",
        visible(&endpoint.name),
        wire_name(endpoint.wire),
        visible(&endpoint.base_url),
        visible(model)
    )
}

fn wire_name(wire: Wire) -> &'static str {
    match wire {
        Wire::Chat => "chat",
        Wire::Responses => "responses",
        Wire::Anthropic => "anthropic",
    }
}

/// A key is typed unseen or piped in: a command line can be read by every program of the machine.
fn read_key(name: &str) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| usage(format!("the key cannot be read: {error}"), "");
    let key = if stdin().is_terminal() {
        rpassword::prompt_password(format!("key for {name}: ")).map_err(unreadable)?
    } else {
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(unreadable)?;
        line
    };
    let key = key.trim().to_owned();
    if key.is_empty() {
        Err(usage("the key is empty", ""))
    } else {
        Ok(key)
    }
}
