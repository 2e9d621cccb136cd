//! Java.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const JAVA: Grammar = Grammar {
    language: || tree_sitter_java::LANGUAGE.into(),
    rules: &[&[
        ("class_declaration", Define(Kind::Class, "name")),
        ("record_declaration", Define(Kind::Class, "name")),
        ("interface_declaration", Define(Kind::Interface, "name")),
        (
            "annotation_type_declaration",
            Define(Kind::Interface, "name"),
        ),
        ("enum_declaration", Define(Kind::Enum, "name")),
        ("enum_constant", Define(Kind::Variant, "name")),
        ("method_declaration", Define(Kind::Method, "name")),
        ("constructor_declaration", Define(Kind::Method, "name")),
        (
            "compact_constructor_declaration",
            Define(Kind::Method, "name"),
        ),
        (
            "annotation_type_element_declaration",
            Define(Kind::Method, "name"),
        ),
        ("field_declaration", Special(field)),
        ("constant_declaration", Special(field)),
        ("variable_declarator", Local("name")),
        ("formal_parameter", Local("name")),
        ("catch_formal_parameter", Local("name")),
        ("enhanced_for_statement", Local("name")),
        ("resource", Local("name")),
        ("type_parameter", Special(type_parameter)),
        ("lambda_expression", Local("parameters")),
        ("inferred_parameters", LocalChildren),
        ("lambda_expression", Body),
        ("method_invocation", Mark("name", Role::Call)),
        ("object_creation_expression", Mark("type", Role::Call)),
        ("marker_annotation", Mark("name", Role::Type)),
        ("annotation", Mark("name", Role::Type)),
        ("element_value_pair", Local("key")),
        ("import_declaration", Within(Role::Import)),
        ("package_declaration", Skip),
        ("identifier", Name(Role::Other)),
        ("type_identifier", Name(Role::Type)),
        ("line_comment", Comment),
        ("block_comment", Comment),
    ]],
    tails: &["name", "field", "type"],
    words: &[],
    blanks: &[],
};

fn field(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let modifiers = node.child(0).filter(|first| first.kind() == "modifiers");
    let modifiers = modifiers.map_or("", |modifiers| walk.text_of(modifiers));
    let is = |wanted| {
        modifiers
            .split_ascii_whitespace()
            .any(|word| word == wanted)
    };
    let constant = node.kind() == "constant_declaration" || is("static") && is("final");
    let kind = if constant {
        Kind::Constant
    } else {
        Kind::Field
    };
    let mut cursor = node.walk();
    for declarator in node.children_by_field_name("declarator", &mut cursor) {
        if let Some(name) = declarator.child_by_field_name("name") {
            walk.define(node, name, kind);
        }
    }
    Step::Into
}

fn type_parameter(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let mut cursor = node.walk();
    if let Some(name) = node
        .named_children(&mut cursor)
        .find(|child| child.kind() == "type_identifier")
    {
        walk.drop_leaf(name);
    }
    Step::Into
}
