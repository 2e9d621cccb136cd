//! JSON, TOML and YAML: the keys near the top.

use super::super::{
    Kind,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

/// Keys inside of so many others are data, and so is what is in lists.
const MAX_LEVEL: u32 = 3;
/// A file with more keys than people write has its first ones.
const MAX_KEYS: usize = 1_000;

pub(super) const JSON: Grammar = Grammar {
    language: || tree_sitter_json::LANGUAGE.into(),
    rules: &[&[
        ("pair", Special(pair)),
        ("array", Special(list)),
        ("comment", Comment),
    ]],
    tails: &[],
    words: &[],
    blanks: &[],
};

pub(super) const TOML: Grammar = Grammar {
    language: || tree_sitter_toml_ng::LANGUAGE.into(),
    rules: &[&[
        ("table", Special(dotted)),
        ("table_array_element", Special(list_of_tables)),
        ("pair", Special(dotted)),
        ("array", Special(list)),
        ("comment", Comment),
    ]],
    tails: &[],
    words: &[],
    blanks: &[],
};

pub(super) const YAML: Grammar = Grammar {
    language: || tree_sitter_yaml::LANGUAGE.into(),
    rules: &[&[
        ("block_mapping_pair", Special(pair)),
        ("flow_pair", Special(pair)),
        ("block_sequence", Special(list)),
        ("flow_sequence", Special(list)),
        ("comment", Comment),
    ]],
    tails: &[],
    words: &[],
    blanks: &[],
};

fn has_room(walk: &mut Walk<'_>) -> bool {
    if walk.level() >= MAX_LEVEL {
        return false;
    }
    if walk.count() >= MAX_KEYS {
        walk.truncated = true;
        return false;
    }
    true
}

fn list(walk: &mut Walk<'_>, _: Node<'_>) -> Step {
    walk.enter_deepest();
    Step::Into
}

fn pair(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(key) = node.child_by_field_name("key")
        && has_room(walk)
        && let Some(definition) = walk.define(node, key, Kind::Key)
    {
        walk.enter_definition(definition);
    }
    Step::Into
}

/// `[[bin]]` is one key, however many follow each other.
fn list_of_tables(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let key = node.named_child(0).map(|key| walk.text_of(key));
    if key.is_none() || walk.last() != key {
        dotted(walk, node);
    }
    walk.enter_deepest();
    Step::Into
}

/// The last part of `a.b.c` is defined in the others.
fn dotted(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    const MAX_PARTS: usize = 32;
    if !has_room(walk) {
        return Step::Into;
    }
    let mut parts = Vec::new();
    let mut key = node.named_child(0);
    while let Some(part) = key.take() {
        if part.kind() == "dotted_key" && parts.len() < MAX_PARTS {
            // The grammar nests them to the left.
            parts.extend(part.named_child(1));
            key = part.named_child(0);
        } else if part.kind().ends_with("key") {
            parts.push(part);
        }
    }
    parts.reverse();
    if let Some((name, around)) = parts.split_last() {
        for part in around {
            let part = walk.text_of(*part).trim_matches(['"', '\'']);
            walk.enter_scope(part);
        }
        if let Some(definition) = walk.define(node, *name, Kind::Key) {
            walk.enter_definition(definition);
        }
    }
    Step::Into
}
