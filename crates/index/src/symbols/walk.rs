//! One walk over a syntax tree, which gathers definitions, references and comments by the rules of a table.

mod finish;
mod scope;

use super::{
    Definition, Kind, Parsed, Role,
    grammar::{Rule, Step, Table},
    outline::Container,
};
use scope::Frame;
use std::ops::Range;
use tree_sitter::{Node, Point, Tree};

/// Longer names are not names that anyone looks for, in bytes.
const MAX_NAME: usize = 256;
/// How many steps lead at most from an expression to its last name.
const MAX_TAIL: usize = 16;

/// The state of a walk, which rules that are code may read and add to.
pub(super) struct Walk<'t> {
    pub(super) text: &'t str,
    table: &'static Table,
    depth: u32,
    /// Never empty: the first is the file.
    frames: Vec<Frame>,
    definitions: Vec<(Definition, Place)>,
    containers: Vec<Container>,
    names: Vec<(&'t str, Place, Role)>,
    /// By the place of a name in the text: what it is instead of what it looks like. `None` is no reference.
    marks: Vec<(u32, Option<Role>)>,
    comments: Vec<Range<usize>>,
    pub(super) truncated: bool,
    /// The headings that are open, with their levels, the outermost first.
    headings: Vec<(u8, u32)>,
    /// For rules that have to tell children of a node what the node is.
    pub(super) constant: bool,
}

/// A place in the text.
#[derive(Clone, Copy)]
struct Place {
    byte: u32,
    /// From 0.
    row: u32,
    /// In bytes, from 0.
    column: u32,
}

impl<'t> Walk<'t> {
    /// What one file may have at most of each; what is more is left out, and [`Parsed::truncated`] says so.
    pub(super) const MAX_DEFINITIONS: usize = 20_000;
    const MAX_REFERENCES: usize = 100_000;

    pub(super) fn new(text: &'t str, table: &'static Table) -> Self {
        Self {
            text,
            table,
            depth: 0,
            frames: vec![Frame::of_file()],
            definitions: Vec::new(),
            containers: Vec::new(),
            names: Vec::new(),
            marks: Vec::new(),
            comments: Vec::new(),
            truncated: false,
            headings: Vec::new(),
            constant: false,
        }
    }

    /// Visits every node once. The tree may be of any depth: nothing here calls itself.
    pub(super) fn run(mut self, tree: &Tree) -> Parsed<'t> {
        let mut cursor = tree.walk();
        'walk: loop {
            let node = cursor.node();
            let mut step = Step::Into;
            for rule in self.table.rules(node.kind_id()) {
                if self.apply(*rule, node) == Step::Over {
                    step = Step::Over;
                }
            }
            if step == Step::Into && cursor.goto_first_child() {
                self.depth += 1;
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
                self.depth -= 1;
            }
            while self.frames.len() > 1 && self.frame().from > self.depth {
                self.frames.pop();
            }
        }
        drop(cursor);
        self.finish()
    }

    fn apply(&mut self, rule: Rule<u16>, node: Node<'_>) -> Step {
        match rule {
            Rule::Define(kind, field) => {
                let defined =
                    (node.child_by_field_id(field)).and_then(|name| self.define(node, name, kind));
                match defined {
                    Some(definition) => self.enter_definition(definition),
                    None if kind.has_locals() => self.enter_body(),
                    None => {}
                }
            }
            Rule::DefineOutside(kind, field) => {
                if let Some(name) = node.child_by_field_id(field)
                    && let Some(definition) = self.define_outside(node, name, kind)
                {
                    self.enter_definition(definition);
                }
            }
            Rule::DefineEach(kind, field) => self.each(node, field, |walk, name| {
                walk.define_outside(node, name, kind);
            }),
            Rule::Inside(field) => {
                if let Some(name) = node.child_by_field_id(field) {
                    self.enter_inside(&[name]);
                }
            }
            Rule::Body => self.enter_body(),
            Rule::Name(role) => self.refer(node, role),
            Rule::Mark(field, role) => {
                if let Some(child) = node.child_by_field_id(field) {
                    self.mark_last(child, role);
                }
            }
            Rule::MarkEach(field, role) => {
                if let Some(child) = node.child_by_field_id(field) {
                    self.mark_children(child, role);
                }
            }
            Rule::Local(field) => self.each(node, field, |walk, child| walk.drop_leaf(child)),
            Rule::LocalChildren => {
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor) {
                    self.drop_leaf(child);
                }
            }
            Rule::Within(role) => {
                let mut frame = self.inner_frame();
                frame.role = Some(role);
                self.frames.push(frame);
            }
            Rule::Comment => {
                self.comment(node);
                return Step::Over;
            }
            Rule::Skip => return Step::Over,
            Rule::Special(special) => return special(self, node),
        }
        Step::Into
    }

    fn each(&mut self, node: Node<'_>, field: u16, mut act: impl FnMut(&mut Self, Node<'_>)) {
        let mut cursor = node.walk();
        if !cursor.goto_first_child() {
            return;
        }
        loop {
            let child = cursor.node();
            if child.is_named() && cursor.field_id().is_some_and(|id| id.get() == field) {
                act(self, child);
            }
            if !cursor.goto_next_sibling() {
                return;
            }
        }
    }

    pub(super) fn text_of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    pub(super) fn comment(&mut self, node: Node<'_>) {
        self.comments.push(node.byte_range());
    }

    /// Adds the definition of a name, which is a node inside the definition. Gives its number.
    pub(super) fn define(&mut self, whole: Node<'_>, name: Node<'_>, kind: Kind) -> Option<u32> {
        self.drop_name(name);
        let text = self.text_of(name);
        self.define_as(whole, name, unquoted(text), kind)
    }

    /// So too, unless it would be local.
    pub(super) fn define_outside(
        &mut self,
        whole: Node<'_>,
        name: Node<'_>,
        kind: Kind,
    ) -> Option<u32> {
        if self.local() {
            self.drop_name(name);
            return None;
        }
        self.define(whole, name, kind)
    }

    /// Adds the definition of a name that is not written just so at its place.
    pub(super) fn define_as(
        &mut self,
        whole: Node<'_>,
        at: Node<'_>,
        name: &str,
        kind: Kind,
    ) -> Option<u32> {
        let name = name.trim();
        if name == "_" || !is_name(name) {
            return None;
        }
        if self.definitions.len() >= Self::MAX_DEFINITIONS {
            self.truncated = true;
            return None;
        }
        let members = self.frame().members;
        let kind = match kind {
            Kind::Function | Kind::Prototype if members => Kind::Method,
            Kind::Variable if members => Kind::Field,
            kind => kind,
        };
        let container = self.container();
        let first_line = whole.start_position().row as u32 + 1;
        let end = whole.end_position();
        // A node that takes the end of its line with it ends on that line.
        let last_line = end.row as u32 + u32::from(end.column > 0);
        let definition = Definition {
            name: name.into(),
            kind,
            line: at.start_position().row as u32 + 1,
            column: 0,
            first_line,
            last_line: last_line.max(first_line),
            container,
        };
        self.definitions.push((definition, Place::of(at)));
        Some(self.definitions.len() as u32 - 1)
    }

    /// The name of the last definition.
    pub(super) fn last(&self) -> Option<&str> {
        self.definitions
            .last()
            .map(|(definition, _)| &*definition.name)
    }

    /// How many definitions there are.
    pub(super) fn count(&self) -> usize {
        self.definitions.len()
    }

    /// A name in the code.
    pub(super) fn refer(&mut self, node: Node<'_>, role: Role) {
        self.refer_part(node, node.byte_range(), role);
    }

    /// A part of a node that has no node of its own is a name; it is on the first line of the node.
    pub(super) fn refer_part(&mut self, node: Node<'_>, part: Range<usize>, role: Role) {
        let role = match (role, self.frame().role) {
            (Role::Other | Role::Type, Some(role)) => role,
            _ => role,
        };
        let Some(name) = self.text.get(part.clone()) else {
            return;
        };
        // `$1` of a shell is no name.
        if name.is_empty()
            || name.len() > MAX_NAME
            || name.as_bytes()[0].is_ascii_digit()
            || self.table.words.contains(&name)
        {
            return;
        }
        if self.names.len() >= Self::MAX_REFERENCES {
            self.truncated = true;
            return;
        }
        let mut place = Place::of(node);
        place.column += (part.start - node.start_byte()) as u32;
        place.byte = part.start as u32;
        self.names.push((name, place, role));
    }

    /// The name is not a reference.
    pub(super) fn drop_name(&mut self, name: Node<'_>) {
        self.marks.push((name.start_byte() as u32, None));
    }

    pub(super) fn drop_leaf(&mut self, node: Node<'_>) {
        if node.child_count() == 0 {
            self.drop_name(node);
        }
    }

    pub(super) fn mark_last(&mut self, node: Node<'_>, role: Role) {
        if let Some(name) = self.last_name(node) {
            self.marks.push((name.start_byte() as u32, Some(role)));
        }
    }

    pub(super) fn mark_children(&mut self, node: Node<'_>, role: Role) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            self.mark_last(child, role);
        }
    }

    /// The last name of an expression or a type.
    pub(super) fn last_name<'n>(&self, mut node: Node<'n>) -> Option<Node<'n>> {
        for _ in 0..MAX_TAIL {
            if node.child_count() == 0 {
                return Some(node);
            }
            let mut tails = self.table.tails.iter();
            node = tails
                .find_map(|field| node.child_by_field_id(*field))
                .or_else(|| match node.kind() {
                    // Of PHP: `App\\Parser` has no fields.
                    "qualified_name" => node.named_child(
                        u32::try_from(node.named_child_count())
                            .ok()?
                            .checked_sub(1)?,
                    ),
                    _ => node.named_child(0),
                })?;
        }
        None
    }
}

impl Place {
    fn of(node: Node<'_>) -> Self {
        let Point { row, column } = node.start_position();
        Self {
            byte: node.start_byte() as u32,
            row: row as u32,
            column: column as u32,
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.contains('\n')
}

/// A name as it is meant: `"a b"` of TypeScript is `a b`.
fn unquoted(name: &str) -> &str {
    ['"', '\'', '`']
        .into_iter()
        .find_map(|quote| name.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(name)
}
