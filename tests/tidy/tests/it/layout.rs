//! How a package looks: header, manifest, name.

use std::fs;
use tidy::{
    forbid,
    tree::{exists, text},
    workspace::{folder, metadata, shipped},
};

const HEADER_LINES: usize = 5;

#[test]
fn crate_roots_open_with_a_header() {
    let mut wrong = Vec::new();
    for package in metadata().workspace_packages() {
        for target in &package.targets {
            let is_root = target
                .src_path
                .file_name()
                .is_some_and(|name| matches!(name, "lib.rs" | "main.rs"));
            let in_src = target
                .src_path
                .parent()
                .is_some_and(|parent| parent.ends_with("src"));
            if !is_root || !in_src {
                continue;
            }
            let text = fs::read_to_string(&target.src_path).unwrap_or_default();
            let lines = text
                .lines()
                .take_while(|line| line.starts_with("//!"))
                .count();
            if lines < HEADER_LINES {
                let path = target
                    .src_path
                    .strip_prefix(&metadata().workspace_root)
                    .unwrap_or(&target.src_path);
                wrong.push(format!("{path}:1: {lines} lines"));
            }
        }
    }
    forbid(
        wrong,
        "A crate opens with `//!` lines, five or more: what it is, what it is not, where to start.",
    );
}

#[test]
fn every_package_says_what_it_is_for() {
    let packages = metadata().workspace_packages();
    let wrong = packages
        .into_iter()
        .filter(|package| package.description.as_deref().unwrap_or_default().len() < 10)
        .map(|package| format!("{}/Cargo.toml", folder(package)));
    forbid(wrong, "Give the package a description of one line.");
}

#[test]
fn folders_are_named_after_their_packages() {
    let packages = metadata().workspace_packages();
    let wrong = packages.into_iter().filter_map(|package| {
        let place = folder(package);
        let name = place.rsplit('/').next().unwrap_or_default();
        // The shell's folder has the name that Tauri's tools look for; the server's holds the tests that use it too.
        let fits = package.name.trim_start_matches("kerf-") == name
            || ["src-tauri", "tests/browser", "tests/window"].contains(&place.as_str());
        (!fits).then(|| format!("{place}: {}", package.name))
    });
    forbid(
        wrong,
        "The folder's name is the package's, without `kerf-`.",
    );
}

#[test]
fn every_package_takes_the_workspace_s_lints() {
    let packages = metadata().workspace_packages();
    let wrong = packages.into_iter().filter_map(|package| {
        let path = format!("{}/Cargo.toml", folder(package));
        let manifest = text(&path).unwrap_or_default();
        let lints = manifest.split("[lints]").nth(1).unwrap_or_default();
        (!lints.trim_start().starts_with("workspace = true")).then_some(path)
    });
    forbid(wrong, "Add `[lints]` with `workspace = true`.");
}

#[test]
fn nothing_is_published_by_accident() {
    let wrong = metadata()
        .workspace_packages()
        .into_iter()
        .filter(|package| package.publish.is_none())
        .map(|package| format!("{}/Cargo.toml", folder(package)));
    forbid(wrong, "Add `publish.workspace = true`.");
}

#[test]
fn a_crate_has_one_integration_binary() {
    let mut wrong = Vec::new();
    for package in shipped() {
        let tests = package
            .targets
            .iter()
            .filter(|target| target.is_test())
            .count();
        let place = folder(package);
        if tests > 1 || (tests == 1 && !exists(&format!("{place}/tests/it/main.rs"))) {
            wrong.push(format!("{place}/tests: {tests} binaries"));
        }
    }
    forbid(
        wrong,
        "Integration tests are modules of tests/it/main.rs: each binary links everything once more.",
    );
}
