//! The search for model servers on this machine.

use crate::models;
use bytes::Bytes;
use futures_util::future::join_all;
use kerf_egress::{About, Allowed, Egress, Outbound, Timeouts};
use kerf_protocol::{
    endpoint::{Discovered, Endpoint, EndpointOrigin, ModelInfo, Wire},
    ledger::Purpose,
};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The ports that are asked. The default is those of Ollama, LM Studio, llama.cpp and vLLM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultPorts(pub Vec<u16>);

impl Default for DefaultPorts {
    fn default() -> Self {
        Self(vec![11434, 1234, 8080, 8000])
    }
}

impl DefaultPorts {
    /// These ports of 127.0.0.1 and nothing else.
    fn allowed(&self) -> Allowed {
        let bases = self
            .0
            .iter()
            .filter_map(|port| Url::parse(&base(*port)).ok());
        bases.fold(Allowed::none().local_only(), |allowed, base| {
            allowed.clone().with(&base).unwrap_or(allowed)
        })
    }
}

fn base(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1")
}

/// A closed port of this machine refuses at once, so patience costs only where something listens: a server that
/// computes an answer on all cores is slow to give its list.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_millis(300),
    first_byte: Duration::from_secs(3),
    idle: Duration::from_secs(1),
};

/// The longest time for the list itself, once it begins to come.
const WHOLE_ANSWER: Duration = Duration::from_secs(2);

/// The most bytes of an answer.
const MAX_ANSWER: usize = 1024 * 1024;

/// Asks every port of 127.0.0.1 for its list of models, all at once. Ports where nothing answers, or something
/// else, are left out; the order is that of the ports. The allow-list of `egress` does not matter: this search may
/// reach those ports and no other place. Its ledger has a row for each.
pub async fn discover(egress: &Egress, ports: &DefaultPorts) -> Vec<Discovered> {
    let egress = egress.with_allowed(ports.allowed());
    let found = join_all(ports.0.iter().map(|port| ask(&egress, *port))).await;
    let mut found: Vec<Discovered> = found.into_iter().flatten().collect();
    // Names are unique among the endpoints: a second server of a kind gets its port.
    for n in 1..found.len() {
        let (before, rest) = found.split_at_mut(n);
        let endpoint = &mut rest[0].endpoint;
        if before
            .iter()
            .any(|other| other.endpoint.name == endpoint.name)
            && let Some(port) = Url::parse(&endpoint.base_url)
                .ok()
                .and_then(|url| url.port())
        {
            endpoint.name = format!("{}-{port}", endpoint.name);
        }
    }
    found
}

async fn ask(egress: &Egress, port: u16) -> Option<Discovered> {
    let base_url = base(port);
    let outbound = Outbound {
        method: http::Method::GET,
        url: Url::parse(&format!("{base_url}/models")).ok()?,
        headers: Vec::new(),
        body: Bytes::new(),
        about: About {
            purpose: Purpose::Discovery,
            session_id: None,
            turn_id: None,
            files: Vec::new(),
        },
        timeouts: TIMEOUTS,
    };
    // Its time counts from when the request leaves: writing the ledger's row before may take long on a busy disk.
    let inbound = egress.send(outbound).await.ok()?;
    let server = inbound.headers.get(http::header::SERVER);
    let server = server.and_then(|server| server.to_str().ok());
    let server = server.unwrap_or_default().to_owned();
    if !inbound.status.is_success() {
        return None;
    }
    // A server that drips its answer does not hold the others up.
    let text = tokio::time::timeout(WHOLE_ANSWER, inbound.text(MAX_ANSWER))
        .await
        .ok()?
        .ok()?;
    let models = models::read(&text).ok()?;
    let owner = serde_json::from_str::<Value>(&text).ok()?["data"][0]["owned_by"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    // A server may list models that only make embeddings; none of them can talk.
    let talks = |model: &&ModelInfo| !model.id.to_lowercase().contains("embed");
    let chosen = models.iter().find(talks).cloned();
    Some(Discovered {
        endpoint: Endpoint {
            name: name(port, &owner, &server),
            wire: Wire::Chat,
            base_url,
            context_window: chosen.as_ref().and_then(|model| model.context_window),
            model: chosen.map(|model| model.id).unwrap_or_default(),
            origin: EndpointOrigin::Discovered,
        },
        models,
    })
}

/// What the server says of itself counts more than the port: several share 8080 and 8000.
fn name(port: u16, owner: &str, server: &str) -> String {
    let owner = owner.to_lowercase();
    let server = server.to_lowercase();
    let says = |word: &str| owner.contains(word) || server.contains(word);
    let known = if says("llama.cpp") || says("llamacpp") {
        "llama.cpp"
    } else if says("vllm") {
        "vllm"
    } else if says("ollama") || owner == "library" {
        "ollama"
    } else if says("lmstudio") || owner == "organization_owner" {
        "lmstudio"
    } else {
        match port {
            11434 => "ollama",
            1234 => "lmstudio",
            _ => return format!("local-{port}"),
        }
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(11434, "library", "", "ollama")]
    #[case(1234, "organization_owner", "", "lmstudio")]
    #[case(8080, "llamacpp", "llama.cpp", "llama.cpp")]
    #[case(8000, "vllm", "uvicorn", "vllm")]
    #[case(8000, "llamacpp", "", "llama.cpp")]
    #[case(8080, "somebody", "nginx", "local-8080")]
    fn names(#[case] port: u16, #[case] owner: &str, #[case] server: &str, #[case] expected: &str) {
        assert_eq!(name(port, owner, server), expected);
    }
}
