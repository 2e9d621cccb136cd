//! `kerf search` and `kerf index`: what is found, in which order, how it is told, and what is said to a wrong query.

use crate::scene::{Scene, write};
use crate::support::{Kerf, Ran};
use kerf_test_support::Fixture;
use rstest::rstest;
use serde_json::{Value, json};
use std::fs;

const SHOP: &str = r#"//- /.gitignore
out
//- /src/money.rs
//! Amounts of money.

pub struct Money { minor: i64 }

impl Money {
    /// Rounds halves to the even cent.
    pub fn round_half_even(self) -> Money { self }
}
//- /src/refund.rs
//! What a customer gets back.

use crate::money::Money;

/// Refunds are rounded as payouts are.
pub fn refund_part(paid: Money) -> Money {
    paid.round_half_even()
}
//- /tests/refund.rs
// refund refund refund: refunds are rounded
fn halves_go_to_the_even_cent() { refund_part(); }
//- /web/cart.ts
export class Cart { addItem(id: string) { return id; } }
//- /.github/flow.yml
on: refund
//- /out/refund.rs
fn refund_part() {}
"#;

fn shop() -> (Kerf, Fixture) {
    let folder = Fixture::new(SHOP).git();
    (Kerf::new().in_repo(&folder), folder)
}

/// `path:line` of each hit.
fn places(ran: &Ran) -> Vec<String> {
    let place = |hit: &Value| {
        let path = hit["path"].as_str().unwrap();
        format!("{path}:{}", hit["line"])
    };
    ran.events.iter().map(place).collect()
}

#[rstest]
#[case::lines_by_path(&["--regex", r"refund_\w+"], &["src/refund.rs:6", "tests/refund.rs:2"])]
#[case::text_as_it_is(&["--exact", "fn refund_part("], &["src/refund.rs:6"])]
#[case::capitals_count(&["--exact", "MONEY"], &[])]
#[case::unless_told(&["--exact", "-i", "MONEY;"], &["src/refund.rs:3"])]
#[case::hidden_files_when_asked(&["--exact", "--hidden", "on: refund"], &[".github/flow.yml:1"])]
#[case::over_lines(&["--regex", "--multi-line", r"Money;\n\n/// Refunds"], &["src/refund.rs:3"])]
#[case::in_a_place(&["--exact", "refund", "--in", "tests/"], &["tests/refund.rs:1", "tests/refund.rs:2"])]
#[case::in_a_language(&["--exact", "id", "--lang", "ts"], &["web/cart.ts:1"])]
#[case::a_definition(&["--symbol", "round_half_even"], &["src/money.rs:7"])]
#[case::a_definition_in_another(&["--symbol", "Cart.addItem"], &["web/cart.ts:1"])]
#[case::a_definition_elsewhere(&["--symbol", "Refund::round_half_even"], &[])]
#[case::a_file(&["--path", "refrs"], &["src/refund.rs:1", "tests/refund.rs:1"])]
#[case::only_some(&["--exact", "refund", "--limit", "1"], &["src/refund.rs:6"])]
fn finds(#[case] arguments: &[&str], #[case] expected: &[&str]) {
    let (kerf, _folder) = shop();
    let arguments = [&["--json", "search"], arguments].concat();
    assert_eq!(places(&kerf.run(&arguments).expect(0)), expected);
}

#[test]
fn a_question_finds_the_code_before_its_tests() {
    let (kerf, _folder) = shop();
    let ran = kerf
        .run(&["--json", "search", "where are refunds rounded"])
        .expect(0);
    let paths: Vec<_> = ran.events.iter().map(|hit| hit["path"].as_str()).collect();
    assert_eq!(
        paths.first(),
        Some(&Some("src/refund.rs")),
        "{}",
        ran.stdout
    );
    assert!(paths.contains(&Some("tests/refund.rs")), "{}", ran.stdout);
    assert!(!paths.contains(&Some("out/refund.rs")), "ignored");
}

#[test]
fn a_hit_tells_its_place_its_definition_and_what_to_mark() {
    let (kerf, _folder) = shop();
    kerf.run(&["index"]).expect(0);
    let ran = kerf
        .run(&["--json", "search", "--regex", "round_half"])
        .expect(0);
    let hit = &ran.events[1];
    assert_eq!(hit["path"], "src/refund.rs");
    assert_eq!((&hit["line"], &hit["column"]), (&7.into(), &10.into()));
    assert_eq!(hit["text"], "    paid.round_half_even()");
    assert_eq!(hit["marks"], json!([[9, 19]]));
    assert_eq!(hit["symbol"], "refund_part");
    let shown = kerf.run(&["search", "--regex", "round_half"]).expect(0);
    assert_eq!(
        shown.stdout,
        "src/money.rs:7:12:     pub fn round_half_even(self) -> Money { self }\n\
         src/refund.rs:7:10:     paid.round_half_even()\n"
    );
}

#[rstest]
#[case(&["--regex", "a(b"], "column 2")]
#[case(&["lang:rusty money"], "rust")]
#[case(&["\"open"], "column 1")]
#[case(&[""], "empty")]
fn what_is_wrong_with_a_query_is_told_by_its_place(#[case] query: &[&str], #[case] told: &str) {
    let (kerf, _folder) = shop();
    let ran = kerf.run(&[&["--json", "search"], query].concat()).expect(2);
    let message = ran.error()["message"].as_str().unwrap();
    assert!(message.contains(told), "{message}");
}

/// The user's excludes for all repositories are anchored where the folder begins, wherever the program was started.
#[test]
fn the_user_s_own_excludes_count_as_they_do_for_git() {
    let folder = Fixture::new(
        "//- /left.rs\n//- /deep/left.rs\n//- /a.log\n//- /deep/b.log\n//- /deep/kept.log\n//- /kept.rs\n",
    )
    .git();
    folder.write("deep/.gitignore", "!kept.log\n");
    let settings = tempfile::tempdir().unwrap();
    fs::create_dir(settings.path().join("git")).unwrap();
    fs::write(settings.path().join("git/ignore"), "/left.rs\n*.log\n").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let kerf = Kerf::new()
        .in_folder(elsewhere.path())
        .env("XDG_CONFIG_HOME", &settings.path().display().to_string());
    let named = folder.path().display().to_string();
    let ran = kerf
        .run(&["--json", "-C", &named, "search", "--path", "**/*.*"])
        .expect(0);
    let mut found: Vec<_> = ran
        .events
        .iter()
        .map(|hit| hit["path"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(found, ["deep/kept.log", "deep/left.rs", "kept.rs"]);
    #[expect(
        clippy::disallowed_methods,
        reason = "git itself says what is expected"
    )]
    let mut git = std::process::Command::new("git");
    let listed = git
        .current_dir(folder.path())
        .args([
            "ls-files",
            "--others",
            "--ignored",
            "--cached",
            "-i",
            "--exclude-standard",
        ])
        .env("HOME", elsewhere.path())
        .env("XDG_CONFIG_HOME", settings.path())
        .output()
        .unwrap();
    let ignored = String::from_utf8(listed.stdout).unwrap();
    let mut ignored: Vec<_> = ignored.lines().collect();
    ignored.sort_unstable();
    assert_eq!(ignored, ["a.log", "deep/b.log", "left.rs"]);
}

#[test]
fn an_edit_is_found_and_what_it_replaced_is_not() {
    let (kerf, folder) = shop();
    let search = |text| places(&kerf.run(&["--json", "search", "--exact", text]).expect(0));
    assert_eq!(search("Cart"), ["web/cart.ts:1"]);
    folder.write("web/cart.ts", "export class Basket {}\n");
    assert_eq!(search("Cart"), [""; 0]);
    assert_eq!(search("Basket"), ["web/cart.ts:1"]);
}

#[test]
fn the_index_is_built_told_and_built_anew() {
    let (kerf, _folder) = shop();
    for arguments in [
        &["--json", "index"][..],
        &["--json", "index", "status"],
        &["--json", "index", "rebuild"],
    ] {
        let told = kerf.run(arguments).expect(0).json();
        assert_eq!(told["state"], "ready", "{told}");
        // The ignore file and the hidden one count, what is ignored does not.
        assert_eq!(told["files"], 6, "{told}");
        assert!(
            told["seconds"].is_f64() && told["size"].as_u64() > Some(0),
            "{told}"
        );
    }
    let places = fs::read_dir(kerf.home().join("index")).unwrap().count();
    assert_eq!(places, 1);
}

/// The agent finds what it has just written, by words, by name and in an outline.
#[test]
fn the_agent_searches_what_it_has_changed() {
    let scene = Scene::on(SHOP, true);
    let ran = scene.turn([
        write(
            "src/tax.rs",
            "/// Levies a duty on imports.\npub fn levy_duty() {}\n",
        ),
        ("search_code", json!({ "query": "levy duty imports" })),
        ("symbols", json!({ "name": "levy_duty" })),
        ("outline", json!({ "path": "src/tax.rs" })),
    ]);
    let calls = ran.calls();
    let outputs: Vec<_> = calls
        .iter()
        .filter_map(|call| call["output"].as_str())
        .collect();
    assert!(outputs[1].contains("src/tax.rs:"), "{outputs:?}");
    assert!(
        outputs[2].starts_with("src/tax.rs:2-2: function levy_duty"),
        "{outputs:?}"
    );
    assert!(
        outputs[3].contains("2-2: function levy_duty"),
        "{outputs:?}"
    );
}
