//! Trees of files as they are on disk, byte for byte: no filter, no line-end conversion, no rule about names.
//!
//! The library's own tree builder refuses names that other systems would take for `.git`, and a file of that name would
//! then be lost. So trees are written here; what reads them back looks at each name.

use super::listing::is_gits;
use crate::{FileKind, path_from_git, path_to_git};
use git2::{ObjectType, Odb, Oid, Repository};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What a tree says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    File(Oid, FileKind),
    Submodule(Oid),
}

#[derive(Default)]
pub(super) struct Tree {
    entries: BTreeMap<Vec<u8>, Node>,
}

enum Node {
    Leaf(Leaf),
    Tree(Tree),
}

impl Tree {
    /// Puts a leaf at a path. A path that git cannot name is left out; there is none on Unix.
    pub(super) fn put(&mut self, path: &Path, leaf: Leaf) {
        let Some(path) = path_to_git(path) else {
            return;
        };
        let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let Some(name) = parts.pop() else { return };
        let mut tree = self;
        for part in parts {
            let node = tree
                .entries
                .entry(part.to_vec())
                .or_insert_with(|| Node::Tree(Tree::default()));
            if matches!(node, Node::Leaf(_)) {
                *node = Node::Tree(Tree::default());
            }
            let Node::Tree(inner) = node else { return };
            tree = inner;
        }
        tree.entries.insert(name.to_vec(), Node::Leaf(leaf));
    }

    /// Writes the tree and all below it. As deep as paths are, which the system bounds.
    pub(super) fn write(&self, odb: &Odb<'_>) -> Result<Oid, git2::Error> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for (name, node) in &self.entries {
            let (mode, id) = match node {
                Node::Tree(tree) => ("40000", tree.write(odb)?),
                Node::Leaf(Leaf::Submodule(id)) => ("160000", *id),
                Node::Leaf(Leaf::File(id, FileKind::Plain)) => ("100644", *id),
                Node::Leaf(Leaf::File(id, FileKind::Executable)) => ("100755", *id),
                Node::Leaf(Leaf::File(id, FileKind::Link)) => ("120000", *id),
            };
            // Git orders a folder as if its name ended with a slash.
            let mut key = name.clone();
            if matches!(node, Node::Tree(_)) {
                key.push(b'/');
            }
            entries.push((key, name, mode, id));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let mut bytes = Vec::new();
        for (_, name, mode, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        odb.write(ObjectType::Tree, &bytes)
    }
}

/// The leaves of a tree by path. Names that lead out of a folder or into a `.git` are an error: no tree that was written
/// here has them.
pub(super) fn read(repo: &Repository, tree: Oid) -> Result<BTreeMap<PathBuf, Leaf>, git2::Error> {
    let mut leaves = BTreeMap::new();
    let mut trees = vec![(PathBuf::new(), tree)];
    while let Some((at, id)) = trees.pop() {
        for entry in &repo.find_tree(id)? {
            let name = entry.name_bytes();
            let part = path_from_git(name).filter(|_| is_harmless(name));
            let Some(part) = part else {
                return Err(git2::Error::from_str("a tree names a file that is none"));
            };
            let path = at.join(part);
            let leaf = match entry.filemode() {
                0o040_000 => {
                    trees.push((path, entry.id()));
                    continue;
                }
                0o160_000 => Leaf::Submodule(entry.id()),
                0o120_000 => Leaf::File(entry.id(), FileKind::Link),
                0o100_755 => Leaf::File(entry.id(), FileKind::Executable),
                _ => Leaf::File(entry.id(), FileKind::Plain),
            };
            leaves.insert(path, leaf);
        }
    }
    Ok(leaves)
}

fn is_harmless(name: &[u8]) -> bool {
    !name.is_empty()
        && name != b"."
        && name != b".."
        && !is_gits(name)
        && !name.contains(&b'/')
        && (cfg!(unix) || !name.iter().any(|byte| b"\\:".contains(byte)))
}
