//! Bash, and the shells like it.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const BASH: Grammar = Grammar {
    language: || tree_sitter_bash::LANGUAGE.into(),
    rules: &[&[
        ("function_definition", Define(Kind::Function, "name")),
        ("variable_assignment", Special(assignment)),
        ("command", Special(command)),
        ("variable_name", Name(Role::Other)),
        ("comment", Comment),
    ]],
    tails: &["name"],
    words: &[],
    blanks: &[],
};

fn assignment(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    // `list[1]=x` fills what is there.
    if let Some(name) = node
        .child_by_field_name("name")
        .filter(|name| name.kind() == "variable_name")
    {
        walk.define_outside(node, name, Kind::Variable);
    }
    Step::Into
}

/// The first word is a call, and `alias` defines what it is given.
fn command(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let word = node
        .child_by_field_name("name")
        .and_then(|name| name.named_child(0));
    let Some(word) = word.filter(|word| word.kind() == "word") else {
        return Step::Into;
    };
    walk.refer(word, Role::Call);
    if walk.text_of(word) == "alias" {
        let mut cursor = node.walk();
        for argument in node.children_by_field_name("argument", &mut cursor) {
            if let Some((name, _)) = walk.text_of(argument).split_once('=') {
                walk.define_as(argument, argument, name, Kind::Function);
            }
        }
    }
    Step::Into
}
