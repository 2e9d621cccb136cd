//! C#.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const CSHARP: Grammar = Grammar {
    language: || tree_sitter_c_sharp::LANGUAGE.into(),
    rules: &[&[
        ("namespace_declaration", Special(namespace)),
        ("file_scoped_namespace_declaration", Special(namespace)),
        ("class_declaration", Define(Kind::Class, "name")),
        ("record_declaration", Define(Kind::Class, "name")),
        ("struct_declaration", Define(Kind::Struct, "name")),
        ("interface_declaration", Define(Kind::Interface, "name")),
        ("enum_declaration", Define(Kind::Enum, "name")),
        ("enum_member_declaration", Define(Kind::Variant, "name")),
        ("delegate_declaration", Define(Kind::Type, "name")),
        ("method_declaration", Mark("returns", Role::Type)),
        ("method_declaration", Define(Kind::Method, "name")),
        ("constructor_declaration", Define(Kind::Method, "name")),
        ("destructor_declaration", Define(Kind::Method, "name")),
        ("local_function_statement", Define(Kind::Function, "name")),
        ("operator_declaration", Body),
        ("conversion_operator_declaration", Body),
        ("indexer_declaration", Body),
        ("property_declaration", Mark("type", Role::Type)),
        ("property_declaration", Define(Kind::Property, "name")),
        ("event_declaration", Define(Kind::Property, "name")),
        ("accessor_declaration", Body),
        ("field_declaration", Special(field)),
        ("event_field_declaration", Special(field)),
        ("variable_declaration", Mark("type", Role::Type)),
        ("variable_declarator", Local("name")),
        ("parameter", Mark("type", Role::Type)),
        ("parameter", Local("name")),
        ("type_parameter", Local("name")),
        ("type_parameter_constraint", Mark("type", Role::Type)),
        ("foreach_statement", Local("left")),
        ("catch_declaration", Mark("type", Role::Type)),
        ("catch_declaration", Local("name")),
        ("lambda_expression", Local("parameters")),
        ("lambda_expression", Body),
        ("anonymous_method_expression", Body),
        ("invocation_expression", Mark("function", Role::Call)),
        ("object_creation_expression", Mark("type", Role::Call)),
        ("cast_expression", Mark("type", Role::Type)),
        ("attribute", Mark("name", Role::Type)),
        ("base_list", Within(Role::Type)),
        ("type_argument_list", Within(Role::Type)),
        ("using_directive", Within(Role::Import)),
        ("identifier", Name(Role::Other)),
        ("comment", Comment),
    ]],
    tails: &["name", "function", "type"],
    words: &[],
    blanks: &[],
};

/// `namespace Kitchen.Staff` is `Staff` in `Kitchen`. One without a body goes on to the end of the file.
fn namespace(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    const MAX_PARTS: usize = 32;
    let mut parts = Vec::new();
    let mut name = node.child_by_field_name("name");
    while let Some(part) = name.filter(|_| parts.len() < MAX_PARTS) {
        parts.extend(part.child_by_field_name("name").or(Some(part)));
        name = part.child_by_field_name("qualifier");
    }
    for part in parts.into_iter().rev() {
        if let Some(definition) = walk.define(node, part, Kind::Module) {
            match node.child_by_field_name("body") {
                Some(_) => walk.enter_definition(definition),
                None => walk.enter_rest(definition),
            }
        }
    }
    Step::Into
}

fn field(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let mut cursor = node.walk();
    let constant = node
        .named_children(&mut cursor)
        .any(|child| child.kind() == "modifier" && walk.text_of(child) == "const");
    let kind = match (constant, node.kind()) {
        (true, _) => Kind::Constant,
        (false, "event_field_declaration") => Kind::Property,
        (false, _) => Kind::Field,
    };
    let declaration = node
        .named_children(&mut cursor)
        .find(|child| child.kind() == "variable_declaration");
    if let Some(declaration) = declaration {
        for declarator in declaration.named_children(&mut cursor) {
            if let Some(name) = declarator
                .child_by_field_name("name")
                .filter(|_| declarator.kind() == "variable_declarator")
            {
                walk.define(node, name, kind);
            }
        }
    }
    Step::Into
}
