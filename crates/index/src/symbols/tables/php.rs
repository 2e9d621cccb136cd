//! PHP, in the HTML around it or alone.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

pub(super) const PHP: Grammar = Grammar {
    language: || tree_sitter_php::LANGUAGE_PHP.into(),
    rules: &[&[
        ("namespace_definition", Special(namespace)),
        ("class_declaration", Define(Kind::Class, "name")),
        ("interface_declaration", Define(Kind::Interface, "name")),
        ("trait_declaration", Define(Kind::Trait, "name")),
        ("enum_declaration", Define(Kind::Enum, "name")),
        ("enum_case", Define(Kind::Variant, "name")),
        ("function_definition", Define(Kind::Function, "name")),
        ("method_declaration", Define(Kind::Method, "name")),
        ("anonymous_function", Body),
        ("arrow_function", Body),
        ("const_element", Special(constant)),
        ("property_element", Special(property)),
        ("property_promotion_parameter", Special(property)),
        ("function_call_expression", Special(call)),
        ("member_call_expression", Mark("name", Role::Call)),
        ("nullsafe_member_call_expression", Mark("name", Role::Call)),
        ("scoped_call_expression", Mark("name", Role::Call)),
        ("object_creation_expression", Special(creation)),
        ("named_type", Within(Role::Type)),
        ("base_clause", Within(Role::Type)),
        ("class_interface_clause", Within(Role::Type)),
        ("attribute_list", Within(Role::Type)),
        ("use_declaration", Within(Role::Type)),
        ("namespace_use_declaration", Within(Role::Import)),
        ("argument", Local("name")),
        ("variable_name", Skip),
        ("name", Name(Role::Other)),
        ("comment", Comment),
    ]],
    tails: &["name"],
    words: &[],
    blanks: &[],
};

/// `namespace App\Parser` is `Parser` in `App`. One without a body goes on to the next or the end of the file.
fn namespace(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(name) = node.child_by_field_name("name") else {
        return Step::Into;
    };
    let goes_on = node.child_by_field_name("body").is_none();
    if goes_on {
        walk.leave_rest();
    }
    let mut cursor = name.walk();
    for part in name.named_children(&mut cursor) {
        if let Some(definition) = walk.define(node, part, Kind::Module) {
            match goes_on {
                false => walk.enter_definition(definition),
                true => walk.enter_rest(definition),
            }
        }
    }
    Step::Into
}

fn constant(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(name) = node.named_child(0) {
        walk.define_outside(node, name, Kind::Constant);
    }
    Step::Into
}

/// Without the `$`, as it is used.
fn property(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(variable) = node.child_by_field_name("name")
        && let Some(name) = variable.named_child(0)
    {
        walk.define(node, name, Kind::Field);
    }
    Step::Into
}

/// `define('NAME', value)` is a constant.
fn call(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(function) = node.child_by_field_name("function") else {
        return Step::Into;
    };
    walk.mark_last(function, Role::Call);
    if walk.text_of(function) == "define"
        && let Some(arguments) = node.child_by_field_name("arguments")
        && let Some(text) = arguments
            .named_child(0)
            .and_then(|argument| argument.named_child(0))
        && text.kind() == "string"
        && let Some(name) = text.named_child(0)
    {
        walk.define(node, name, Kind::Constant);
    }
    Step::Into
}

fn creation(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(class) = node
        .named_child(0)
        .filter(|class| class.kind().ends_with("name"))
    {
        walk.mark_last(class, Role::Call);
    }
    Step::Into
}
