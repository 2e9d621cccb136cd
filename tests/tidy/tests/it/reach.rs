//! What a crate's own code may reach in the standard library and in tokio.

use tidy::{
    forbid,
    source::{Source, words},
    tree::{rust, shipped},
};

fn in_crate(name: &str) -> impl Iterator<Item = &'static Source> {
    let folder = format!("crates/{name}/src/");
    shipped().filter(move |source| source.path().starts_with(&folder))
}

/// Places in the product's code where any of the words stands.
fn places(sources: impl Iterator<Item = &'static Source>, what: &[&'static str]) -> Vec<String> {
    sources
        .flat_map(|source| {
            what.iter()
                .flat_map(|word| source.find_in_product(word).map(|at| source.place(at)))
                .chain(grouped(source, what))
        })
        .collect()
}

/// `use std::{fs, io}` names `std::fs` too.
fn grouped(source: &Source, what: &[&str]) -> Vec<String> {
    let modules: Vec<&str> = what
        .iter()
        .filter_map(|word| word.strip_prefix("std::"))
        .collect();
    source
        .find_in_product("std::{")
        .filter(|at| {
            let group = source.group(at + "std::".len());
            modules.iter().any(|module| {
                words(group, module).any(|at| {
                    let before = group[..at].trim_end();
                    // One level down it is a part of another module.
                    (before.ends_with('{') && before.len() == 1)
                        || (before.ends_with(',')
                            && before.matches('{').count() == before.matches('}').count() + 1)
                })
            })
        })
        .map(|at| source.place(at))
        .collect()
}

const IO: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::os",
    "async fn",
    "async move",
    "tokio",
    "println!",
    "eprintln!",
];

#[test]
fn review_is_pure() {
    forbid(
        places(in_crate("review"), IO),
        "review is an algebra over texts it is given. Read and write in the engine.",
    );
}

#[test]
fn protocol_is_data() {
    forbid(
        places(in_crate("protocol"), IO),
        "protocol holds types alone. Do the work in the crate that owns it.",
    );
}

#[test]
fn only_the_sandbox_starts_processes() {
    let others = shipped().filter(|source| !source.path().starts_with("crates/sandbox/"));
    let wrong = others.flat_map(|source| {
        let starts = [
            "Command::new",
            "process::Command",
            "TokioCommand",
            "posix_spawn",
            "fork(",
        ];
        starts
            .iter()
            .flat_map(|word| source.find_in_product(word))
            // The builder of the command line has the same name as the one of processes.
            .filter(|at| !source.code()[..*at].ends_with("clap::"))
            .map(|at| source.place(at))
            .collect::<Vec<_>>()
    });
    forbid(
        wrong,
        "Child processes run under a policy: start them through kerf-sandbox.",
    );
}

/// Where the sandbox's helper listens: in a network that is one command's own and that nothing else is in.
const INSIDE: &str = "crates/sandbox/src/linux/gate.rs";

/// Where git asks the user: a socket in a folder of the user's own, between two processes of Kerf.
const ASKING: &str = "crates/engine/src/git/askpass/";

#[test]
fn only_egress_opens_connections() {
    let opens = [
        "TcpStream::connect",
        "UdpSocket",
        "TcpListener",
        "UnixListener",
        "UnixStream::connect",
    ];
    let others = shipped().filter(|source| {
        let path = source.path();
        !path.starts_with("crates/egress/") && !path.starts_with(ASKING) && path != INSIDE
    });
    forbid(
        places(others, &opens),
        "Only egress opens a connection, and nothing listens on a port.",
    );
}

/// Who may listen, and why: servers that tests talk to, on this machine alone; the last finds a free port for one.
const LISTENERS: [&str; 4] = [
    "crates/test-support/",
    "crates/engine/tests/it/git_server.rs",
    "tests/browser/",
    "tests/window/",
];

#[test]
fn only_servers_of_tests_open_a_port() {
    let wrong = rust()
        .iter()
        .filter(|source| {
            !LISTENERS
                .iter()
                .any(|place| source.path().starts_with(place))
                && source.path() != INSIDE
        })
        .flat_map(|source| {
            source
                .find_in_product("TcpListener")
                .map(|at| source.place(at))
                .collect::<Vec<_>>()
        });
    forbid(
        wrong,
        "The engine opens no port, and neither do its fronts.",
    );
}

/// Files that hold `unsafe`, in the sandbox alone: what the kernel offers and no safe library does.
const UNSAFE: &str = "crates/sandbox/src/";

#[test]
fn unsafe_stays_in_the_sandbox() {
    let others = rust()
        .iter()
        .filter(|source| !source.path().starts_with(UNSAFE));
    let wrong = others.flat_map(|source| source.find("unsafe").map(|at| source.place(at)));
    forbid(
        wrong,
        "unsafe is for crates/sandbox/src alone. Use a library that has a safe interface (rustix, cap-std).",
    );
}

#[test]
fn each_unsafe_has_its_reason() {
    let mut wrong = Vec::new();
    for source in rust()
        .iter()
        .filter(|source| source.path().starts_with(UNSAFE))
    {
        for at in source.find("unsafe") {
            let line = source.line_of(at);
            // The comment stands on the line, or above the statement that the block is in.
            let near =
                (line.saturating_sub(6)..=line).any(|line| source.line(line).contains("SAFETY:"));
            if !near {
                wrong.push(source.place(at));
            }
        }
    }
    forbid(
        wrong,
        "Say in a `// SAFETY:` comment above it why this is sound.",
    );
}

#[test]
fn switched_off_lints_have_reasons() {
    let mut wrong = Vec::new();
    for source in rust() {
        for word in ["allow(", "expect("] {
            for at in source.find(word) {
                let before = source.code()[..at].trim_end();
                let is_attribute = before.ends_with("#[") || before.ends_with("#![");
                if is_attribute
                    && words(source.group(at + word.len() - 1), "reason")
                        .next()
                        .is_none()
                {
                    wrong.push(source.place(at));
                }
            }
        }
    }
    forbid(wrong, "Give the attribute a `reason = \"…\"`.");
}
