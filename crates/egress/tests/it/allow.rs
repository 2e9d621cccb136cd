//! The first gate: which hosts may be reached.

use crate::door::{chat, door, exchange, failure, post, soon, url};
use kerf_egress::{Allowed, EgressError, LocalOnly};
use kerf_test_support::{ModelServer, RawServer, Script, Turn};
use proptest::prelude::*;
use std::net::Ipv4Addr;

fn verdict(allowed: &[&str], asked: &str) -> &'static str {
    let allowed = allowed.iter().fold(Allowed::none(), |list, base| {
        list.with(&url(base)).expect("a base URL")
    });
    // What does not parse never becomes a request.
    let Ok(asked) = asked.parse() else {
        return "no URL";
    };
    match allowed.permits(&asked) {
        Ok(()) => "yes",
        Err(EgressError::NotAllowed { .. }) => "no",
        Err(EgressError::BadUrl { .. }) => "bad",
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn only_listed_servers_are_permitted() {
    let api = ["https://api.example.com/v1"];
    let cases: &[(&[&str], &str, &str)] = &[
        // The same server, however it is spelt.
        (&api, "https://api.example.com/v1/responses", "yes"),
        (&api, "https://API.Example.COM/other", "yes"),
        (&api, "https://api.example.com:443/", "yes"),
        (&api, "https://api.example.com:0443/", "yes"),
        (&api, "HTTPS:\\\\api.example.com\\v1", "yes"),
        (&api, "https://%61pi.example.com/", "yes"),
        (&api, "https://ａｐｉ.example。com/", "yes"),
        // Another server, port or scheme.
        (&[], "https://api.example.com/", "no"),
        (&[], "http://127.0.0.1/", "no"),
        (&api, "https://example.com/", "no"),
        (&api, "https://x.api.example.com/", "no"),
        (&api, "https://api.example.com.evil.test/", "no"),
        (&api, "https://evil.test/api.example.com", "no"),
        (&api, "https://evil.test#@api.example.com/", "no"),
        (&api, "https://evil.test\\@api.example.com/", "no"),
        (&api, "https://api.example.com./", "no"),
        (&api, "https://api.example.com:8443/", "no"),
        (&api, "http://api.example.com/", "no"),
        (&api, "http://api.example.com:443/", "no"),
        (&api, "https://аpi.example.com/", "no"), // the first letter is Cyrillic
        (&api, "https://[::1]/", "no"),
        // A name before the host, an odd scheme, no host.
        (&api, "https://user@api.example.com/", "bad"),
        (&api, "https://user:secret@api.example.com/", "bad"),
        (&api, "https://:secret@api.example.com/", "bad"),
        (&api, "https://api.example.com@evil.test/", "bad"),
        (&api, "ftp://api.example.com/", "bad"),
        (&api, "file:///etc/passwd", "bad"),
        (&api, "data:text/plain,x", "bad"),
        (&api, "https://api.example.com:0/", "bad"),
        // What is no URL at all.
        (&api, "https://api.example.com\0.evil.test/", "no URL"),
        (&api, "https://api.example.com%00.evil.test/", "no URL"),
        (&api, "https://api.example.com%2f.evil.test/", "no URL"),
        (&api, "https://api.exa mple.com/", "no URL"),
        (&api, "https:///", "no URL"),
        (&api, "https://api.example.com:99999/", "no URL"),
        // IDNA: a name and its other form.
        (
            &["https://bücher.example/"],
            "https://xn--bcher-kva.example/",
            "yes",
        ),
        (
            &["https://xn--bcher-kva.example/"],
            "https://BÜCHER.example/",
            "yes",
        ),
        // Addresses, in every spelling.
        (
            &["http://127.0.0.1:11434"],
            "http://2130706433:11434/",
            "yes",
        ),
        (&["http://127.0.0.1:11434"], "http://0x7f.1:11434/", "yes"),
        (
            &["http://127.0.0.1:11434"],
            "http://0177.0.0.01:11434/",
            "yes",
        ),
        (&["http://127.0.0.1:11434"], "http://127.1.:11434/", "yes"),
        (&["http://127.0.0.1:11434"], "http://localhost:11434/", "no"),
        (&["http://127.0.0.1:11434"], "http://127.0.0.2:11434/", "no"),
        (
            &["http://127.0.0.1:11434"],
            "http://[::ffff:127.0.0.1]:11434/",
            "no",
        ),
        (&["http://[0:0::1]:80/"], "http://[::1]/", "yes"),
        (&["http://[::1]:80/"], "http://[::0.0.0.1]:80/", "yes"),
        (
            &["http://10.0.0.5:8000/v1"],
            "http://10.0.0.5:8000/v1/models",
            "yes",
        ),
        (
            &["http://10.0.0.5:8000/v1"],
            "http://10.0.0.5/v1/models",
            "no",
        ),
        (
            &["https://a.example/", "https://b.example/"],
            "https://b.example/",
            "yes",
        ),
    ];
    for (allowed, asked, wanted) in cases {
        assert_eq!(
            verdict(allowed, asked),
            *wanted,
            "{asked:?} when {allowed:?} is allowed"
        );
    }
}

#[test]
fn a_base_url_is_checked_as_well() {
    for base in [
        "https://user@api.example.com/",
        "https://:p@api.example.com/",
        "ws://x/",
        "http://x:0/",
    ] {
        let error = Allowed::none().with(&url(base)).expect_err(base);
        assert!(
            matches!(error, EgressError::BadUrl { .. }) && !error.to_string().contains("user@"),
            "{error}"
        );
    }
}

#[test]
fn local_only_means_this_computer() {
    let allowed = |base: &str| {
        Allowed::none()
            .local_only()
            .with(&url(base))
            .expect("a base URL")
    };
    for base in [
        "http://localhost:1",
        "http://127.9.9.9:1",
        "http://[::1]:1",
        "http://[::ffff:127.0.0.1]:1",
    ] {
        allowed(base).permits(&url(base)).expect(base);
    }
    let elsewhere = [
        "http://10.0.0.1:1",
        "https://api.example.com",
        "http://x.localhost:1",
        "http://localhost.:1",
        "http://0.0.0.0:1",
    ];
    for base in elsewhere {
        let error = allowed(base).permits(&url(base)).expect_err(base);
        assert!(matches!(error, EgressError::LocalOnly { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn the_switch_holds_from_the_next_request_on() {
    let server = ModelServer::start(Script::new().turn(Turn::text("hi")));
    let here = format!("http://{}/v1", server.address());
    let elsewhere = "http://192.0.2.1:9";
    let (egress, ledger) = door(&[&here, elsewhere]);
    let switch = LocalOnly::default();
    let egress = egress.under(switch.clone());
    let request = || {
        let mut request = post(elsewhere);
        request.timeouts.connect = soon();
        request
    };
    // Nobody answers there; what counts is what stands in the way.
    let error = failure(&egress, request()).await;
    assert!(!matches!(error, EgressError::LocalOnly { .. }), "{error:?}");
    assert_eq!(ledger.count(), 1);
    switch.set(true);
    let error = failure(&egress, request()).await;
    assert!(matches!(error, EgressError::LocalOnly { .. }), "{error:?}");
    assert_eq!(ledger.count(), 1, "what is not sent is not recorded");
    exchange(&egress, chat(&here)).await.expect("this computer");
}

proptest! {
    #[test]
    fn every_spelling_of_an_address_is_that_address(number: u32, other: u32) {
        let address = Ipv4Addr::from(number);
        let [a, b, c, d] = address.octets();
        let base = format!("http://{address}:81");
        let spellings = [
            format!("{number}"), format!("{number:#x}"), format!("0{number:o}"),
            format!("{a}.{}", number & 0xff_ffff), format!("{a:#x}.{b:#o}.{}", number & 0xffff).replace("0o", "0"),
            format!("{a}.{b}.{c}.{d}."),
        ];
        for spelling in spellings {
            prop_assert_eq!(verdict(&[&base], &format!("http://{spelling}:81/")), "yes", "{}", spelling);
        }
        if other != number {
            prop_assert_eq!(verdict(&[&base], &format!("http://{other}:81/")), "no");
        }
    }
}

#[tokio::test]
async fn what_is_not_permitted_meets_neither_ledger_nor_network() {
    let server = ModelServer::start(Script::new());
    let port = server.address().port();
    let (egress, ledger) = door(&["http://127.0.0.1:1"]);
    for host in ["127.0.0.1", "2130706433", "localhost"] {
        let error = failure(&egress, post(&format!("http://{host}:{port}/v1"))).await;
        assert!(
            matches!(error, EgressError::NotAllowed { .. }) && error.nothing_left(),
            "{error:?}"
        );
    }
    assert_eq!((ledger.count(), server.connections()), (0, 0));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = ModelServer::start(Script::new());
    let target = format!("http://{}/steal?key=canary-key", elsewhere.address());
    for status in [301, 302, 303, 307, 308] {
        let answer =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
        let server = RawServer::answering(answer);
        // The other place is allowed too: a redirect is not followed even then.
        let (egress, ledger) = door(&[&server.base_url(), &target]);
        let error = failure(&egress, post(&server.base_url())).await;
        let EgressError::Redirect {
            host,
            to,
            status: seen,
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            (host, to, *seen),
            (
                &server.address().to_string(),
                &elsewhere.address().to_string(),
                status
            )
        );
        assert!(!error.to_string().contains("canary"), "{error}");
        assert_eq!(ledger.count(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
    for (location, wanted) in [
        ("location: /v2\r\n", "127.0.0.1"),
        ("location: //evil.test/\r\n", "evil.test:80"),
        ("location: https://u:p@evil.test/\r\n", "cannot use"),
        ("", "no readable address"),
    ] {
        let server = RawServer::answering(format!(
            "HTTP/1.1 302 Found\r\n{location}content-length: 0\r\n\r\n"
        ));
        let error = failure(&door(&[&server.base_url()]).0, post(&server.base_url())).await;
        let EgressError::Redirect { to, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(to.contains(wanted), "{location}: {to}");
    }
}
