//! What cargo says of the workspace: its packages, and the resolved graph of all dependencies.
//!
//! The graph is read from `Cargo.lock`, since it holds all platforms at once and needs no crate of another
//! platform to be downloaded. Which of a member's dependencies only its tests use is said by its manifest.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::OnceLock,
};

/// The members of the workspace as their manifests say.
///
/// # Panics
/// When cargo does not answer.
pub fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        MetadataCommand::new()
            .manifest_path(crate::tree::root().join("Cargo.toml"))
            .no_deps()
            .other_options(["--offline", "--locked"].map(str::to_owned))
            .exec()
            .unwrap_or_else(|error| panic!("cargo metadata failed: {error}"))
    })
}

/// The folder of a member from the root, as `crates/git`.
///
/// # Panics
/// When the package is not of this workspace.
#[must_use]
pub fn folder(package: &Package) -> String {
    let folder = package
        .manifest_path
        .parent()
        .and_then(|folder| folder.strip_prefix(&metadata().workspace_root).ok());
    let folder =
        folder.unwrap_or_else(|| panic!("{} is not a package of this workspace", package.name));
    folder.as_str().replace('\\', "/")
}

/// The member in this folder.
#[must_use]
pub fn member(name: &str) -> Option<&'static Package> {
    metadata()
        .workspace_packages()
        .into_iter()
        .find(|package| folder(package) == name)
}

/// The members that are the product: the crates and the desktop shell, without what serves tests alone.
pub fn shipped() -> impl Iterator<Item = &'static Package> {
    metadata()
        .workspace_packages()
        .into_iter()
        .filter(|package| {
            let folder = folder(package);
            folder == "src-tauri"
                || (folder.starts_with("crates/") && folder != "crates/test-support")
        })
}

/// The shortest way by normal and build dependencies from a package to one called `target` that does not pass
/// through any package called one of `doors`.
#[must_use]
pub fn way(from: &Package, target: &str, doors: &[&str]) -> Option<String> {
    let graph = graph();
    let start = graph
        .keys()
        .copied()
        .find(|node| node.name == from.name.as_str())?;
    let mut came_from: HashMap<Node, Node> = HashMap::new();
    let mut seen = HashSet::from([start]);
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in graph.get(&at).into_iter().flatten().copied() {
            if doors.contains(&next.name) || !seen.insert(next) {
                continue;
            }
            came_from.insert(next, at);
            if next.name == target {
                let back = std::iter::successors(Some(next), |node| came_from.get(node).copied());
                let mut names: Vec<&str> = back.map(|node| node.name).collect();
                names.reverse();
                return Some(names.join(" → "));
            }
            queue.push_back(next);
        }
    }
    None
}

/// The names of all packages that are resolved, dev-dependencies included.
pub fn resolved() -> impl Iterator<Item = &'static str> {
    graph().keys().map(|node| node.name)
}

/// A package of the lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Node {
    name: &'static str,
    version: &'static str,
}

/// Edges of the lock file that belong to phones alone, which Kerf is not built for: the lock file holds all platforms.
/// Tauri loads pages of a development server through a phone's own client.
const OF_PHONES: &[(&str, &str)] = &[("tauri", "reqwest")];

/// Normal and build dependencies of each package.
fn graph() -> &'static HashMap<Node, Vec<Node>> {
    static GRAPH: OnceLock<HashMap<Node, Vec<Node>>> = OnceLock::new();
    static LOCK: OnceLock<String> = OnceLock::new();
    GRAPH.get_or_init(|| {
        read(LOCK.get_or_init(|| crate::tree::text("Cargo.lock").unwrap_or_default()))
    })
}

fn read(lock: &'static str) -> HashMap<Node, Vec<Node>> {
    let packages: Vec<(Node, Vec<&str>)> = lock
        .split("[[package]]")
        .skip(1)
        .map(read_package)
        .collect();
    let node = |dependency: &str| {
        let mut parts = dependency.split(' ');
        let (name, version) = (parts.next(), parts.next());
        let mut named = packages
            .iter()
            .map(|(node, _)| *node)
            .filter(|node| Some(node.name) == name);
        named.find(|node| version.is_none_or(|version| version == node.version))
    };
    let nodes = packages.iter().map(|(package, dependencies)| {
        let member = metadata()
            .workspace_packages()
            .into_iter()
            .find(|member| member.name == package.name);
        let linked = dependencies
            .iter()
            .filter_map(|dependency| node(dependency));
        let linked = linked.filter(|dependency| {
            member.is_none_or(|member| links(member, dependency.name))
                && !OF_PHONES.contains(&(package.name, dependency.name))
        });
        (*package, linked.collect())
    });
    nodes.collect()
}

/// A package's name and version, and its dependencies as `name`, or as `name version` where there are several.
fn read_package(entry: &'static str) -> (Node, Vec<&'static str>) {
    let field = |name: &str| {
        let line = entry
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
        line.map_or("", |value| value.trim_end_matches('"'))
    };
    let list = entry.split("dependencies = [").nth(1).unwrap_or_default();
    let dependencies = list.split(']').next().unwrap_or_default();
    let names = dependencies.split('"').skip(1).step_by(2).collect();
    (
        Node {
            name: field("name"),
            version: field("version"),
        },
        names,
    )
}

/// Whether a member uses a package for more than its tests.
fn links(member: &Package, name: &str) -> bool {
    let mut named = member
        .dependencies
        .iter()
        .filter(|dependency| dependency.name == name);
    named.any(|dependency| dependency.kind != DependencyKind::Development)
}
