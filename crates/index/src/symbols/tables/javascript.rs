//! JavaScript and TypeScript, with JSX.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const JAVASCRIPT: Grammar = Grammar {
    language: || tree_sitter_javascript::LANGUAGE.into(),
    rules: &[
        SHARED,
        JSX,
        &[
            ("class", Define(Kind::Class, "name")),
            ("field_definition", Special(field)),
            ("formal_parameters", LocalChildren),
        ],
    ],
    tails: TAILS,
    words: &[],
    blanks: &[],
};

pub(super) const TYPESCRIPT: Grammar = Grammar {
    language: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
    rules: &[SHARED, TYPES],
    tails: TAILS,
    words: &[],
    blanks: &[],
};

pub(super) const TSX: Grammar = Grammar {
    language: || tree_sitter_typescript::LANGUAGE_TSX.into(),
    rules: &[SHARED, TYPES, JSX],
    tails: TAILS,
    words: &[],
    blanks: &[],
};

const TAILS: &[&str] = &["property", "name", "function", "value"];

const SHARED: &[(&str, Rule<&str>)] = &[
    ("function_declaration", Define(Kind::Function, "name")),
    (
        "generator_function_declaration",
        Define(Kind::Function, "name"),
    ),
    ("function_expression", Special(function_expression)),
    ("generator_function", Special(function_expression)),
    ("arrow_function", Local("parameter")),
    ("arrow_function", Body),
    ("class_declaration", Define(Kind::Class, "name")),
    ("class_static_block", Body),
    ("method_definition", Define(Kind::Method, "name")),
    ("lexical_declaration", Special(lexical)),
    ("variable_declaration", Special(lexical)),
    ("variable_declarator", Special(declarator)),
    ("pair", Special(pair)),
    ("assignment_expression", Special(assignment)),
    ("class_heritage", Within(Role::Type)),
    ("import_statement", Within(Role::Import)),
    ("export_clause", Within(Role::Import)),
    ("catch_clause", Local("parameter")),
    ("call_expression", Mark("function", Role::Call)),
    ("new_expression", Mark("constructor", Role::Call)),
    ("identifier", Name(Role::Other)),
    ("property_identifier", Name(Role::Other)),
    ("private_property_identifier", Name(Role::Other)),
    ("shorthand_property_identifier", Name(Role::Other)),
    ("comment", Comment),
    ("html_comment", Comment),
];

const JSX: &[(&str, Rule<&str>)] = &[
    ("jsx_opening_element", Special(element)),
    ("jsx_self_closing_element", Special(element)),
    ("jsx_closing_element", Skip),
    ("jsx_attribute", Special(attribute)),
];

const TYPES: &[(&str, Rule<&str>)] = &[
    ("class", Define(Kind::Class, "name")),
    ("abstract_class_declaration", Define(Kind::Class, "name")),
    ("interface_declaration", Define(Kind::Interface, "name")),
    ("type_alias_declaration", Define(Kind::Type, "name")),
    ("enum_declaration", Define(Kind::Enum, "name")),
    ("enum_body", Special(variants)),
    ("internal_module", Special(namespace)),
    ("module", Special(namespace)),
    ("function_signature", Define(Kind::Prototype, "name")),
    ("method_signature", Define(Kind::Method, "name")),
    ("abstract_method_signature", Define(Kind::Method, "name")),
    ("property_signature", DefineOutside(Kind::Field, "name")),
    ("public_field_definition", Special(field)),
    ("required_parameter", Local("pattern")),
    ("optional_parameter", Local("pattern")),
    ("type_parameter", Local("name")),
    ("type_identifier", Name(Role::Type)),
];

fn is_function(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "arrow_function" | "function_expression" | "generator_function"
    )
}

/// A name of its own is for its own body, and is what the variable is called anyhow.
fn function_expression(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(name) = node.child_by_field_name("name") {
        walk.drop_name(name);
    }
    walk.enter_body();
    Step::Into
}

fn lexical(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    walk.constant = walk.text_of(node).starts_with("const");
    Step::Into
}

/// `const name = value`: a function if that is its value, wherever it stands.
fn declarator(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(name) = node.child_by_field_name("name") else {
        return Step::Into;
    };
    let value = node.child_by_field_name("value");
    if name.kind() != "identifier" {
        pattern(walk, node, name);
        return Step::Into;
    }
    let definition = match value {
        Some(value) if is_function(value) => walk.define(node, name, Kind::Function),
        Some(value) if value.kind() == "class" => walk.define(node, name, Kind::Class),
        _ => walk.define_outside(node, name, variable(walk)),
    };
    if let Some(definition) = definition {
        walk.enter_definition(definition);
    }
    Step::Into
}

fn variable(walk: &Walk<'_>) -> Kind {
    match walk.constant {
        true => Kind::Constant,
        false => Kind::Variable,
    }
}

/// The names of `const { a, b: c } = value` and `const [a, b] = value`, but not of what is nested in them.
fn pattern(walk: &mut Walk<'_>, node: Node<'_>, pattern: Node<'_>) {
    let mut cursor = pattern.walk();
    for part in pattern.named_children(&mut cursor) {
        let field = match part.kind() {
            "pair_pattern" => "value",
            "assignment_pattern" | "object_assignment_pattern" => "left",
            _ => "",
        };
        let name = part.child_by_field_name(field).unwrap_or(part);
        if matches!(
            name.kind(),
            "identifier" | "shorthand_property_identifier_pattern"
        ) {
            walk.define_outside(node, name, variable(walk));
        }
    }
}

/// Of the members of an object only functions are defined.
fn pair(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(key) = node.child_by_field_name("key") else {
        return Step::Into;
    };
    if node.child_by_field_name("value").is_some_and(is_function)
        && let Some(definition) = walk.define(node, key, Kind::Method)
    {
        walk.enter_definition(definition);
    } else {
        walk.drop_leaf(key);
    }
    Step::Into
}

/// `Shape.prototype.grow = function () {}` is `grow` in `Shape`.
fn assignment(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let (Some(left), Some(right)) = (
        node.child_by_field_name("left"),
        node.child_by_field_name("right"),
    ) else {
        return Step::Into;
    };
    let Some(name) = left.child_by_field_name("property") else {
        return Step::Into;
    };
    let kind = match right.kind() {
        "class" => Kind::Class,
        _ if is_function(right) => Kind::Function,
        _ => return Step::Into,
    };
    let mut of = left.child_by_field_name("object");
    if let Some(prototype) = of.and_then(|of| of.child_by_field_name("property"))
        && matches!(walk.text_of(prototype), "prototype" | "exports")
    {
        of = of.and_then(|of| of.child_by_field_name("object"));
    }
    if let Some(of) = of.filter(|of| {
        of.kind() == "identifier" && !matches!(walk.text_of(*of), "module" | "exports")
    }) {
        walk.enter_inside(&[of]);
    }
    if let Some(definition) = walk.define(node, name, kind) {
        walk.enter_definition(definition);
    }
    Step::Into
}

fn field(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let name = node
        .child_by_field_name("property")
        .or_else(|| node.child_by_field_name("name"));
    let kind = match node.child_by_field_name("value") {
        Some(value) if is_function(value) => Kind::Method,
        _ => Kind::Field,
    };
    if let Some(name) = name
        && let Some(definition) = walk.define(node, name, kind)
    {
        walk.enter_definition(definition);
    }
    Step::Into
}

fn variants(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let mut cursor = node.walk();
    for variant in node.named_children(&mut cursor) {
        let name = variant.child_by_field_name("name").unwrap_or(variant);
        if name.kind() != "comment" {
            walk.define(variant, name, Kind::Variant);
        }
    }
    Step::Into
}

/// `namespace Outer.Inner` is `Inner` in `Outer`.
fn namespace(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    const MAX_PARTS: usize = 32;
    let mut parts = Vec::new();
    let mut name = node.child_by_field_name("name");
    while let Some(part) = name.filter(|_| parts.len() < MAX_PARTS) {
        parts.extend(part.child_by_field_name("property").or(Some(part)));
        name = part.child_by_field_name("object");
    }
    for part in parts.into_iter().rev() {
        if let Some(definition) = walk.define(node, part, Kind::Module) {
            walk.enter_definition(definition);
        }
    }
    Step::Into
}

/// `<Card>` constructs a `Card`; `<div>` is of HTML.
fn element(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(name) = node.child_by_field_name("name") else {
        return Step::Into;
    };
    if name.child_count() == 0 && walk.text_of(name).starts_with(|c: char| c.is_lowercase()) {
        walk.drop_name(name);
    } else {
        walk.mark_last(name, Role::Call);
    }
    Step::Into
}

fn attribute(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(name) = node.named_child(0) {
        walk.drop_leaf(name);
    }
    Step::Into
}
