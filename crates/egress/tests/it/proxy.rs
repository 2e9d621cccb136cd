//! Proxies of the user: honoured for the network, never for this computer.

use crate::door::{door, exchange, post};
use kerf_egress::EgressError;
use kerf_test_support::{ModelServer, RawServer, Script, Turn};
use std::process::Command;

/// Set in the child, to the address of a server on this computer.
const CHILD: &str = "KERF_EGRESS_PROXY_TEST";

/// The environment is read once a process, so the requests are made by a second run of this very test.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test that needs its own environment starts itself"
)]
fn the_proxy_is_for_the_network_only() {
    if let Ok(local) = std::env::var(CHILD) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        return runtime.block_on(in_the_child(&local));
    }
    let local = ModelServer::start(Script::new().otherwise(Turn::text("from this computer")));
    let proxy = RawServer::answering(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 15\r\n\r\nfrom the proxy\n",
    );
    let address = format!("http://{}", proxy.address());
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, &address);
    }
    child
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env(CHILD, local.address().port().to_string());
    let test = "proxy::the_proxy_is_for_the_network_only";
    let output = child
        .args(["--exact", test, "--nocapture"])
        .output()
        .expect("the child runs");
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
    assert_eq!(
        local.requests().len(),
        2,
        "both spellings reached this computer"
    );
    // The body has no line end of its own.
    let seen = String::from_utf8_lossy(&proxy.received()).replace("}]}", "}]}\n");
    let lines: Vec<&str> = seen
        .lines()
        .filter(|line| line.ends_with("HTTP/1.1"))
        .collect();
    assert_eq!(
        lines,
        [
            "POST http://plain.invalid/v1 HTTP/1.1",
            "CONNECT safe.invalid:443 HTTP/1.1"
        ]
    );
    // A plain request is the proxy's to read; a key for a safe one is not.
    assert_eq!(seen.matches("canary-key").count(), 1, "{seen}");
}

async fn in_the_child(port: &str) {
    for host in ["127.0.0.1", "localhost"] {
        let base = format!("http://{host}:{port}/v1");
        let text = exchange(&door(&[&base]).0, post(&format!("{base}/chat/completions")))
            .await
            .expect("an answer");
        assert!(text.contains("from this computer"), "{text}");
    }
    let (egress, _) = door(&["http://plain.invalid", "https://safe.invalid"]);
    assert_eq!(
        exchange(&egress, post("http://plain.invalid/v1"))
            .await
            .expect("an answer"),
        "from the proxy\n"
    );
    let error = exchange(&egress, post("https://safe.invalid/v1"))
        .await
        .expect_err("the proxy refuses");
    assert!(
        matches!(error, EgressError::Connect { .. }) && error.to_string().contains("proxy"),
        "{error:?}"
    );
}
