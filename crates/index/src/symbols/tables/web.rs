//! HTML and CSS. What HTML gives as a class refers to what CSS selects.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use std::collections::HashSet;
use tree_sitter::Node;

pub(super) const HTML: Grammar = Grammar {
    language: || tree_sitter_html::LANGUAGE.into(),
    rules: &[&[
        ("element", Special(element)),
        ("attribute", Special(attribute)),
        ("comment", Comment),
    ]],
    tails: &[],
    words: &[],
    blanks: &[],
};

pub(super) const CSS: Grammar = Grammar {
    language: || tree_sitter_css::LANGUAGE.into(),
    rules: &[&[
        ("rule_set", Special(rule_set)),
        ("declaration", Special(declaration)),
        ("keyframes_statement", Special(keyframes)),
        ("plain_value", Special(plain_value)),
        ("comment", Comment),
        ("js_comment", Comment),
    ]],
    tails: &[],
    words: &[],
    blanks: &[],
};

/// A heading, by the text in it.
fn element(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    /// In bytes, with tags.
    const MAX_HEADING: usize = 1_000;
    let Some(tag) = node.child(0).and_then(|start| start.named_child(0)) else {
        return Step::Into;
    };
    if !matches!(walk.text_of(tag).as_bytes(), [b'h' | b'H', b'1'..=b'6'])
        || node.byte_range().len() > MAX_HEADING
    {
        return Step::Into;
    }
    let mut text = String::new();
    let mut in_tag = false;
    for character in walk.text_of(node).chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if in_tag => {}
            character => text.push(character),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    walk.define_as(
        node,
        tag,
        &words.join(" ").replace("&amp;", "&"),
        Kind::Heading,
    );
    Step::Into
}

fn attribute(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(name) = node.named_child(0) else {
        return Step::Over;
    };
    let Some(mut value) = node.named_child(1) else {
        return Step::Over;
    };
    if value.kind() == "quoted_attribute_value" {
        match value.named_child(0) {
            Some(inner) => value = inner,
            None => return Step::Over,
        }
    }
    let text = walk.text_of(value);
    match walk.text_of(name) {
        "id" => {
            walk.define_as(node, value, text, Kind::Id);
        }
        "class" => {
            // Classes on further lines have no node to tell their place.
            for class in text
                .lines()
                .next()
                .unwrap_or_default()
                .split_ascii_whitespace()
            {
                let start = value.start_byte() + (class.as_ptr() as usize - text.as_ptr() as usize);
                walk.refer_part(value, start..start + class.len(), Role::Other);
            }
        }
        _ => {}
    }
    Step::Over
}

/// The classes and ids of the selectors, each once.
fn rule_set(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(selectors) = node
        .named_child(0)
        .filter(|first| first.kind() == "selectors")
    else {
        return Step::Into;
    };
    let mut seen = HashSet::new();
    let mut cursor = selectors.walk();
    let mut depth = 0_u32;
    loop {
        let part = cursor.node();
        let (wanted, kind) = match part.kind() {
            "class_selector" => ("class_name", Kind::Selector),
            "id_selector" => ("id_name", Kind::Id),
            _ => ("", Kind::Selector),
        };
        if !wanted.is_empty() {
            let count = u32::try_from(part.named_child_count()).unwrap_or(u32::MAX);
            let name = (0..count.min(4))
                .filter_map(|number| part.named_child(number))
                .find(|child| child.kind() == wanted);
            if let Some(name) = name
                && seen.insert((walk.text_of(name), kind))
            {
                walk.define(node, name, kind);
            }
        }
        if cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            cursor.goto_parent();
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Step::Into;
            }
        }
        if depth == 0 {
            return Step::Into;
        }
    }
}

/// `--accent: red` defines a property of its own.
fn declaration(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(name) = node.named_child(0)
        && walk.text_of(name).starts_with("--")
    {
        walk.define(node, name, Kind::Property);
    }
    Step::Into
}

fn keyframes(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(name) = node.named_child(0) {
        walk.define(node, name, Kind::Selector);
    }
    Step::Into
}

fn plain_value(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if walk.text_of(node).starts_with("--") {
        walk.refer(node, Role::Other);
    }
    Step::Over
}
