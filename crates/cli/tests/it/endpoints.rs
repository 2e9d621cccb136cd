//! Endpoints: which there are, which one is used, and what `config.toml` keeps.

use crate::support::{Kerf, Ran};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use rstest::rstest;
use serde_json::{Value, json};
use std::{fs, net::TcpStream, path::Path};

/// A home without any keyring: a test must not reach the one of whoever runs it.
fn home() -> Kerf {
    Kerf::new().env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/kerf-test")
}

fn config(kerf: &Kerf) -> String {
    fs::read_to_string(kerf.home().join("config.toml")).unwrap_or_default()
}

fn run(kerf: &Kerf, args: &[&str]) -> Ran {
    kerf.run(&[&["endpoints"], args].concat())
}

#[test]
fn an_endpoint_is_added_listed_changed_and_removed() {
    let kerf = home();
    assert!(run(&kerf, &["list", "--json"]).expect(0).events.is_empty());
    let shown = run(&kerf, &["list"]).expect(0).stdout;
    assert!(
        shown.contains("kerf endpoints add") && shown.contains("practice"),
        "{shown}"
    );

    run(&kerf, &["add", "ollama"]).expect(0);
    let added = run(
        &kerf,
        &[
            "add",
            "mine",
            "--base-url",
            "http://127.0.0.1:9/v1/",
            "--wire",
            "anthropic",
            "-m",
            "big",
            "--context-window",
            "200000",
            "--json",
        ],
    );
    let mine = json!({
        "name": "mine", "wire": "anthropic", "base_url": "http://127.0.0.1:9/v1", "model": "big",
        "context_window": 200_000, "origin": "configured",
    });
    assert_eq!(
        added.expect(0).json(),
        json!({ "endpoint": mine, "key": { "place": "none" } })
    );
    let listed = run(&kerf, &["--json"]).expect(0).events;
    assert_eq!(listed[0], mine);
    assert_eq!(listed[1]["name"], "ollama");
    assert_eq!(listed[1]["base_url"], "http://127.0.0.1:11434/v1");
    assert_eq!(listed[1]["wire"], "chat");
    let shown = run(&kerf, &["list"]).expect(0).stdout;
    assert!(
        shown.contains("mine") && shown.contains("big") && shown.contains("no model chosen"),
        "{shown}"
    );

    // The same name again changes it.
    run(
        &kerf,
        &["add", "mine", "--base-url", "http://127.0.0.1:10/v1"],
    )
    .expect(0);
    let listed = run(&kerf, &["--json"]).expect(0).events;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["base_url"], "http://127.0.0.1:10/v1");
    assert_eq!(listed[0]["wire"], "chat");
    assert_eq!(listed[0]["model"], "");

    run(&kerf, &["remove", "mine"]).expect(0);
    let ran = run(&kerf, &["remove", "mine"]).expect(2);
    assert!(
        ran.stderr.contains("there is no endpoint `mine`"),
        "{}",
        ran.stderr
    );
    assert_eq!(run(&kerf, &["--json"]).expect(0).events.len(), 1);
}

#[test]
fn every_preset_can_be_added_by_its_name() {
    let kerf = home();
    let presets = run(&kerf, &["presets", "--json"]).expect(0).events;
    assert!(presets.len() >= 8);
    for preset in &presets {
        let name = preset["name"].as_str().unwrap();
        let added = run(&kerf, &["add", name, "--json"]).expect(0).json();
        for field in ["name", "wire", "base_url"] {
            assert_eq!(added["endpoint"][field], preset[field]);
        }
    }
    assert_eq!(
        run(&kerf, &["--json"]).expect(0).events.len(),
        presets.len()
    );
    let shown = run(&kerf, &["presets"]).expect(0).stdout;
    assert_eq!(shown.lines().count(), presets.len());
}

#[rstest]
#[case::no_url(&["mine"], "needs a base URL")]
#[case::empty_name(&["", "--base-url", "http://a/v1"], "cannot be an endpoint's name")]
#[case::blank(&["a b", "--base-url", "http://a/v1"], "cannot be an endpoint's name")]
#[case::control(&["a\nb", "--base-url", "http://a/v1"], "cannot be an endpoint's name")]
#[case::reserved(&["practice", "--base-url", "http://a/v1"], "cannot be an endpoint's name")]
#[case::the_environments(&["environment", "--base-url", "http://a/v1"], "cannot be an endpoint's name")]
#[case::no_scheme(&["mine", "--base-url", "localhost:8000/v1"], "must begin with http")]
#[case::file(&["mine", "--base-url", "file:///etc/passwd"], "must begin with http")]
#[case::no_host(&["mine", "--base-url", "http://"], "is no base URL")]
#[case::not_a_url(&["mine", "--base-url", "what?"], "is no base URL")]
#[case::userinfo(&["mine", "--base-url", "http://me:secret-word@a/v1"], "a key does not belong into a URL")]
#[case::user(&["mine", "--base-url", "http://secret-word@a/v1"], "a key does not belong into a URL")]
#[case::query(&["mine", "--base-url", "http://a/v1?key=secret-word"], "without `?` or `#`")]
#[case::fragment(&["mine", "--base-url", "http://a/v1#secret-word"], "without `?` or `#`")]
#[case::userinfo_and_a_bad_port(&["mine", "--base-url", "http://me:secret-word@a:x/v1"], "is no base URL")]
#[case::bad_wire(&["mine", "--base-url", "http://a/v1", "--wire", "telnet"], "chat, responses, anthropic")]
#[case::bad_window(&["mine", "--base-url", "http://a/v1", "--context-window", "big"], "big")]
fn a_wrong_endpoint_is_not_added(#[case] args: &[&str], #[case] told: &str) {
    let kerf = home();
    let ran = run(&kerf, &[&["add"], args].concat()).expect(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(
        !ran.stderr.contains("secret-word"),
        "a key is in {}",
        ran.stderr
    );
    assert_eq!(config(&kerf), "");
}

const COMMENTED: &str = "\
# My endpoints; do not touch.
default = \"local\" # the one at home

# The one at home.
[endpoints.local]
wire = \"chat\"
base_url = \"http://127.0.0.1:9/v1\" # port nine
model = \"m\"
";

#[test]
fn comments_and_order_of_the_configuration_are_kept() {
    let kerf = home().config(COMMENTED);
    run(
        &kerf,
        &[
            "add",
            "mine",
            "--base-url",
            "http://127.0.0.1:10/v1",
            "-m",
            "n",
        ],
    )
    .expect(0);
    let added = "\n[endpoints.mine]\nwire = \"chat\"\nbase_url = \"http://127.0.0.1:10/v1\"\nmodel = \"n\"\n";
    assert_eq!(config(&kerf), format!("{COMMENTED}{added}"));
    run(&kerf, &["remove", "mine"]).expect(0);
    assert_eq!(config(&kerf), COMMENTED);
    run(
        &kerf,
        &["add", "local", "--base-url", "http://127.0.0.1:11/v1"],
    )
    .expect(0);
    let now = config(&kerf);
    for comment in [
        "# My endpoints; do not touch.",
        "# the one at home",
        "# The one at home.",
    ] {
        assert!(now.contains(comment), "{comment:?} is not in\n{now}");
    }
    run(&kerf, &["remove", "local"]).expect(0);
    assert!(config(&kerf).contains("# My endpoints; do not touch."));
    // Nothing is left to be the default.
    assert!(run(&kerf, &["--json"]).expect(0).events.is_empty());
}

#[rstest]
#[case::syntax("default = \"a\"\n[endpoints\n", "2")]
#[case::unknown_field(
    "[endpoints.a]\nwire = \"chat\"\nbase_url = \"http://a/v1\"\napi_key = \"secret-word\"\n",
    "4"
)]
#[case::unknown_table("[colours]\nred = 1\n", "1")]
#[case::bad_wire("[endpoints.a]\nwire = \"telnet\"\nbase_url = \"http://a/v1\"\n", "2")]
#[case::bad_type("default = 7\n", "1")]
#[case::missing("[endpoints.a]\nwire = \"chat\"\n", "1")]
#[case::key_in_the_file(
    "[endpoints.a]\nwire = \"chat\"\nbase_url = \"http://a/v1\"\nkey = \"secret-word\"\n",
    "4"
)]
fn a_broken_configuration_names_file_and_line(#[case] text: &str, #[case] line: &str) {
    let folder = Fixture::new("");
    let kerf = home().config(text).in_repo(&folder);
    for args in [
        &["endpoints", "list"][..],
        &["endpoints", "add", "ollama"],
        &["endpoints", "remove", "a"],
        &["exec", "hello"],
    ] {
        let ran = kerf.run(args).expect(2);
        assert!(
            ran.stderr.contains("config.toml"),
            "{args:?}: {}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains(&format!("line {line}")),
            "{args:?}: {}",
            ran.stderr
        );
    }
    assert_eq!(config(&kerf), text);
    // What needs no endpoint works all the same.
    kerf.run(&["sessions", "list"]).expect(0);
    kerf.run(&["ledger", "list"]).expect(0);
}

#[test]
fn a_key_never_reaches_a_file() {
    let kerf = home();
    let args = [
        "endpoints",
        "add",
        "mine",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--key",
        "--json",
    ];
    let ran = kerf.run_with(&args, "sk-very-secret-word\n");
    // Here there is no keyring, so the key is not kept, and that is said.
    let ran = ran.expect(2);
    assert!(
        ran.stderr.contains("the key was not kept"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("KERF_API_KEY"), "{}", ran.stderr);
    assert!(config(&kerf).contains("key = \"keyring\""));
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("very-secret"), "{text}");
    }
    assert_eq!(
        files_with(&kerf.home(), b"very-secret"),
        Vec::<String>::new()
    );
    // Without the keyring the endpoint says what is missing.
    let ran = kerf.run(&["endpoints", "test", "mine"]).expect(2);
    assert!(ran.stderr.contains("keyring"), "{}", ran.stderr);
    let ran = kerf.run_with(&args, "\n").expect(2);
    assert!(ran.stderr.contains("the key is empty"), "{}", ran.stderr);
    // It can be got rid of all the same.
    let ran = kerf.run(&["endpoints", "remove", "mine"]).expect(2);
    assert!(
        ran.stderr.contains("its key may still be in the keyring"),
        "{}",
        ran.stderr
    );
    assert_eq!(config(&kerf), "");
}

/// The files under a folder that hold these bytes.
fn files_with(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if fs::read(&path).is_ok_and(|text| text.windows(bytes.len()).any(|at| at == bytes))
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[rstest]
fn test_asks_for_the_models(#[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire) {
    let server = ModelServer::start(Script::new().models(["small", "big"]).key("sk-open"));
    let kerf = home().server(&server, wire).env("KERF_API_KEY", "sk-open");
    let models = run(&kerf, &["test", "environment", "--json"])
        .expect(0)
        .events;
    let ids: Vec<&Value> = models.iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, ["small", "big"]);
    let shown = run(&kerf, &["test"]).expect(0).stdout;
    assert_eq!(
        shown,
        "ok: environment answers with 2 models\n  small\n  big\n"
    );
    // The question is in the ledger like any other.
    let rows = kerf.run(&["ledger", "--json"]).expect(0).events;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["purpose"], "models");

    let wrong = kerf.env("KERF_API_KEY", "sk-wrong");
    let ran = run(&wrong, &["test", "--json"]).expect(1);
    assert_eq!(ran.error()["code"], "unauthorized");
    assert!(!ran.stdout.contains("sk-wrong") && !ran.stderr.contains("sk-wrong"));
}

#[test]
fn test_tells_what_is_wrong() {
    let kerf = home();
    let ran = run(&kerf, &["test"]).expect(2);
    assert!(
        ran.stderr.contains("no endpoint is configured"),
        "{}",
        ran.stderr
    );
    let ran = run(&kerf, &["test", "nobody"]).expect(2);
    assert!(
        ran.stderr.contains("there is no endpoint `nobody`"),
        "{}",
        ran.stderr
    );
    let gone = ModelServer::start(Script::new()).base_url();
    run(&kerf, &["add", "gone", "--base-url", &gone]).expect(0);
    let ran = run(&kerf, &["test", "gone", "--json"]).expect(1);
    assert_eq!(ran.error()["code"], "unreachable");
    let server = ModelServer::start(Script::new());
    let web = server.base_url().replace("/v1", "/web");
    run(&kerf, &["add", "web", "--base-url", &web]).expect(0);
    let ran = run(&kerf, &["test", "web", "--json"]).expect(1);
    assert_eq!(ran.error()["code"], "endpoint");
}

#[test]
fn discover_reaches_for_the_local_ports_only() {
    let kerf = home();
    let found = run(&kerf, &["discover", "--json"]).expect(0).events;
    let listening = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok();
    if ![11434, 1234, 8080, 8000].into_iter().any(listening) {
        assert!(found.is_empty(), "{found:#?}");
        let shown = run(&kerf, &["discover"]).expect(0).stdout;
        assert!(shown.starts_with("no local server answers"), "{shown}");
    }
    for row in kerf.run(&["ledger", "--json"]).expect(0).events {
        assert!(
            row["host"].as_str().unwrap().starts_with("127.0.0.1:"),
            "{row}"
        );
    }
}

/// Two servers that tell who they are.
struct Two {
    one: ModelServer,
    two: ModelServer,
    folder: Fixture,
}

impl Two {
    fn new() -> Self {
        let start = |name: &str| {
            ModelServer::start(Script::new().otherwise(Turn::text(format!("I am {name}."))))
        };
        Self {
            one: start("one"),
            two: start("two"),
            folder: Fixture::new(""),
        }
    }

    /// A home in which both are configured, and these lines stand above.
    fn home(&self, head: &str) -> Kerf {
        let endpoint = |name: &str, server: &ModelServer| {
            let url = server.base_url();
            format!("[endpoints.{name}]\nwire = \"chat\"\nbase_url = \"{url}\"\nmodel = \"m\"\n")
        };
        let text = format!(
            "{head}\n{}{}",
            endpoint("one", &self.one),
            endpoint("two", &self.two)
        );
        home().config(&text).in_repo(&self.folder)
    }
}

#[track_caller]
fn answer(kerf: &Kerf, args: &[&str]) -> String {
    let ran = kerf
        .run(&[&["exec", "--json"], args, &["Who are you?"]].concat())
        .expect(0);
    ran.items_of("agent_message")[0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_named_endpoint_comes_first_then_the_environments_then_the_default_then_the_first() {
    let two = Two::new();
    let kerf = two.home("");
    assert_eq!(answer(&kerf, &[]), "I am one.");
    assert_eq!(answer(&kerf, &["--endpoint", "two"]), "I am two.");
    let kerf = two.home("default = \"two\"");
    assert_eq!(answer(&kerf, &[]), "I am two.");
    let kerf = kerf
        .env("KERF_BASE_URL", &two.one.base_url())
        .env("KERF_MODEL", "m");
    assert_eq!(answer(&kerf, &[]), "I am one.");
    assert_eq!(answer(&kerf, &["--endpoint", "two"]), "I am two.");
    assert_eq!(answer(&kerf, &["--endpoint", "environment"]), "I am one.");
    assert_eq!(run(&kerf, &["--json"]).expect(0).events.len(), 3);
    let model = |n: usize| two.two.requests()[n].seen().model;
    assert_eq!(model(0), "m");
    answer(&kerf, &["--endpoint", "two", "-m", "other"]);
    let last = two.two.requests().len() - 1;
    assert_eq!(model(last), "other");
}

#[test]
fn adding_with_default_changes_the_default() {
    let two = Two::new();
    let kerf = two.home("");
    run(
        &kerf,
        &[
            "add",
            "two",
            "--base-url",
            &two.two.base_url(),
            "-m",
            "m",
            "--default",
        ],
    )
    .expect(0);
    assert_eq!(answer(&kerf, &[]), "I am two.");
    run(&kerf, &["remove", "two"]).expect(0);
    assert_eq!(answer(&kerf, &[]), "I am one.");
}

#[rstest]
#[case::unknown(&["--endpoint", "nobody"], "", "there is no endpoint `nobody`")]
#[case::empty(&["--endpoint", ""], "", "there is no endpoint ``")]
#[case::unknown_default(&[], "default = \"nobody\"", "the default endpoint `nobody` is not configured")]
fn an_endpoint_that_is_not_there_is_an_error_of_configuration(
    #[case] args: &[&str],
    #[case] head: &str,
    #[case] told: &str,
) {
    let two = Two::new();
    let kerf = two.home(head);
    let ran = kerf.run(&[&["exec"], args, &["Hello"]].concat()).expect(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(
        kerf.run(&["sessions", "--json"])
            .expect(0)
            .events
            .is_empty()
    );
}

#[rstest]
#[case::wire("KERF_WIRE", "telnet", "KERF_WIRE is `telnet`")]
#[case::wire_in_capitals("KERF_WIRE", "Chat", "KERF_WIRE is `Chat`")]
#[case::url("KERF_BASE_URL", "localhost", "`localhost` is no base URL")]
#[case::url_with_a_key(
    "KERF_BASE_URL",
    "http://me:secret-word@127.0.0.1:9/v1",
    "a key does not belong into a URL"
)]
fn a_wrong_environment_is_an_error_of_configuration(
    #[case] name: &str,
    #[case] value: &str,
    #[case] told: &str,
) {
    let two = Two::new();
    let kerf = two.home("").server(&two.one, Wire::Chat).env(name, value);
    let ran = kerf.run(&["exec", "Hello"]).expect(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
    assert!(two.one.requests().is_empty());
    // A named endpoint does not care.
    assert_eq!(answer(&kerf, &["--endpoint", "two"]), "I am two.");
}

#[test]
fn the_model_must_be_chosen_where_there_are_several() {
    let folder = Fixture::new("");
    let server = ModelServer::start(
        Script::new()
            .models(["small", "big"])
            .otherwise(Turn::text("Hello.")),
    );
    let kerf = home()
        .in_repo(&folder)
        .env("KERF_BASE_URL", &server.base_url());
    let ran = kerf.run(&["exec", "--json", "Hello"]).expect(2);
    assert_eq!(ran.error()["code"], "configuration");
    assert!(
        ran.error()["hint"].as_str().unwrap().contains("small, big"),
        "{}",
        ran.stdout
    );
    kerf.run(&["exec", "-m", "big", "Hello"]).expect(0);
    assert_eq!(server.requests().last().unwrap().seen().model, "big");
    kerf.env("KERF_MODEL", "small")
        .run(&["exec", "Hello"])
        .expect(0);
    assert_eq!(server.requests().last().unwrap().seen().model, "small");
}

#[test]
fn the_only_model_is_taken_unasked() {
    let folder = Fixture::new("");
    let server = ModelServer::start(
        Script::new()
            .models(["only"])
            .otherwise(Turn::text("Hello.")),
    );
    let kerf = home()
        .in_repo(&folder)
        .env("KERF_BASE_URL", &server.base_url());
    kerf.run(&["exec", "Hello"]).expect(0);
    assert_eq!(server.requests().last().unwrap().seen().model, "only");
}

/// The configuration says where an endpoint is, not the session.
#[test]
fn a_session_follows_its_endpoint_and_not_an_old_address() {
    let two = Two::new();
    let kerf = two.home("");
    answer(&kerf, &["--endpoint", "one", "-m", "chosen"]);
    run(
        &kerf,
        &["add", "one", "--base-url", &two.two.base_url(), "-m", "m"],
    )
    .expect(0);
    let ran = kerf
        .run(&["resume", "--last", "--json", "And now?"])
        .expect(0);
    assert_eq!(ran.items_of("agent_message")[0]["text"], "I am two.");
    assert_eq!(two.two.requests()[0].seen().model, "chosen");
    run(&kerf, &["remove", "one"]).expect(0);
    let ran = kerf.run(&["resume", "--last", "And now?"]).expect(2);
    assert!(
        ran.stderr.contains("there is no endpoint `one`"),
        "{}",
        ran.stderr
    );
    // Its review needs none.
    kerf.run(&["diff"]).expect(0);
}

#[test]
fn a_session_of_the_environment_needs_it_again() {
    let two = Two::new();
    let kerf = home().in_repo(&two.folder).server(&two.one, Wire::Chat);
    answer(&kerf, &[]);
    let without = kerf.env("KERF_BASE_URL", "");
    let ran = without.run(&["resume", "--last", "And now?"]).expect(2);
    assert!(ran.stderr.contains("KERF_BASE_URL"), "{}", ran.stderr);
    let moved = without.env("KERF_BASE_URL", &two.two.base_url());
    let ran = moved
        .run(&["resume", "--last", "--json", "And now?"])
        .expect(0);
    assert_eq!(ran.items_of("agent_message")[0]["text"], "I am two.");
}

#[test]
fn a_session_goes_on_with_its_endpoint() {
    let two = Two::new();
    let kerf = two.home("default = \"two\"");
    answer(&kerf, &["--endpoint", "one"]);
    let ran = kerf
        .run(&["resume", "--last", "--json", "And now?"])
        .expect(0);
    assert_eq!(ran.items_of("agent_message")[0]["text"], "I am one.");
    assert!(two.two.requests().is_empty());
}
