//! The configuration file, and which endpoint a session gets.

use crate::kit::Bench;
use kerf_engine::{Engine, EnvironmentEndpoint};
use kerf_protocol::{
    Code,
    endpoint::{AddEndpoint, EndpointOrigin, EndpointRef},
    policy::ApproveMode,
    request::{NewSession, Nothing, method},
};
use kerf_test_support::{ModelServer, Script, Turn};
use rstest::rstest;
use std::fs;

const CONFIG: &str = r#"# My servers.
default = "b" # the fast one

# On this machine.
[endpoints.a]
wire = "chat" # speaks chat
base_url = "http://127.0.0.1:1/v1"
model = "one"

# In the cellar.
[endpoints.b]
wire = "responses"
base_url = "http://127.0.0.1:2/v1"
model = "two"
"#;

fn config(bench: &Bench) -> String {
    fs::read_to_string(bench.home.path().join("config.toml")).unwrap()
}

async fn engine(bench: &Bench, config: &str, environment: bool) -> Engine {
    fs::write(bench.home.path().join("config.toml"), config).unwrap();
    let mut options = bench.options();
    if !environment {
        options.environment = EnvironmentEndpoint::default();
    }
    Engine::open(options).await.unwrap()
}

fn add(name: &str, base_url: &str) -> AddEndpoint {
    AddEndpoint {
        name: name.to_owned(),
        base_url: Some(base_url.to_owned()),
        wire: None,
        model: Some("three".to_owned()),
        context_window: None,
        key: None,
        default: false,
    }
}

#[tokio::test]
async fn a_new_endpoint_leaves_the_rest_of_the_file_as_it_is() {
    let bench = Bench::new("", []);
    let engine = engine(&bench, CONFIG, false).await;
    engine
        .call::<method::EndpointAdd>(add("c", "http://127.0.0.1:3/v1/"))
        .await
        .unwrap();
    let text = config(&bench);
    assert!(text.starts_with(CONFIG), "{text}");
    assert!(text.contains("[endpoints.c]\nwire = \"chat\"\nbase_url = \"http://127.0.0.1:3/v1\"\nmodel = \"three\"\n"), "{text}");
    engine
        .call::<method::EndpointRemove>(EndpointRef {
            name: "c".to_owned(),
        })
        .await
        .unwrap();
    assert_eq!(config(&bench).trim_end(), CONFIG.trim_end());
}

#[tokio::test]
async fn an_endpoint_that_is_set_again_keeps_its_comments() {
    let bench = Bench::new("", []);
    let engine = engine(&bench, CONFIG, false).await;
    engine
        .call::<method::EndpointAdd>(add("a", "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    assert_eq!(
        config(&bench),
        CONFIG
            .replace("127.0.0.1:1/", "127.0.0.1:9/")
            .replace("\"one\"", "\"three\"")
    );
}

#[tokio::test]
async fn a_key_stays_with_its_server_and_goes_to_no_other() {
    let bench = Bench::new("", []);
    let engine = engine(&bench, "", false).await;
    let mut with_key = add("a", "http://127.0.0.1:9/v1");
    with_key.key = Some("secret".to_owned());
    engine.call::<method::EndpointAdd>(with_key).await.unwrap();
    for (base_url, has_key) in [
        ("http://127.0.0.1:9/v2", true),
        ("http://127.0.0.1:8/v1", false),
    ] {
        engine
            .call::<method::EndpointAdd>(add("a", base_url))
            .await
            .unwrap();
        let text = config(&bench);
        assert_eq!(text.contains("key = \"keyring\""), has_key, "{text}");
        assert!(!text.contains("secret"));
    }
}

#[tokio::test]
async fn the_default_is_what_a_new_session_uses() {
    let bench = Bench::new("", []);
    let engine = engine(&bench, CONFIG, false).await;
    let chosen = async || engine.call::<method::EndpointChosen>(Nothing {}).await;
    for name in ["b", "a"] {
        let name = name.to_owned();
        let default = EndpointRef { name: name.clone() };
        engine
            .call::<method::EndpointDefault>(default)
            .await
            .unwrap();
        assert_eq!(chosen().await.unwrap().name, name);
    }
    let nowhere = EndpointRef {
        name: "nowhere".to_owned(),
    };
    let refused = engine.call::<method::EndpointDefault>(nowhere).await;
    assert_eq!(refused.unwrap_err().code, Code::Configuration);
}

#[rstest]
#[case::inline("endpoints = { a = { wire = \"chat\", base_url = \"http://127.0.0.1:1/v1\" } }\n")]
#[case::dotted("[endpoints]\na.wire = \"chat\"\na.base_url = \"http://127.0.0.1:1/v1\"\n")]
#[case::empty("")]
#[tokio::test]
async fn an_endpoint_is_added_however_the_file_is_written(#[case] text: &str) {
    let bench = Bench::new("", []);
    let engine = engine(&bench, text, false).await;
    for name in ["a", "b"] {
        let mut add = add(name, "http://127.0.0.1:9/v1");
        add.default = true;
        engine.call::<method::EndpointAdd>(add).await.unwrap();
    }
    let listed = engine
        .call::<method::EndpointList>(Nothing {})
        .await
        .unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|endpoint| (endpoint.name.as_str(), endpoint.base_url.as_str()))
        .collect();
    assert_eq!(
        listed,
        [
            ("a", "http://127.0.0.1:9/v1"),
            ("b", "http://127.0.0.1:9/v1")
        ],
        "{}",
        config(&bench)
    );
    assert!(config(&bench).contains("default = \"b\""));
}

#[tokio::test]
async fn a_file_that_is_not_understood_is_not_written_over() {
    for text in [
        "endpoints = 7\n",
        "[endpoints.a]\nwire = \"telepathy\"\nbase_url = \"x\"\n",
        "[[[",
    ] {
        let bench = Bench::new("", []);
        let engine = engine(&bench, text, false).await;
        let failure = engine
            .call::<method::EndpointAdd>(add("c", "http://127.0.0.1:3/v1"))
            .await
            .unwrap_err();
        assert_eq!(failure.code, Code::Configuration);
        assert_eq!(config(&bench), text);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_configuration_that_is_a_link_stays_one() {
    let bench = Bench::new("//- /config.toml\n# mine\n", []);
    std::os::unix::fs::symlink(
        bench.fixture.join("config.toml"),
        bench.home.path().join("config.toml"),
    )
    .unwrap();
    let engine = Engine::open(bench.options()).await.unwrap();
    engine
        .call::<method::EndpointAdd>(add("c", "http://127.0.0.1:3/v1"))
        .await
        .unwrap();
    assert!(
        bench
            .home
            .path()
            .join("config.toml")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    assert!(bench.fixture.read("config.toml").contains("[endpoints.c]"));
}

#[rstest]
#[case::a_space("my server", "http://127.0.0.1:3/v1", Code::Usage)]
#[case::the_environment("environment", "http://127.0.0.1:3/v1", Code::Usage)]
#[case::no_scheme("c", "127.0.0.1:3", Code::Configuration)]
#[case::a_file("c", "file:///etc/passwd", Code::Configuration)]
#[case::a_key_in_it("c", "http://me:secret@127.0.0.1/v1", Code::Configuration)]
#[tokio::test]
async fn an_endpoint_that_cannot_be_is_refused(
    #[case] name: &str,
    #[case] url: &str,
    #[case] code: Code,
) {
    let bench = Bench::new("", []);
    let engine = engine(&bench, CONFIG, false).await;
    let failure = engine
        .call::<method::EndpointAdd>(add(name, url))
        .await
        .unwrap_err();
    assert_eq!(failure.code, code, "{failure}");
    assert_eq!(config(&bench), CONFIG);
}

#[rstest]
#[case::named(CONFIG, true, Some("a"), "a")]
#[case::the_environment(CONFIG, true, None, "environment")]
#[case::the_default(CONFIG, false, None, "b")]
#[case::the_first(
    "[endpoints.z]\nwire = \"chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n",
    false,
    None,
    "z"
)]
#[tokio::test]
async fn which_endpoint_a_session_gets(
    #[case] config: &str,
    #[case] environment: bool,
    #[case] named: Option<&str>,
    #[case] expected: &str,
) {
    let bench = Bench::new("", []);
    let engine = engine(&bench, config, environment).await;
    let new = NewSession {
        folder: bench.fixture.path().display().to_string(),
        endpoint: named.map(str::to_owned),
        ..NewSession::default()
    };
    let session = engine.call::<method::SessionNew>(new).await.unwrap();
    assert_eq!(session.endpoint.name, expected);
}

#[tokio::test]
async fn a_default_that_is_not_there_is_said_and_not_guessed() {
    let bench = Bench::new("", []);
    let engine = engine(&bench, "default = \"gone\"\n", false).await;
    let new = NewSession {
        folder: bench.fixture.path().display().to_string(),
        ..NewSession::default()
    };
    let failure = engine.call::<method::SessionNew>(new).await.unwrap_err();
    assert_eq!(failure.code, Code::Configuration);
    assert!(failure.message.contains("`gone`"), "{failure}");
}

#[tokio::test]
async fn a_session_of_the_environment_follows_it() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    // The server has another port in the next run.
    let moved = Script::new().otherwise(Turn::text("Moved."));
    let bench = Bench {
        server: ModelServer::start(moved),
        ..bench
    };
    let engine = bench.engine_after(engine, id).await;
    crate::kit::prompt(&engine, id, "still there?")
        .await
        .unwrap();
    engine.idle(id).await.unwrap();
    assert_eq!(bench.server.requests().len(), 1);
    let session = bench.session(&engine, ApproveMode::Auto).await;
    assert_eq!(session.endpoint.origin, EndpointOrigin::Environment);
}
