//! Lists of models and the search for local servers.

use super::{
    faults::{Kept, egress},
    *,
};
use crate::{
    call::Door,
    discover::{DefaultPorts, discover},
    models,
};
use futures_util::future::BoxFuture;
use kerf_egress::{Allowed, Egress, Ledger, LedgerError};
use kerf_protocol::ledger::LedgerEntry;
use kerf_test_support::{ModelServer, RawServer, Script};
use std::net::TcpListener;
use url::Url;

#[tokio::test]
async fn every_wire_lists_its_models() {
    for wire in WIRES {
        let script = Script::new()
            .key("sk-canary-0123456789")
            .model_entry(json!({"id": "b", "max_model_len": 4096}))
            .model_entry(json!({"id": "a"}));
        let server = ModelServer::start(script);
        let mut target = target(wire);
        target.endpoint.base_url = server.base_url();
        target.endpoint.model = String::new();
        let base = Url::parse(&server.base_url()).expect("a URL");
        let door = Door::Egress(egress(&[base]));
        let models = models(&door, &target).await.expect("a list");
        let models: Vec<_> = models
            .iter()
            .map(|model| (model.id.as_str(), model.context_window))
            .collect();
        assert_eq!(models, [("b", Some(4096)), ("a", None)], "{wire:?}");
        target.key = None;
        let error = crate::models(&door, &target).await.expect_err("no key");
        assert!(
            matches!(error.kind, ErrorKind::Unauthorized { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn practice_lists_itself() {
    let target = Target {
        endpoint: crate::practice_endpoint(),
        key: None,
    };
    let models = models(&Door::Practice, &target).await.expect("a list");
    assert_eq!(models[0].id, target.endpoint.model);
}

#[tokio::test]
async fn local_servers_are_found_and_others_left_out() {
    let one = ModelServer::start(
        Script::new()
            .model_entry(json!({"id": "nomic-embed-text", "owned_by": "vllm"}))
            .model_entry(json!({"id": "m", "max_model_len": 2048})),
    );
    let two = ModelServer::start(Script::new().model_entry(json!({"id": "n", "owned_by": "vllm"})));
    let other = RawServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port");
    let ports =
        [one.address(), other.address(), closed, two.address()].map(|address| address.port());
    let ledger = Arc::new(Kept::default());
    let egress = Egress::new(Allowed::none(), ledger.clone()).expect("a door");
    let found = discover(&egress, &DefaultPorts(ports.to_vec())).await;
    let names: Vec<_> = found
        .iter()
        .map(|found| (found.endpoint.name.clone(), found.endpoint.base_url.clone()))
        .collect();
    let expected = [
        ("vllm".to_owned(), one.base_url()),
        (format!("vllm-{}", ports[3]), two.base_url()),
    ];
    assert_eq!(names, expected);
    assert_eq!(found[0].endpoint.model, "m");
    assert_eq!(found[0].endpoint.context_window, Some(2048));
    let entries = ledger.entries.lock().expect("nobody panics with it");
    assert_eq!(entries.len(), 4, "every question has its row");
    assert!(
        entries.iter().all(
            |entry| entry.purpose == Purpose::Discovery && entry.host.starts_with("127.0.0.1:")
        )
    );
}

/// A ledger on a disk that takes ten seconds for a row.
struct Busy;

impl Ledger for Busy {
    fn record<'a>(
        &'a self,
        _: LedgerEntry,
        _: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>> {
        Box::pin(async {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(10)).await;
            tokio::time::resume();
            Ok(1)
        })
    }
}

#[tokio::test]
async fn a_slow_ledger_hides_no_server() {
    let server = ModelServer::start(Script::new().model_entry(json!({"id": "m"})));
    let egress = Egress::new(Allowed::none(), Arc::new(Busy)).expect("a door");
    let ports = DefaultPorts(vec![server.address().port()]);
    let found = discover(&egress, &ports).await;
    assert_eq!(found.len(), 1, "the row's time is not the server's");
}

#[test]
fn presets_make_requests() {
    for preset in crate::presets() {
        let mut target = target(preset.wire);
        target.endpoint.base_url = preset.base_url.clone();
        let encoded = wire::encode(&target, &request(&[user("go")], &[])).expect("encoded");
        assert!(
            encoded.url.as_str().starts_with(&preset.base_url),
            "{}",
            encoded.url
        );
    }
}
