//! Ruby.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const RUBY: Grammar = Grammar {
    language: || tree_sitter_ruby::LANGUAGE.into(),
    rules: &[&[
        ("module", Special(class)),
        ("class", Special(class)),
        ("method", Define(Kind::Function, "name")),
        ("singleton_method", Define(Kind::Function, "name")),
        ("assignment", Special(assignment)),
        ("call", Special(call)),
        ("alias", Define(Kind::Function, "name")),
        ("superclass", Within(Role::Type)),
        ("method_parameters", LocalChildren),
        ("block_parameters", LocalChildren),
        ("lambda_parameters", LocalChildren),
        ("splat_parameter", Local("name")),
        ("hash_splat_parameter", Local("name")),
        ("block_parameter", Local("name")),
        ("keyword_parameter", Local("name")),
        ("optional_parameter", Local("name")),
        ("identifier", Name(Role::Other)),
        ("constant", Name(Role::Type)),
        ("comment", Comment),
    ]],
    tails: &["method", "name"],
    words: &[],
    blanks: &[],
};

/// `class Kitchen::Staff::Waiter` is `Waiter` in `Staff` in `Kitchen`.
fn class(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    const MAX_PARTS: usize = 32;
    let Some(mut name) = node.child_by_field_name("name") else {
        return Step::Into;
    };
    let kind = match node.kind() {
        "module" => Kind::Module,
        _ => Kind::Class,
    };
    let mut around = Vec::new();
    let mut scope = name.child_by_field_name("scope");
    name = name.child_by_field_name("name").unwrap_or(name);
    while let Some(part) = scope.filter(|_| around.len() < MAX_PARTS) {
        around.extend(part.child_by_field_name("name").or(Some(part)));
        scope = part.child_by_field_name("scope");
    }
    around.reverse();
    walk.enter_inside(&around);
    if let Some(definition) = walk.define(node, name, kind) {
        walk.enter_type(definition);
    }
    Step::Into
}

fn assignment(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(left) = node.child_by_field_name("left") else {
        return Step::Into;
    };
    match left.kind() {
        "constant" => {
            walk.define_outside(node, left, Kind::Constant);
        }
        "identifier" => walk.drop_name(left),
        _ => {}
    }
    Step::Into
}

/// Some calls define the names that they are given.
fn call(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(method) = node.child_by_field_name("method") else {
        return Step::Into;
    };
    walk.mark_last(method, Role::Call);
    let (kind, count) = match walk.text_of(method) {
        "attr_reader" | "attr_writer" | "attr_accessor" | "attr" => (Kind::Property, usize::MAX),
        "define_method" | "alias_method" => (Kind::Function, 1),
        _ => return Step::Into,
    };
    let Some(arguments) = node.child_by_field_name("arguments") else {
        return Step::Into;
    };
    let mut cursor = arguments.walk();
    for name in arguments.named_children(&mut cursor).take(count) {
        let text = walk.text_of(name);
        if matches!(name.kind(), "simple_symbol" | "string") {
            walk.define_as(node, name, text.trim_matches([':', '"', '\'']), kind);
        }
    }
    Step::Into
}
