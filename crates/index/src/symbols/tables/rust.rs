//! Rust.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const RUST: Grammar = Grammar {
    language: || tree_sitter_rust::LANGUAGE.into(),
    rules: &[&[
        ("function_item", Define(Kind::Function, "name")),
        ("function_signature_item", Define(Kind::Prototype, "name")),
        ("struct_item", Define(Kind::Struct, "name")),
        ("union_item", Define(Kind::Struct, "name")),
        ("enum_item", Define(Kind::Enum, "name")),
        ("enum_variant", Define(Kind::Variant, "name")),
        ("field_declaration", DefineOutside(Kind::Field, "name")),
        ("trait_item", Define(Kind::Trait, "name")),
        ("type_item", Define(Kind::Type, "name")),
        ("associated_type", Define(Kind::Type, "name")),
        ("const_item", DefineOutside(Kind::Constant, "name")),
        ("static_item", DefineOutside(Kind::Variable, "name")),
        ("mod_item", Define(Kind::Module, "name")),
        ("macro_definition", Define(Kind::Macro, "name")),
        ("impl_item", Inside("type")),
        ("closure_expression", Body),
        ("call_expression", Mark("function", Role::Call)),
        ("macro_invocation", Mark("macro", Role::Call)),
        ("struct_expression", Mark("name", Role::Call)),
        ("use_declaration", Within(Role::Import)),
        ("extern_crate_declaration", Within(Role::Import)),
        ("let_declaration", Local("pattern")),
        ("parameter", Local("pattern")),
        ("closure_parameters", LocalChildren),
        ("type_parameter", Local("name")),
        ("const_parameter", Local("name")),
        ("token_tree", Rule::Special(token_tree)),
        ("identifier", Name(Role::Other)),
        ("field_identifier", Name(Role::Other)),
        ("shorthand_field_identifier", Name(Role::Other)),
        ("type_identifier", Name(Role::Type)),
        ("lifetime", Skip),
        ("label", Skip),
        ("line_comment", Comment),
        ("block_comment", Comment),
    ]],
    tails: &["name", "field", "type", "function", "trait"],
    words: &["Self"],
    blanks: &[],
};

/// In the arguments of a macro a name before brackets is a call, as far as can be told.
fn token_tree(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let mut cursor = node.walk();
    let mut before: Option<Node<'_>> = None;
    for child in node.children(&mut cursor) {
        if let Some(name) = before.filter(|name| name.kind() == "identifier")
            && child.kind() == "token_tree"
            && walk.text_of(child).starts_with('(')
        {
            walk.mark_last(name, Role::Call);
        }
        before = Some(child);
    }
    Step::Into
}
