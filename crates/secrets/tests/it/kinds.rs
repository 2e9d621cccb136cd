//! Recall: every kind of token, in every kind of text.

use crate::tokens::{KINDS, NAMED, Random, secret_of};
use kerf_secrets::Vault;
use std::collections::BTreeMap;

/// Texts that a token is found in; `@` is the token.
const PLACES: &[(&str, &str)] = &[
    (
        "code",
        "fn main() {\n    let client = Client::new(\"@\").unwrap();\n}\n",
    ),
    ("python", "client = Client(token='@')\n"),
    (
        "json",
        "{\"name\": \"x\", \"value\": \"@\", \"more\": [1]}\n",
    ),
    (
        "json in json",
        "{\"body\": \"{\\\"value\\\": \\\"@\\\"}\"}\n",
    ),
    ("yaml", "service:\n  value: @\n  port: 80\n"),
    ("toml", "value = \"@\"\n"),
    (
        "diff",
        "@@ -1,3 +1,3 @@\n context\n-value = old\n+value = \"@\"\n",
    ),
    ("shell", "export VALUE=@\ncurl https://example.org -d x\n"),
    ("quoted shell", "deploy --with '@' && echo done\n"),
    (
        "log",
        "2026-11-22T10:00:00Z INFO using @, retrying in 3 s\n",
    ),
    (
        "log in brackets",
        "ERROR request failed (token @) for user 7\n",
    ),
    ("end of a sentence", "The key is @. Keep it.\n"),
    ("markdown", "Use `@` here.\n"),
    ("xml", "<value>@</value>\n"),
    ("url", "GET /path?value=@&page=2 HTTP/1.1\n"),
    ("numbered lines", "11\tfirst\n12\tvalue: @\n13\tlast\n"),
    (
        "search hits",
        "src/a.rs:12:9: let value = \"@\";\nsrc/b.rs:3:1: other\n",
    ),
    ("escaped lines", "\"line one\\n@\\nline three\"\n"),
    ("alone", "@"),
];

#[test]
fn every_kind_of_token_is_concealed_in_every_kind_of_text() {
    assert!(KINDS.len() >= 40);
    let mut missed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut random = Random::new("kinds");
    for (kind, pattern) in KINDS {
        for (place, text) in PLACES {
            let token = random.token(pattern);
            let text = text.replace('@', &token);
            let text = text.replace(&format!("{token}{token}"), "@@");
            let mut vault = Vault::new([7; 32]);
            let concealed = vault.conceal(&text);
            if concealed.text.contains(secret_of(&token)) {
                missed.entry(kind).or_default().push(place);
            }
            assert_eq!(vault.restore(&concealed.text), text, "{kind} in {place}");
        }
    }
    let tried = KINDS.len() * PLACES.len();
    let lost: usize = missed.values().map(Vec::len).sum();
    println!("recall {} of {tried}", tried - lost);
    assert!(missed.is_empty(), "not concealed: {missed:#?}");
}

#[test]
fn a_token_without_a_form_of_its_own_is_known_by_its_name() {
    const FORMS: &[&str] = &[
        "$ = \"@\"\n",
        "$: @\n",
        "\"$\": \"@\",\n",
        "export $=@\n",
        "+  $: '@'\n",
        "12\t$ = '@'\n",
    ];
    let mut random = Random::new("named");
    let mut missed = Vec::new();
    for (name, pattern) in NAMED {
        for form in FORMS {
            let token = random.token(pattern);
            let text = form.replace('$', name).replace('@', &token);
            let mut vault = Vault::new([7; 32]);
            if vault.conceal(&text).text.contains(&token) {
                missed.push(text.clone());
                continue;
            }
            // Once known, it is known without its name.
            let alone = format!("the server said {token} twice");
            assert!(!vault.conceal(&alone).text.contains(&token), "{alone}");
        }
    }
    assert!(missed.is_empty(), "not concealed: {missed:#?}");
}

#[test]
fn a_password_in_an_address_is_concealed_and_the_address_is_not() {
    let password = Random::new("url").token("{A20}");
    for scheme in [
        "postgres",
        "mysql",
        "mongodb+srv",
        "redis",
        "amqps",
        "https",
    ] {
        let text = format!("url = {scheme}://app:{password}@db.example.org:5432/main");
        let mut vault = Vault::new([7; 32]);
        let concealed = vault.conceal(&text).text.into_owned();
        assert!(!concealed.contains(&password), "{concealed}");
        assert!(concealed.contains("://app:KERF_SECRET_"), "{concealed}");
        assert!(
            concealed.ends_with("@db.example.org:5432/main"),
            "{concealed}"
        );
    }
}

#[test]
fn what_only_looks_like_a_secret_is_reported_and_stays() {
    let value = Random::new("generic").token("{A32}");
    let text = format!("internal_service_secret = \"{value}\"\n");
    let mut vault = Vault::new([7; 32]);
    let concealed = vault.conceal(&text);
    assert_eq!(concealed.text, text);
    assert!(concealed.found.is_empty());
    let [warning] = &concealed.warnings[..] else {
        panic!("{:?}", concealed.warnings);
    };
    assert_eq!(warning.rule, "generic-api-key");
    assert_eq!(text[warning.range.clone()], value);
    assert!(warning.entropy > 3.5, "{}", warning.entropy);
    assert!(vault.is_empty());
}

#[test]
fn examples_of_documentation_are_no_secrets() {
    let aws = ["AK", "IAIOSFODNN7EXAMPLE"].concat();
    for text in [
        format!("aws_access_key_id = {aws}"),
        format!("token: gh{}", "p_".to_owned() + &"x".repeat(36)),
        "password: ${DB_PASSWORD}".to_owned(),
        "postgres://user:password@localhost/db".to_owned(),
        "postgres://user:${PASS}@localhost/db".to_owned(),
        "https://github.com/rust-lang/rust".to_owned(),
    ] {
        let mut vault = Vault::new([7; 32]);
        assert_eq!(vault.conceal(&text).text, text);
    }
}
