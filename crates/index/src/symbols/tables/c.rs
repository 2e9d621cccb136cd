//! C and C++: the name of what is declared is at the end of a chain of declarators.

use super::super::{
    Kind, Role,
    grammar::{Grammar, Rule, Rule::*, Step},
    walk::Walk,
};
use tree_sitter::Node;

/// How far a declarator is followed: `*(*(*name)[2])(int)` is six.
const MAX_DECLARATORS: usize = 32;

pub(super) const C: Grammar = Grammar {
    language: || tree_sitter_c::LANGUAGE.into(),
    rules: &[SHARED],
    tails: &["field", "name"],
    words: &[],
    blanks: BLANKS,
};

#[cfg(feature = "languages-extra")]
pub(super) const CPP: Grammar = Grammar {
    language: || tree_sitter_cpp::LANGUAGE.into(),
    rules: &[
        SHARED,
        &[
            ("class_specifier", Special(specifier)),
            ("namespace_definition", Special(namespace)),
            ("namespace_alias_definition", Define(Kind::Module, "name")),
            ("alias_declaration", Define(Kind::Type, "name")),
            ("concept_definition", Define(Kind::Type, "name")),
            ("base_class_clause", Within(Role::Type)),
            ("using_declaration", Within(Role::Import)),
            ("lambda_expression", Body),
            ("new_expression", Mark("type", Role::Call)),
            ("optional_parameter_declaration", Special(parameter)),
            ("type_parameter_declaration", LocalChildren),
            ("namespace_identifier", Name(Role::Other)),
        ],
    ],
    tails: &["field", "name"],
    words: &[],
    blanks: BLANKS,
};

/// Attributes of kernels and of the C library, which are macros without arguments.
const BLANKS: &[&str] = &[
    "__BEGIN_DECLS",
    "__END_DECLS",
    "__THROW",
    "__THROWNL",
    "__always_inline",
    "__always_unused",
    "__attribute_const__",
    "__attribute_malloc__",
    "__attribute_pure__",
    "__bitwise",
    "__bpf_kfunc",
    "__cacheline_aligned",
    "__cacheline_aligned_in_smp",
    "__cold",
    "__cpuinit",
    "__devexit",
    "__devinit",
    "__exception_irq_entry",
    "__exit",
    "__exitdata",
    "__flatten",
    "__force",
    "__hot",
    "__init",
    "__init_memblock",
    "__init_or_module",
    "__init_refok",
    "__initconst",
    "__initconst_or_module",
    "__initdata",
    "__initdata_or_module",
    "__iomem",
    "__irq_entry",
    "__kernel",
    "__kprobes",
    "__latent_entropy",
    "__leaf",
    "__lockfunc",
    "__maybe_unused",
    "__meminit",
    "__meminitdata",
    "__must_check",
    "__net_exit",
    "__net_init",
    "__no_kcsan",
    "__no_sanitize_address",
    "__nocast",
    "__noclone",
    "__noinline",
    "__nonstring",
    "__noreturn",
    "__noscs",
    "__notrace_funcgraph",
    "__packed",
    "__percpu",
    "__pure",
    "__randomize_layout",
    "__rcu",
    "__read_mostly",
    "__ref",
    "__refdata",
    "__ro_after_init",
    "__sched",
    "__softirq_entry",
    "__used",
    "__user",
    "__visible",
    "__weak",
    "__wur",
];

const SHARED: &[(&str, Rule<&str>)] = &[
    ("function_definition", Special(function)),
    ("declaration", Special(declaration)),
    ("type_definition", Special(typedef)),
    ("struct_specifier", Special(specifier)),
    ("union_specifier", Special(specifier)),
    ("enum_specifier", Special(specifier)),
    ("enumerator", Define(Kind::Variant, "name")),
    ("field_declaration", Special(field)),
    ("parameter_declaration", Special(parameter)),
    ("preproc_def", Define(Kind::Macro, "name")),
    ("preproc_function_def", Define(Kind::Macro, "name")),
    ("preproc_params", Skip),
    ("call_expression", Special(call)),
    ("identifier", Name(Role::Other)),
    ("field_identifier", Name(Role::Other)),
    ("type_identifier", Name(Role::Type)),
    ("comment", Comment),
];

struct Declared<'n> {
    name: Node<'n>,
    /// The name is of a function, not of a pointer to one.
    function: bool,
}

fn declared(mut node: Node<'_>) -> Option<Declared<'_>> {
    let mut function = false;
    for _ in 0..MAX_DECLARATORS {
        let next = match node.kind() {
            "identifier"
            | "field_identifier"
            | "type_identifier"
            | "qualified_identifier"
            | "operator_name"
            | "destructor_name"
            | "template_function" => {
                return Some(Declared {
                    name: node,
                    function,
                });
            }
            "operator_cast" => {
                return Some(Declared {
                    name: node,
                    function: true,
                });
            }
            "parenthesized_declarator" | "attributed_declarator" | "reference_declarator" => {
                let count = u32::try_from(node.named_child_count()).unwrap_or(u32::MAX);
                // Calling conventions stand before the name, attributes after it.
                let mut children = (0..count.min(4)).filter_map(|number| node.named_child(number));
                let inner = children.find(|child| {
                    let kind = child.kind();
                    kind.ends_with("declarator")
                        || kind.ends_with("identifier")
                        || kind.ends_with("_name")
                });
                // `&operator[]` and `(*pointer)` differ in what is declared, brackets alone do not.
                function = function && node.kind() == "parenthesized_declarator";
                inner?
            }
            kind => {
                function = kind == "function_declarator";
                node.child_by_field_name("declarator")?
            }
        };
        node = next;
    }
    None
}

/// The declarators of a declaration, as far as they have names.
fn each_declared<'n>(node: Node<'n>, mut act: impl FnMut(Declared<'n>)) {
    let mut cursor = node.walk();
    for declarator in node.children_by_field_name("declarator", &mut cursor) {
        if let Some(declared) = declared(declarator) {
            act(declared);
        }
    }
}

/// The last name of `Soup::Bowl::pour`; `around` gets the names before it.
fn unqualified<'n>(mut name: Node<'n>, mut around: impl FnMut(Node<'n>)) -> Node<'n> {
    for _ in 0..MAX_DECLARATORS {
        if !matches!(
            name.kind(),
            "qualified_identifier" | "template_function" | "dependent_name"
        ) {
            break;
        }
        if let Some(scope) = name.child_by_field_name("scope") {
            around(scope);
        }
        match name.child_by_field_name("name") {
            Some(inner) => name = inner,
            None => break,
        }
    }
    name
}

fn function(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(declared) = node.child_by_field_name("declarator").and_then(declared) else {
        walk.enter_body();
        return Step::Into;
    };
    let mut around = Vec::new();
    let name = unqualified(declared.name, |scope| around.push(scope));
    walk.enter_inside(&around);
    match define(walk, node, name, Kind::Function) {
        Some(definition) => walk.enter_definition(definition),
        None => walk.enter_body(),
    }
    Step::Into
}

fn define(walk: &mut Walk<'_>, node: Node<'_>, name: Node<'_>, kind: Kind) -> Option<u32> {
    if name.kind() == "operator_cast" {
        // Its declarator goes on with its parameters.
        let of = name.child_by_field_name("type")?;
        let text = format!("operator {}", walk.text_of(of));
        return walk.define_as(node, name, &text, kind);
    }
    if name.kind() == "destructor_name"
        && let Some(of) = name.named_child(0)
    {
        walk.drop_name(of);
    }
    walk.define(node, name, kind)
}

/// `SYSCALL_DEFINE3(read, …)` defines what it is given first.
fn call(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(function) = node.child_by_field_name("function") else {
        return Step::Into;
    };
    walk.mark_last(function, Role::Call);
    if walk.local() || function.kind() != "identifier" {
        return Step::Into;
    }
    let text = walk.text_of(function);
    if text.contains("DEFINE")
        && let Some(name) = node
            .child_by_field_name("arguments")
            .and_then(|of| of.named_child(0))
        && name.kind() == "identifier"
    {
        let kind = match text.contains("SYSCALL") {
            true => Kind::Function,
            false => Kind::Variable,
        };
        walk.define(node, name, kind);
    }
    Step::Into
}

fn declaration(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if walk.local() {
        each_declared(node, |declared| walk.drop_leaf(declared.name));
        return Step::Into;
    }
    let elsewhere = walk.text_of(node).starts_with("extern ");
    each_declared(node, |declared| {
        let kind = match declared.function || elsewhere {
            true => Kind::Prototype,
            false => Kind::Variable,
        };
        let mut around = Vec::new();
        let name = unqualified(declared.name, |scope| around.push(scope));
        let frames = walk.frames();
        walk.enter_inside(&around);
        define(walk, node, name, kind);
        walk.leave_to(frames);
    });
    Step::Into
}

fn field(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    each_declared(node, |declared| {
        let kind = match declared.function {
            true => Kind::Method,
            false => Kind::Field,
        };
        define(walk, node, declared.name, kind);
    });
    Step::Into
}

/// What an unnamed struct holds is found under the name of its type.
fn typedef(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let mut first = None;
    each_declared(node, |declared| {
        let definition = walk.define(node, declared.name, Kind::Type);
        first = first.or(definition);
    });
    if let Some(definition) = first
        && let Some(of) = node.child_by_field_name("type")
        && of.child_by_field_name("body").is_some()
        && of.child_by_field_name("name").is_none()
    {
        walk.enter_definition(definition);
    }
    Step::Into
}

/// A struct, union, enum or class is defined where its body is.
fn specifier(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let (Some(name), Some(_)) = (
        node.child_by_field_name("name"),
        node.child_by_field_name("body"),
    ) else {
        return Step::Into;
    };
    let kind = match node.kind() {
        "enum_specifier" => Kind::Enum,
        "class_specifier" => Kind::Class,
        _ => Kind::Struct,
    };
    let mut around = Vec::new();
    let name = unqualified(name, |scope| around.push(scope));
    walk.enter_inside(&around);
    let name = match name.kind() {
        // `template <> class Pot<int>`
        "template_type" => name.child_by_field_name("name").unwrap_or(name),
        _ => name,
    };
    if let Some(definition) = walk.define(node, name, kind) {
        walk.enter_definition(definition);
    }
    Step::Into
}

fn parameter(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    if let Some(declared) = node.child_by_field_name("declarator").and_then(declared) {
        walk.drop_leaf(declared.name);
    }
    Step::Into
}

/// `namespace a::b` is `b` in `a`.
#[cfg(feature = "languages-extra")]
fn namespace(walk: &mut Walk<'_>, node: Node<'_>) -> Step {
    let Some(name) = node.child_by_field_name("name") else {
        return Step::Into;
    };
    let mut names = Vec::new();
    if name.kind() == "nested_namespace_specifier" {
        let mut inner = Some(name);
        // The grammar nests them to the right.
        while let Some(nested) = inner.take() {
            let mut cursor = nested.walk();
            for child in nested.named_children(&mut cursor) {
                if child.kind() == "nested_namespace_specifier" && names.len() < MAX_DECLARATORS {
                    inner = Some(child);
                } else {
                    names.push(child);
                }
            }
        }
    } else {
        names.push(name);
    }
    for name in names {
        if let Some(definition) = walk.define(node, name, Kind::Module) {
            walk.enter_definition(definition);
        }
    }
    Step::Into
}
