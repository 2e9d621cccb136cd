//! Go.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const GO: Grammar = Grammar {
    language: || tree_sitter_go::LANGUAGE.into(),
    rules: &[&[
        ("function_declaration", Define(Kind::Function, "name")),
        ("method_declaration", Special(method)),
        ("type_spec", Special(type_spec)),
        ("type_alias", Define(Kind::Type, "name")),
        ("const_spec", DefineEach(Kind::Constant, "name")),
        ("var_spec", DefineEach(Kind::Variable, "name")),
        ("field_declaration", DefineEach(Kind::Field, "name")),
        ("method_elem", Define(Kind::Method, "name")),
        ("func_literal", Body),
        ("call_expression", Mark("function", Role::Call)),
        ("composite_literal", Mark("type", Role::Call)),
        ("import_declaration", Within(Role::Import)),
        ("package_clause", Skip),
        ("short_var_declaration", Special(short_variable)),
        ("range_clause", Special(short_variable)),
        ("parameter_declaration", Local("name")),
        ("variadic_parameter_declaration", Local("name")),
        ("type_parameter_declaration", Local("name")),
        ("identifier", Name(Role::Other)),
        ("field_identifier", Name(Role::Other)),
        ("package_identifier", Name(Role::Other)),
        ("type_identifier", Name(Role::Type)),
        ("label_name", Skip),
        ("comment", Comment),
    ]],
    tails: &["field", "name", "function", "type"],
    words: &[],
    blanks: &[],
};

/// The type of the receiver is what the method belongs to.
fn method(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let mut receiver = node
        .child_by_field_name("receiver")
        .and_then(|list| list.named_child(0))
        .and_then(|parameter| parameter.child_by_field_name("type"));
    while let Some(pointer) =
        receiver.filter(|node| matches!(node.kind(), "pointer_type" | "parenthesized_type"))
    {
        receiver = pointer.named_child(0);
    }
    walk.enter_inside(receiver.as_slice());
    let defined =
        (node.child_by_field_name("name")).and_then(|name| walk.define(node, name, Kind::Method));
    match defined {
        Some(definition) => walk.enter_definition(definition),
        None => walk.enter_body(),
    }
    Step::Into
}

fn type_spec(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let kind = match node.child_by_field_name("type").map(|of| of.kind()) {
        Some("struct_type") => Kind::Struct,
        Some("interface_type") => Kind::Interface,
        _ => Kind::Type,
    };
    if let Some(name) = node.child_by_field_name("name")
        && let Some(definition) = walk.define(node, name, kind)
    {
        walk.enter_definition(definition);
    }
    Step::Into
}

fn short_variable(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(left) = node.child_by_field_name("left") {
        let mut cursor = left.walk();
        for name in left.named_children(&mut cursor) {
            walk.drop_leaf(name);
        }
    }
    Step::Into
}
