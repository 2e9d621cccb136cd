//! Endpoints that fail, in every way they do: a typed error, what was said is kept, nothing half runs, and the
//! session goes on.

use crate::{
    running::wait_until,
    support::{Kerf, Ran},
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Outcome, Script, Step, Turn};
use rstest::rstest;
use serde_json::json;
use std::net::TcpListener;

const HALF: &str = "Half an answer \u{1F980}";

/// Text, then a call that must never run, because its message does not end well.
fn half() -> Turn {
    Turn::steps([]).and_text_in(HALF, 3).and_call(
        "write_file",
        json!({"path": "canary.txt", "content": "dead"}),
    )
}

fn raw(text: String) -> Turn {
    half().and(Step::Raw(text))
}

fn run(server: &ModelServer, wire: Wire, repo: &Fixture) -> (Kerf, Ran) {
    let kerf = Kerf::new().server(server, wire).in_repo(repo);
    let ran = kerf.run(&["exec", "--json", "--approve", "never", "Go"]);
    (kerf, ran)
}

/// The turn failed with this; the session can go on with what was said.
fn failed_and_goes_on(
    server: &ModelServer,
    kerf: &Kerf,
    ran: &Ran,
    repo: &Fixture,
    code: &str,
    says: &str,
    said: &str,
) {
    let error = &ran.only("turn.failed")["error"];
    assert_eq!(error["code"], code, "{error}");
    assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    assert!(!error["hint"].as_str().unwrap().is_empty(), "{error}");
    assert_eq!(&ran.items_of("error").last().unwrap()["failure"], error);
    assert!(!repo.exists("canary.txt"));
    assert!(ran.calls().is_empty(), "a call was shown that is not whole");
    let kept = ran.items_of("agent_message");
    if said.is_empty() {
        assert!(kept.is_empty(), "{kept:?}");
    } else {
        assert_eq!(
            (&kept[0]["text"], &kept[0]["status"]),
            (&json!(said), &json!("failed"))
        );
    }
    server.push(Turn::text("Here again."));
    let again = kerf
        .run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    assert_eq!(again.items().last().unwrap()["text"], "Here again.");
    let seen = server.requests().pop().unwrap().seen();
    let texts: Vec<&str> = seen.texts.iter().map(|(_, text)| text.as_str()).collect();
    let expected: Vec<&str> = ["Go", said, "Go on"]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    assert_eq!(texts, expected);
    assert!(seen.calls.is_empty());
    assert!(!repo.exists("canary.txt"));
}

#[rstest]
#[case::error_in_band(half().and(Step::Error { kind: "overloaded_error".into(), message: "come back later".into() }), "endpoint", "come back later", HALF)]
#[case::no_end(half().no_terminal(), "unreachable", "not complete", HALF)]
#[case::broken_event(raw("data: {\"half\": \n\n".into()), "endpoint", "not JSON", HALF)]
#[case::huge_event(raw(format!("data: {}\n\n", "x".repeat(20 << 20))), "endpoint", "more than 16 MiB", HALF)]
#[case::unauthorized(Turn::status(401), "unauthorized", "refused the key", "")]
#[case::bad_request(Turn::status(400), "endpoint", "status 400", "")]
#[case::not_found(Turn::status(404), "endpoint", "status 404", "")]
#[case::log_in_page(
    Turn::html("<html>Log in to the hotel</html>"),
    "endpoint",
    "HTML page",
    ""
)]
#[case::log_in_page_as_text(Turn::status(200).body("<!doctype html><title>Hotel</title>").header("content-type", "text/plain"), "endpoint", "HTML page", "")]
#[case::json_instead(Turn::status(200).body("{\"choices\": []}"), "endpoint", "JSON instead", "")]
#[case::long_wait(Turn::status(429).header("retry-after", "7200"), "rate_limited", "wait 2 h", "")]
fn a_fault(
    #[case] turn: Turn,
    #[case] code: &str,
    #[case] says: &str,
    #[case] said: &str,
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(Script::new().turn(turn));
    let (kerf, ran) = run(&server, wire, &repo);
    let ran = ran.expect(1);
    assert_eq!(
        server.requests().len(),
        1,
        "it is not asked again after something was told, or when it makes no sense"
    );
    failed_and_goes_on(&server, &kerf, &ran, &repo, code, says, said);
}

#[rstest]
fn a_redirect_is_not_followed(#[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire) {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let elsewhere = ModelServer::start(Script::new().otherwise(Turn::text("Caught you.")));
    let server = ModelServer::start(Script::new().turn(Turn::redirect(&elsewhere.base_url())));
    let (kerf, ran) = run(&server, wire, &repo);
    failed_and_goes_on(
        &server,
        &kerf,
        &ran.expect(1),
        &repo,
        "endpoint",
        "redirect",
        "",
    );
    assert_eq!(elsewhere.connections(), 0);
}

/// Where a connection breaks, in bytes of the body.
fn offsets(wire: Wire, place: &str) -> &'static [usize] {
    match (place, wire) {
        ("before the first event", _) => &[0, 1],
        // Each byte of one character, some deltas after the first.
        ("in the text", _) => &[1850, 1851, 1852, 1853],
        // In both halves of the first call, in the second call, and in the end of the message.
        (_, Wire::Chat) => &[2700, 4001, 5400, 6100],
        (_, Wire::Responses) => &[7500, 9001, 15_500, 17_001],
        (_, Wire::Anthropic) => &[2700, 4001, 5100],
    }
}

#[rstest]
fn a_connection_that_breaks(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
    #[values("before the first event", "in the text", "in the calls")] place: &str,
) {
    let crabs = "\u{1F980}".repeat(300);
    for &offset in offsets(wire, place) {
        let repo = Fixture::new("//- /a.txt\nA\n");
        let turn = Turn::steps([])
            .and_text_in(&crabs, 3)
            .and_call(
                "write_file",
                json!({"path": "canary.txt", "content": "dead".repeat(600)}),
            )
            .and_call("run_command", json!({"command": "echo dead > canary.txt"}));
        let turn = if offset % 2 == 0 {
            turn.cut_after(offset)
        } else {
            turn.reset_after(offset)
        };
        let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Whole.")));
        let (kerf, ran) = run(&server, wire, &repo);
        assert_eq!(
            server.requests()[0].outcome,
            Outcome::Cut,
            "{offset} lies behind the end"
        );
        assert!(!repo.exists("canary.txt"));
        let kept = ran.items_of("agent_message");
        if place == "before the first event" {
            // Nothing was told yet, so it is asked again.
            assert_eq!(ran.code, 0, "{offset}: {}", ran.stdout);
            assert_eq!(ran.of("request.retried").len(), 1);
            assert_eq!((kept.len(), &kept[0]["text"]), (1, &json!("Whole.")));
            continue;
        }
        assert_eq!(ran.code, 1, "{offset}: {}", ran.stdout);
        assert_eq!(ran.error()["code"], "unreachable", "{}", ran.error());
        let said = kept[0]["text"].as_str().unwrap();
        assert_eq!(kept[0]["status"], "failed");
        assert!(!said.is_empty() && crabs.starts_with(said));
        assert_eq!(
            said == crabs,
            place == "in the calls",
            "{offset}: {} bytes",
            said.len()
        );
        let again = kerf
            .run(&["resume", "--json", &ran.session(), "Go on"])
            .expect(0);
        assert_eq!(again.items().last().unwrap()["text"], "Whole.");
        let seen = server.requests()[1].seen();
        assert_eq!((seen.texts[1].1.as_str(), seen.calls.len()), (said, 0));
    }
}

#[rstest]
fn an_endpoint_that_comes_back_is_asked_again(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let soon = |status| Turn::status(status).header("retry-after", "0.02");
    let server = ModelServer::start(
        Script::new()
            .turn(soon(429))
            .turn(Turn::call(
                "write_file",
                json!({"path": "b.txt", "content": "B\n"}),
            ))
            .turn(soon(500))
            .turn(soon(503))
            .turn(Turn::text("Done.")),
    );
    let (_, ran) = run(&server, wire, &repo);
    let ran = ran.expect(0);
    let retries: Vec<_> = ran
        .of("request.retried")
        .iter()
        .map(|event| {
            (
                event["attempt"].as_u64().unwrap(),
                event["wait_ms"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(retries, [(2, 20), (2, 20), (3, 20)]);
    assert!(
        ran.of("request.retried")
            .iter()
            .all(|event| !event["reason"].as_str().unwrap().is_empty())
    );
    assert_eq!(ran.calls().len(), 1, "the call ran once");
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    assert_eq!(
        requests[2].body, requests[4].body,
        "the same request, byte for byte"
    );
    // Each try is its own row of the ledger.
    let usage = &ran.only("turn.completed")["usage"];
    assert_eq!(usage["input_tokens"], 200, "what failed costs nothing");
}

/// A computer that sleeps: Kerf stands still in the middle of a request, and when it goes on its connection is gone.
#[cfg(target_os = "linux")]
#[rstest]
fn a_connection_that_is_gone_when_the_computer_wakes(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
    #[values(0, 1850)] heard: usize,
) {
    let crabs = "\u{1F980}".repeat(300);
    let turn = Turn::steps([]).and_text_in(&crabs, 3);
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(
        Script::new()
            .turn(turn.stall_after(heard).reset_after(heard))
            .turn(Turn::text("Whole.")),
    );
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let mut running = kerf.spawn(&["exec", "--json", "--approve", "never", "Go"]);
    let _request = server.wait_for(1);
    if heard > 0 {
        running.wait_for_type("item.updated");
    }
    running.signal(rustix::process::Signal::STOP);
    let stat = format!("/proc/{}/stat", running.id());
    wait_until("it is stopped", || {
        std::fs::read_to_string(&stat).unwrap().contains(") T ")
    });
    server.release();
    server.wait_until(|requests| requests[0].outcome == Outcome::Cut);
    running.signal(rustix::process::Signal::CONT);
    let ran = running.finish();
    let said = ran.items_of("agent_message")[0]["text"].clone();
    if heard == 0 {
        assert_eq!((ran.code, &said), (0, &json!("Whole.")), "{}", ran.stdout);
        assert_eq!(ran.of("request.retried").len(), 1);
        return;
    }
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert_eq!(ran.error()["code"], "unreachable", "{}", ran.error());
    assert!(crabs.starts_with(said.as_str().unwrap()) && said != "");
    let again = kerf
        .run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    assert_eq!(again.items().last().unwrap()["text"], "Whole.");
}

#[test]
fn an_endpoint_that_is_gone() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let kerf = Kerf::new()
        .env("KERF_BASE_URL", &format!("http://{address}/v1"))
        .env("KERF_MODEL", "scripted")
        .in_repo(&repo);
    let ran = kerf.run(&["exec", "--json", "Go"]).expect(1);
    assert_eq!(ran.error()["code"], "unreachable", "{}", ran.error());
    assert!(
        ran.error()["message"]
            .as_str()
            .unwrap()
            .contains(&address.to_string()),
        "{}",
        ran.error()
    );
    let attempts: Vec<_> = ran
        .of("request.retried")
        .iter()
        .map(|event| event["attempt"].as_u64().unwrap())
        .collect();
    assert_eq!(attempts, [2, 3, 4]);
    // It comes up, and the session goes on.
    let server = ModelServer::start_on(Script::new().turn(Turn::text("Here now.")), address.port());
    kerf.run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(0);
    let texts: Vec<String> = server.requests()[0]
        .seen()
        .texts
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(texts, ["Go", "Go on"]);
}

#[rstest]
#[case::wire(&[("KERF_WIRE", "smoke")], "KERF_WIRE")]
#[case::url(&[("KERF_BASE_URL", "gopher://x")], "gopher://x")]
#[case::key_in_url(&[("KERF_BASE_URL", "http://user:pass@127.0.0.1/v1")], "a key does not belong into a URL")]
#[case::no_url(&[("KERF_BASE_URL", "nonsense")], "nonsense")]
fn a_wrong_environment_is_a_mistake_of_configuration(
    #[case] env: &[(&str, &str)],
    #[case] says: &str,
) {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(Script::new());
    let kerf = env.iter().fold(
        Kerf::new().server(&server, Wire::Chat).in_repo(&repo),
        |kerf, (name, value)| kerf.env(name, value),
    );
    let ran = kerf.run(&["exec", "--json", "Go"]).expect(2);
    assert_eq!(ran.error()["code"], "configuration", "{}", ran.error());
    assert!(
        ran.error()["message"].as_str().unwrap().contains(says),
        "{}",
        ran.error()
    );
    assert!(
        !ran.stdout.contains("pass@") && !ran.stderr.contains("pass@"),
        "{}",
        ran.stdout
    );
}
