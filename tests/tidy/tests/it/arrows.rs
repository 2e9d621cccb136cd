//! Arrows between Kerf's own crates run down only.
//!
//! cli → engine → agent, store → model, index, review, checkpoint, git, rules, sandbox, secrets → workspace, egress → protocol.

use cargo_metadata::{DependencyKind, Package};
use tidy::{
    forbid,
    workspace::{folder, metadata, shipped},
};

/// Each member's folder and what it may use, as folders. A member without a row fails.
const MAY_USE: &[(&str, &[&str])] = &[
    ("src-tauri", &["engine", "protocol"]),
    // The engine is the only crate that fronts call.
    ("crates/cli", &["engine", "protocol"]),
    (
        "crates/engine",
        &[
            "agent",
            "store",
            "model",
            "index",
            "review",
            "checkpoint",
            "git",
            "rules",
            "sandbox",
            "secrets",
            "workspace",
            "egress",
            "protocol",
        ],
    ),
    // Not the store: the loop's tests need no database, and replay is free.
    (
        "crates/agent",
        &[
            "model",
            "index",
            "review",
            "checkpoint",
            "git",
            "rules",
            "sandbox",
            "secrets",
            "workspace",
            "egress",
            "protocol",
        ],
    ),
    (
        "crates/store",
        &[
            "model",
            "index",
            "review",
            "checkpoint",
            "git",
            "sandbox",
            "workspace",
            "egress",
            "protocol",
        ],
    ),
    ("crates/model", ORGAN),
    ("crates/index", ORGAN),
    ("crates/checkpoint", ORGAN),
    ("crates/git", ORGAN),
    ("crates/sandbox", ORGAN),
    // Texts in, texts out: it needs none of them.
    ("crates/secrets", &[]),
    // Texts in, verdicts out.
    ("crates/rules", &["protocol"]),
    // A pure algebra: neither files nor the network are within its reach.
    ("crates/review", &["protocol"]),
    ("crates/workspace", &["protocol"]),
    ("crates/egress", &["protocol"]),
    ("crates/protocol", &[]),
    ("crates/test-support", &["workspace", "protocol"]),
    // A table, which its two readers share.
    ("tests/attacks", &[]),
    // Search, checkpoints, worktrees, commands and secrets are measured within the process.
    (
        "tests/bench",
        &[
            "git",
            "index",
            "checkpoint",
            "sandbox",
            "workspace",
            "secrets",
            "protocol",
            "test-support",
            "window-tests",
        ],
    ),
    // A front for tests alone.
    ("tests/browser", &["engine", "protocol", "test-support"]),
    // What the bench measures the window beside.
    ("tests/empty-window", &[]),
    ("tests/tidy", &["attacks"]),
    ("tests/window", &["test-support"]),
    ("xtask", &["attacks"]),
];

const ORGAN: &[&str] = &["workspace", "egress", "protocol"];

/// Names of the workspace's own packages that `package` uses, and as what.
fn used(package: &Package) -> Vec<(String, DependencyKind)> {
    let members = metadata().workspace_packages();
    let own = |name: &str| members.iter().any(|member| member.name == name);
    let dependencies = package.dependencies.iter();
    dependencies
        .filter(|dependency| own(&dependency.name))
        .map(|dependency| (dependency.name.clone(), dependency.kind))
        .collect()
}

#[test]
fn arrows_run_down_only() {
    let mut wrong = Vec::new();
    for package in metadata().workspace_packages() {
        let place = folder(package);
        let Some((_, allowed)) = MAY_USE.iter().find(|(member, _)| *member == place) else {
            wrong.push(format!(
                "{place} has no row in the table: say what it may use"
            ));
            continue;
        };
        for (name, kind) in used(package) {
            let short = name.trim_start_matches("kerf-");
            if kind != DependencyKind::Development && !allowed.contains(&short) {
                wrong.push(format!(
                    "{place}/Cargo.toml: {name} is not below {}",
                    package.name
                ));
            }
        }
    }
    forbid(
        wrong,
        "Arrows run down only (ARCHITECTURE.md). Move what is needed to the crate below, or hand it in from above.",
    );
}

#[test]
fn only_tests_use_test_support() {
    let wrong = shipped().flat_map(|package| {
        let normal = |(name, kind): &(String, DependencyKind)| {
            name == "kerf-test-support" && *kind != DependencyKind::Development
        };
        used(package)
            .into_iter()
            .filter(normal)
            .map(|(name, _)| format!("{}/Cargo.toml: {name}", folder(package)))
    });
    forbid(
        wrong,
        "What serves tests is a dev-dependency: nothing of it is shipped.",
    );
}
