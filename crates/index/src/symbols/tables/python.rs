//! Python.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const PYTHON: Grammar = Grammar {
    language: || tree_sitter_python::LANGUAGE.into(),
    rules: &[&[
        ("function_definition", Define(Kind::Function, "name")),
        ("class_definition", MarkEach("superclasses", Role::Type)),
        ("class_definition", Define(Kind::Class, "name")),
        ("assignment", Special(assignment)),
        ("type_alias_statement", Special(type_alias)),
        ("lambda", Body),
        ("expression_statement", Special(docstring)),
        ("call", Mark("function", Role::Call)),
        ("import_statement", Within(Role::Import)),
        ("import_from_statement", Within(Role::Import)),
        ("future_import_statement", Within(Role::Import)),
        ("type", Within(Role::Type)),
        ("keyword_argument", Local("name")),
        ("parameters", LocalChildren),
        ("lambda_parameters", LocalChildren),
        ("default_parameter", Local("name")),
        ("typed_default_parameter", Local("name")),
        ("typed_parameter", Special(typed_parameter)),
        ("list_splat_pattern", LocalChildren),
        ("dictionary_splat_pattern", LocalChildren),
        ("identifier", Name(Role::Other)),
        ("comment", Comment),
    ]],
    tails: &["attribute", "name", "function", "value"],
    words: &["self", "cls"],
    blanks: &[],
};

/// A variable of the module or of a class; `T = lambda: 0` is a function.
fn assignment(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(left) = node.child_by_field_name("left") else {
        return Step::Into;
    };
    match left.kind() {
        "identifier" => {
            let right = node.child_by_field_name("right");
            let kind = match right.map(|right| right.kind()) {
                Some("lambda") => Kind::Function,
                _ => variable(walk.text_of(left)),
            };
            walk.define_outside(node, left, kind);
        }
        "pattern_list" | "tuple_pattern" => {
            let mut cursor = left.walk();
            for name in left.named_children(&mut cursor) {
                if name.kind() == "identifier" {
                    walk.define_outside(node, name, variable(walk.text_of(name)));
                }
            }
        }
        _ => {}
    }
    Step::Into
}

fn variable(name: &str) -> Kind {
    let capitals =
        name.contains(|c: char| c.is_uppercase()) && !name.contains(|c: char| c.is_lowercase());
    if capitals && name.len() > 1 {
        Kind::Constant
    } else {
        Kind::Variable
    }
}

fn type_alias(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(left) = node.child_by_field_name("left")
        && let Some(name) = left.named_child(0)
    {
        let name = name
            .named_child(0)
            .filter(|_| name.kind() == "generic_type")
            .unwrap_or(name);
        walk.define(node, name, Kind::Type);
    }
    Step::Into
}

fn typed_parameter(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(name) = node.named_child(0) {
        walk.drop_leaf(name);
    }
    Step::Into
}

/// A text that stands alone is there to be read.
fn docstring(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    match node.named_child(0) {
        Some(text) if text.kind() == "string" && node.named_child_count() == 1 => {
            walk.comment(text);
            Step::Over
        }
        _ => Step::Into,
    }
}
