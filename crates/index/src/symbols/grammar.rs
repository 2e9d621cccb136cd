//! What the nodes of a language's syntax tree mean for its symbols, as data, and the same made ready for one walk.
//!
//! A table names nodes and fields by text; a node is looked up by its number while walking, so each table is translated
//! once per process.

use super::{Kind, Language, Role, tables, walk::Walk};
use std::{borrow::Cow, collections::HashMap, sync::OnceLock};
use tree_sitter::Node;

/// One language: its parser and what its nodes mean.
pub(super) struct Grammar {
    pub(super) language: fn() -> tree_sitter::Language,
    /// Several lists where languages share one. A node may stand more than once: all its rules hold, in this order.
    pub(super) rules: &'static [&'static [(&'static str, Rule<&'static str>)]],
    /// The fields that lead from an expression to its last name: from `a.b::<C>` to `b`. The first that is there.
    pub(super) tails: &'static [&'static str],
    /// Words that the grammar takes for names, but that only mean what is around them.
    pub(super) words: &'static [&'static str],
    /// Words that the grammar does not know and that say nothing about names: they are parsed as if they were spaces.
    /// In the order of the alphabet; all begin with `__`.
    pub(super) blanks: &'static [&'static str],
}

/// What a node means. `F` is a field of the node, which leads to a child.
#[derive(Clone, Copy)]
pub(super) enum Rule<F> {
    /// It defines the name in the field and encloses what is in it.
    Define(Kind, F),
    /// So too, but inside a function it is a local name: neither a definition nor a reference.
    DefineOutside(Kind, F),
    /// It defines each of the names in the field, outside of functions.
    DefineEach(Kind, F),
    /// What is inside has this container, which is defined elsewhere or in another node.
    Inside(F),
    /// It is a function without a name.
    Body,
    /// It is a name in the code.
    Name(Role),
    /// The last name of the child has this role.
    Mark(F, Role),
    /// The last name of each named child of the child has this role.
    MarkEach(F, Role),
    /// A name that is the whole child is local.
    Local(F),
    /// Names that are children are local.
    LocalChildren,
    /// Names inside have this role where no other rule gives one.
    Within(Role),
    Comment,
    /// Nothing inside is a symbol.
    Skip,
    Special(fn(&mut Walk<'_>, Node<'_>) -> Step),
}

/// Whether the walk goes into a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Into,
    Over,
}

/// A [`Grammar`] with numbers for names.
pub(super) struct Table {
    pub(super) language: tree_sitter::Language,
    rules: Vec<Rule<u16>>,
    /// By the number of a node kind: where its rules begin and how many there are.
    spans: Vec<(u16, u16)>,
    pub(super) tails: Vec<u16>,
    pub(super) words: &'static [&'static str],
    blanks: &'static [&'static str],
}

impl Table {
    /// The table of the language; `None` if this build has no grammar for it.
    pub(super) fn of(language: Language) -> Option<&'static Self> {
        static TABLES: [OnceLock<Option<Table>>; Language::COUNT] =
            [const { OnceLock::new() }; Language::COUNT];
        TABLES[language as usize]
            .get_or_init(|| tables::grammar(language).map(Self::new))
            .as_ref()
    }

    fn new(grammar: &Grammar) -> Self {
        let language = (grammar.language)();
        let field = |name: &str| language.field_id_for_name(name).map_or(0, |id| id.get());
        let mut by_name: HashMap<&str, Vec<Rule<u16>>> = HashMap::new();
        for (name, rule) in grammar.rules.iter().copied().flatten() {
            by_name.entry(name).or_default().push(rule.with(field));
        }
        let mut rules = Vec::new();
        // Several numbers may have one name, when a grammar shows one node as another.
        let spans = (0..language.node_kind_count() as u16)
            .map(|id| {
                let named = language.node_kind_is_named(id);
                let of_kind = language.node_kind_for_id(id).filter(|_| named);
                let of_kind = of_kind.and_then(|name| by_name.get(name));
                let start = rules.len() as u16;
                rules.extend(of_kind.into_iter().flatten().copied());
                (start, rules.len() as u16 - start)
            })
            .collect();
        let tails = grammar.tails.iter().map(|name| field(name)).collect();
        Self {
            language,
            rules,
            spans,
            tails,
            words: grammar.words,
            blanks: grammar.blanks,
        }
    }

    /// The text as it is parsed: as long as it is, with spaces for the words that would be errors.
    pub(super) fn parsed_text<'t>(&self, text: &'t str) -> Cow<'t, [u8]> {
        let mut parsed = Cow::Borrowed(text.as_bytes());
        if self.blanks.is_empty() {
            return parsed;
        }
        let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let mut end = 0;
        for (start, _) in text.match_indices("__") {
            let bytes = text.as_bytes();
            if start < end
                || start
                    .checked_sub(1)
                    .is_some_and(|before| in_word(&bytes[before]))
            {
                continue;
            }
            end = start
                + bytes[start..]
                    .iter()
                    .take_while(|byte| in_word(byte))
                    .count();
            if self.blanks.binary_search(&&text[start..end]).is_ok()
                && !after_define(&bytes[..start])
            {
                parsed.to_mut()[start..end].fill(b' ');
            }
        }
        parsed
    }

    pub(super) fn rules(&self, node_kind: u16) -> &[Rule<u16>] {
        match self.spans.get(usize::from(node_kind)) {
            Some(&(_, 0)) | None => &[],
            Some(&(start, count)) => &self.rules[usize::from(start)..usize::from(start + count)],
        }
    }
}

/// Whether the text ends with a beginning of a directive, such as `#define `, where the word is a name.
fn after_define(text: &[u8]) -> bool {
    const LONGEST: usize = 32;
    let near = &text[text.len().saturating_sub(LONGEST)..];
    let line = near.rsplit(|byte| *byte == b'\n').next();
    line.is_some_and(|line| line.trim_ascii_start().starts_with(b"#"))
}

impl Rule<&'static str> {
    fn with(self, field: impl Fn(&str) -> u16) -> Rule<u16> {
        match self {
            Self::Define(kind, name) => Rule::Define(kind, field(name)),
            Self::DefineOutside(kind, name) => Rule::DefineOutside(kind, field(name)),
            Self::DefineEach(kind, name) => Rule::DefineEach(kind, field(name)),
            Self::Inside(name) => Rule::Inside(field(name)),
            Self::Body => Rule::Body,
            Self::Name(role) => Rule::Name(role),
            Self::Mark(name, role) => Rule::Mark(field(name), role),
            Self::MarkEach(name, role) => Rule::MarkEach(field(name), role),
            Self::Local(name) => Rule::Local(field(name)),
            Self::LocalChildren => Rule::LocalChildren,
            Self::Within(role) => Rule::Within(role),
            Self::Comment => Rule::Comment,
            Self::Skip => Rule::Skip,
            Self::Special(special) => Rule::Special(special),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that a new version of a grammar no longer has would be a rule that never holds.
    #[test]
    fn every_node_and_field_of_the_tables_is_in_its_grammar() {
        for language in Language::all() {
            let Some(grammar) = tables::grammar(language) else {
                continue;
            };
            let parser = (grammar.language)();
            let check_field = |field: &str| {
                assert!(
                    parser.field_id_for_name(field).is_some(),
                    "{language} has no field {field}"
                );
                0
            };
            assert!(
                grammar.blanks.is_sorted()
                    && grammar.blanks.iter().all(|word| word.starts_with("__"))
            );
            for (node, rule) in grammar.rules.iter().copied().flatten() {
                assert_ne!(
                    parser.id_for_node_kind(node, true),
                    0,
                    "{language} has no node {node}"
                );
                rule.with(check_field);
            }
            grammar.tails.iter().for_each(|field| {
                check_field(field);
            });
        }
    }
}
