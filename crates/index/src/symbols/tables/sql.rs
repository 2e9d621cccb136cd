//! SQL, of any dialect as far as the grammar goes.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const SQL: Grammar = Grammar {
    language: || tree_sitter_sequel::LANGUAGE.into(),
    rules: &[&[
        ("create_table", Special(create)),
        ("create_view", Special(create)),
        ("create_materialized_view", Special(create)),
        ("create_function", Special(create)),
        ("create_type", Special(create)),
        ("create_trigger", Special(create)),
        ("create_schema", Special(create)),
        ("create_index", DefineEach(Kind::Index, "column")),
        ("column_definition", Define(Kind::Field, "name")),
        ("function_argument", LocalChildren),
        ("function_language", Skip),
        ("invocation", Special(invocation)),
        ("identifier", Name(Role::Other)),
        ("comment", Comment),
        ("marginalia", Comment),
    ]],
    tails: &["name"],
    words: &[],
    blanks: &[],
};

/// The first name is what is made; a schema before it is what it is in.
fn create(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let kind = match node.kind() {
        "create_table" => Kind::Table,
        "create_view" | "create_materialized_view" => Kind::View,
        "create_function" => Kind::Function,
        "create_type" => Kind::Type,
        "create_schema" => Kind::Module,
        _ => Kind::Index,
    };
    let mut cursor = node.walk();
    let name = node
        .named_children(&mut cursor)
        .find(|child| matches!(child.kind(), "object_reference" | "identifier"));
    let Some(of) = name else {
        return Step::Into;
    };
    let name = of.child_by_field_name("name").unwrap_or(of);
    if let Some(schema) = of.child_by_field_name("schema") {
        let schema = walk.text_of(schema);
        walk.enter_scope(schema);
    }
    if let Some(definition) = walk.define(node, name, kind) {
        walk.enter_definition(definition);
    }
    Step::Into
}

fn invocation(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(name) = node.named_child(0) {
        walk.mark_last(name, Role::Call);
    }
    Step::Into
}
