//! TLS, from inside the crate: only here can a test add a trusted root.

use crate::{
    About, Allowed, BoxFuture, Egress, EgressError, Ledger, LedgerError, Outbound, Timeouts,
};
use bytes::Bytes;
use kerf_protocol::ledger::{LedgerEntry, Purpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use url::Url;

struct NoLedger;

impl Ledger for NoLedger {
    fn record<'a>(
        &'a self,
        _: LedgerEntry,
        _: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>> {
        Box::pin(async { Ok(1) })
    }
}

/// Serves one connection with this certificate; tells what it read after the handshake.
fn server(certificate: &[u8]) -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    crate::install_crypto();
    let chain = vec![CertificateDer::from_pem_slice(certificate).expect("a certificate")];
    let key =
        PrivateKeyDer::from_pem_slice(include_bytes!("../tests/tls/server.key")).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a client");
        let session = ServerConnection::new(Arc::new(config)).expect("a session");
        let mut stream = StreamOwned::new(session, socket);
        let mut got = Vec::new();
        let mut byte = [0];
        while !got.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
            got.push(byte[0]);
        }
        let whole = got.ends_with(b"\r\n\r\n");
        tell.send(got).expect("the test listens");
        if whole {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .expect("the client reads");
        }
    });
    (address, told)
}

fn get(url: Url) -> Outbound {
    Outbound {
        method: http::Method::GET,
        url,
        headers: vec![(
            http::header::AUTHORIZATION,
            "Bearer canary".parse().expect("a value"),
        )],
        body: Bytes::new(),
        about: About {
            purpose: Purpose::Models,
            session_id: None,
            turn_id: None,
            files: Vec::new(),
        },
        timeouts: Timeouts::default(),
    }
}

async fn ask(
    certificate: &[u8],
    host: &str,
    trusted: bool,
) -> (Result<String, EgressError>, Vec<u8>) {
    let (address, told) = server(certificate);
    let url: Url = format!("https://{host}:{}/v1/models", address.port())
        .parse()
        .expect("a URL");
    let egress = Egress::new(
        Allowed::none().with(&url).expect("allowed"),
        Arc::new(NoLedger),
    )
    .expect("a door");
    let egress = if trusted {
        let root = reqwest::Certificate::from_pem(include_bytes!("../tests/tls/root.pem"))
            .expect("a root");
        egress.trusting(root)
    } else {
        egress
    };
    let answer = match egress.send(get(url)).await {
        Ok(inbound) => inbound.text(100).await,
        Err(error) => Err(error),
    };
    assert!(egress.has_read_roots());
    (answer, told.recv().expect("the server ends"))
}

#[tokio::test]
async fn a_trusted_server_answers() {
    let (answer, got) = ask(include_bytes!("../tests/tls/server.pem"), "localhost", true).await;
    assert_eq!(answer.expect("an answer"), "ok");
    assert!(String::from_utf8_lossy(&got).contains("canary"));
}

#[tokio::test]
async fn a_wrong_certificate_gets_no_byte_of_the_request() {
    let server = include_bytes!("../tests/tls/server.pem").as_slice();
    let expired = include_bytes!("../tests/tls/expired.pem").as_slice();
    let cases = [
        ("unknown root", server, "localhost", false),
        ("another name", server, "127.0.0.1", true),
        ("expired", expired, "localhost", true),
    ];
    for (case, certificate, host, trusted) in cases {
        let (answer, got) = ask(certificate, host, trusted).await;
        let error = answer.expect_err(case);
        assert!(
            matches!(&error, EgressError::Tls { .. }),
            "{case}: {error:?}"
        );
        assert!(
            error.nothing_left() && error.to_string().contains("certificate"),
            "{case}: {error}"
        );
        assert!(got.is_empty(), "{case}: the server read {got:?}");
    }
}

#[tokio::test]
async fn a_plain_request_reads_no_trusted_roots() {
    let server =
        kerf_test_support::RawServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let url: Url = server.base_url().parse().expect("a URL");
    let egress = Egress::new(
        Allowed::none().with(&url).expect("allowed"),
        Arc::new(NoLedger),
    )
    .expect("a door");
    assert_eq!(
        egress
            .send(get(url))
            .await
            .expect("an answer")
            .text(10)
            .await
            .expect("a text"),
        "ok"
    );
    assert!(!egress.has_read_roots());
}
