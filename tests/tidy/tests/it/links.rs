//! Who may link what, over the resolved graph: for all platforms, transitive dependencies included.

use tidy::{
    forbid,
    workspace::{folder, member, metadata, resolved, shipped, way},
};

/// Libraries that open connections for HTTP. Only what is below `egress` may hold one.
const HTTP: &[&str] = &[
    "reqwest",
    "hyper",
    "hyper-util",
    "hyper-rustls",
    "h2",
    "ureq",
    "isahc",
    "curl",
    "curl-sys",
    "attohttpc",
    "awc",
    "surf",
    "minreq",
    "tungstenite",
    "quinn",
];

/// A crate's folder under `crates`, the libraries that are behind it alone, and why.
const DOORS: &[(&str, &[&str], &str)] = &[
    (
        "egress",
        HTTP,
        "every request passes the allow-list and the ledger",
    ),
    (
        "store",
        &["sqlx", "sqlx-core", "sqlx-sqlite", "libsqlite3-sys"],
        "one writer owns the database",
    ),
    (
        "store",
        &["keyring", "keyring-core"],
        "secrets have one place",
    ),
    (
        "git",
        &["git2", "libgit2-sys", "gix"],
        "a repository is read in one way, and that runs nothing",
    ),
    (
        "index",
        &["tantivy"],
        "the index can be thrown away and replaced",
    ),
    (
        "workspace",
        &["notify"],
        "there is one watcher with one set of ignore rules",
    ),
    (
        "workspace",
        &["cap-std", "cap-fs-ext"],
        "paths are checked in one place",
    ),
    (
        "sandbox",
        &["landlock", "seccompiler", "process-wrap"],
        "child processes have one policy",
    ),
];

/// Libraries that nothing may bring in, not even a test, and why.
const NOWHERE: &[(&str, &str)] = &[
    (
        "openssl-sys",
        "TLS is rustls with ring: no library of the system to find and to patch",
    ),
    (
        "native-tls",
        "TLS is rustls with ring: no library of the system to find and to patch",
    ),
    (
        "aws-lc-sys",
        "ring is the one crypto provider; this one needs cmake and more to build",
    ),
    (
        "rusqlite",
        "sqlx is the one way to SQLite; two would link it twice",
    ),
];

#[test]
fn each_library_has_one_door() {
    let mut wrong = Vec::new();
    for (door, libraries, why) in DOORS {
        let owner = format!("crates/{door}");
        let Some(owner) = member(&owner) else {
            wrong.push(format!(
                "{owner}, the door of {}, is not there",
                libraries.join(", ")
            ));
            continue;
        };
        for package in shipped().filter(|package| package.id != owner.id) {
            for library in *libraries {
                if let Some(way) = way(package, library, &[owner.name.as_str()]) {
                    wrong.push(format!(
                        "{}: {way} (only below {door}: {why})",
                        folder(package)
                    ));
                }
            }
        }
    }
    forbid(
        wrong,
        "Each of these libraries is behind one crate. Use that crate's interface, or switch the feature off that brings it in.",
    );
}

#[test]
fn some_libraries_are_nowhere() {
    let wrong = NOWHERE
        .iter()
        .filter(|(library, _)| resolved().any(|name| name == *library));
    let wrong = wrong.map(|(library, why)| {
        format!("{library}: {why}; `cargo tree --target all -i {library}` shows the way")
    });
    forbid(
        wrong,
        "Nothing may bring these in. Switch the feature off, or use another library.",
    );
}

#[test]
fn nothing_but_the_window_links_a_gui() {
    let gui = ["tauri", "wry", "tao", "gtk", "webkit2gtk", "winit"];
    let wrong = metadata()
        .workspace_packages()
        .into_iter()
        // The second is measured beside the first.
        .filter(|package| !["src-tauri", "tests/empty-window"].contains(&folder(package).as_str()))
        .flat_map(|package| gui.iter().filter_map(|library| way(package, library, &[])));
    forbid(
        wrong,
        "Only src-tauri links a GUI library, and the empty window beside it: all else must run on a server.",
    );
}

#[test]
fn review_and_protocol_link_nothing_that_does_io() {
    let io = [
        "tokio",
        "mio",
        "async-std",
        "smol",
        "cap-std",
        "notify",
        "tempfile",
        "ignore",
        "walkdir",
        "socket2",
        "rustix",
        "nix",
        "libgit2-sys",
        "libsqlite3-sys",
    ];
    let mut wrong = Vec::new();
    for name in ["crates/review", "crates/protocol"] {
        let Some(package) = member(name) else {
            wrong.push(format!("{name} is not there"));
            continue;
        };
        wrong.extend(
            io.iter()
                .chain(HTTP)
                .filter_map(|library| way(package, library, &[])),
        );
    }
    forbid(
        wrong,
        "These two crates compute and nothing else. Do the reading and writing in a crate above.",
    );
}

#[test]
fn the_test_server_brings_no_http_client() {
    let Some(package) = member("crates/test-support") else {
        return;
    };
    let mut wrong = Vec::new();
    for dependency in &package.dependencies {
        let is_client = dependency
            .features
            .iter()
            .any(|feature| feature.starts_with("client"));
        if is_client
            || (HTTP.contains(&dependency.name.as_str()) && !dependency.name.starts_with("hyper"))
        {
            wrong.push(format!(
                "crates/test-support/Cargo.toml: {}",
                dependency.name
            ));
        }
    }
    forbid(
        wrong,
        "Tests talk through egress, or by a plain socket: a second client hides what the first does.",
    );
}
